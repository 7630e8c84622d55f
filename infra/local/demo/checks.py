"""What must hold at the end of the day, each told by someone other than who should have done it."""

from collections.abc import Iterator, Sequence

from infra.local.cloud import LocalCloud
from infra.local.demo.figures import Figures
from infra.local.hospital import Submission, tally
from infra.local.queue_pump import Batch


def faults(
    day: Sequence[Submission],
    ledgers: Sequence[Figures],
    cloud: LocalCloud,
    delivered: Sequence[Batch],
) -> Iterator[str]:
    """Say what does not hold; nothing where everything does."""
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


def resent_entries(day: Sequence[Submission]) -> dict[str, int]:
    """Count, by ledger, the entries that resent requests would add if nobody left them out."""
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
