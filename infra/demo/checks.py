"""Checks at the end of the day; each compares counts of two independent sources."""

from collections.abc import Iterator, Sequence

from infra.demo.expectations import Expected
from infra.demo.hospital import Submission, tally
from infra.demo.hospital.anomalies import HEALTH_AUTHORITY
from infra.demo.metrics import Figures
from infra.demo.queries import SHOWN_EVENTS, Answers
from infra.local.cloud import LocalCloud
from infra.local.lambda_runtime.sqs_event_source import Batch


def faults(
    day: Sequence[Submission],
    ledgers: Sequence[Figures],
    cloud: LocalCloud,
    delivered: Sequence[Batch],
) -> Iterator[str]:
    """Return each count that differs; nothing if all agree."""
    expected, repeated = tally(day), resent_entries(day)
    for found in ledgers:
        wanted = expected[found.name]
        yield from _differs(found.name, "events accepted", wanted.events, found.events)
        event_entries = found.entries - found.control_entries
        yield from _differs(found.name, "entries of events", wanted.entries, event_entries)
        yield from _differs(found.name, "control entries", 1, found.control_entries)
        again = repeated.get(found.name, 0)
        yield from _differs(found.name, "resent records left out", again, found.duplicates)
    failed = sum(len(batch.failed) for batch in delivered)
    yield from _differs("queues", "messages that failed", 0, failed)
    yield from _differs(
        "roles", "calls refused for want of permission", 0, len(cloud.permissions.refusals)
    )


def answer_faults(expected: Expected, answers: Answers) -> Iterator[str]:
    """Return each answer of the API that differs from the seeded day."""
    where = expected.ledger
    if answers.search.exit_code:
        yield f"{where}: ledger search: exit {answers.search.exit_code}"
    least = min(SHOWN_EVENTS, expected.accesses)
    listed = sum(event_id in answers.search.report for event_id in answers.found[:SHOWN_EVENTS])
    yield from _differs(where, "events that ledger search shows", least, listed)
    yield from _differs(where, "events found of the patient", expected.accesses, len(answers.found))
    accesses, people = answers.accesses["accesses"], answers.accesses["people"]
    yield from _differs(where, "accesses shown to the patient", expected.accesses, len(accesses))
    of_people = sum(person["number"] for person in people)
    yield from _differs(where, "accesses by person", expected.accesses, of_people)
    disclosed = sum(row["number"] for row in answers.accounting["disclosures"])
    yield from _differs(where, "disclosures accounted for", expected.disclosures, disclosed)
    left_out = sum(row["number"] for row in answers.accounting["exclusions"])
    yield from _differs(where, "disclosures left out", expected.left_out, left_out)
    recipients = {row["recipient"] for row in answers.accounting["disclosures"]}
    if HEALTH_AUTHORITY.name not in recipients:
        yield f"{where}: {HEALTH_AUTHORITY.name} is not among the recipients"
    broken = answers.findings.get("break-the-glass", 0)
    yield from _differs("findings", "break-the-glass", expected.glass_broken, broken)
    streams = answers.gaps["streams"]
    received = sum(stream["received"] for stream in streams)
    missing = sum(stream["missing_events"] for stream in streams)
    yield from _differs("gaps", "numbered streams", 1, len(streams))
    yield from _differs("gaps", "numbered events received", expected.numbered, received)
    yield from _differs("gaps", "numbered events missing", 0, missing)


def resent_entries(day: Sequence[Submission]) -> dict[str, int]:
    """Count, by ledger, the entries that resent requests would add without deduplication."""
    first = {(s.portal, s.body, s.attributes): s.new_entries for s in day if not s.is_resent}
    counts: dict[str, int] = {}
    for s in day:
        if s.is_resent:
            again = first[s.portal, s.body, s.attributes]
            counts[s.ledger] = counts.get(s.ledger, 0) + again
    return counts


def _differs(where: str, what: str, expected: int, found: int) -> Iterator[str]:
    if expected != found:
        yield f"{where}: {what}: {found:,}, expected {expected:,}"
