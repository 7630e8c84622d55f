"""No accepted event stops the follower, exhausts it, or hides events of others."""

from collections.abc import Callable
from typing import Any

import pytest

from audit_ledger.aws.views_table import ViewsTable
from audit_ledger.detections.bulk_access import BulkAccessRule
from audit_ledger.detections.detector import Detector
from audit_ledger.errors import UnreachableError
from audit_ledger.reading import record_opener
from audit_ledger.reading.record_opener import RecordOpener
from audit_ledger.records.sealed_view import open_view
from audit_ledger.sequence_gaps.counters import CountedState, parse_counted_state
from audit_ledger.views.state_names import COMPLETENESS
from functions.follower import follow as following
from functions.follower import run_state
from functions.sequencer import handler as sequencing
from tests.builders.audit_event import SEQUENCE_URL, encoded, ni_uri, r4
from tests.follower.sealed_ledger import NOW, SealedLedger
from tests.functions.publishing import Clock
from tests.world import NAME, ORIGIN, World


@pytest.fixture
def sealed_ledger(world: World, monkeypatch: pytest.MonkeyPatch) -> SealedLedger:
    sequencing.sequencer.cache_clear()
    clock = Clock()
    clock.now = NOW
    monkeypatch.setattr(sequencing, "time", clock)
    return SealedLedger(world)


def event(number: int = 0, **members: Any) -> bytes:
    """Return an event with a sequence number, without one for 0."""
    extension = [{"url": SEQUENCE_URL, "valueInteger": number}] if number else None
    return encoded(r4(**{"extension": extension, "recorded": "2026-11-23T02:00:00Z", **members}))


def received(sealed_ledger: SealedLedger) -> int:
    """Return how many numbered events were counted."""
    keys, views = sealed_ledger.ledger.keys, sealed_ledger.views
    assert keys is not None
    sealed = views.state(views.cursor(), COMPLETENESS) or b""
    state = parse_counted_state(open_view(sealed, keys.ledger_keys, ORIGIN, COMPLETENESS)).state
    return sum(stream.received for stream in state.streams.values())


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [{"extension": value}]
    return value


DOCUMENTS = [
    {"what": {"identifier": {"system": "urn:ietf:rfc:6920", "value": ni_uri(b"%d" % n)}}}
    for n in range(120)
]
HEAVY = {
    "79,000 agents of nothing": event(2, agent=[{}] * 79_000),
    "20,000 entities": event(2, entity=[{}] * 20_000),
    "3,000 patients": event(
        2, entity=[{"what": {"reference": f"Patient/{n}"}} for n in range(3000)]
    ),
    "more documents than a commit": event(2, entity=DOCUMENTS),
    "nested 900 deep": event(2, contained=nested(450)),
    "a number without end": event(2, entity=[{"detail": [{"valueInteger": 10**4000}]}]),
    "times of the year 1": event(2, recorded="0001-01-01T00:00:00Z"),
    "times of the year 9999": event(2, recorded="9999-12-31T23:59:59Z"),
    "no JSON at all": b'"text"',
    "an array": b"[1]",
    "no AuditEvent": b'{"resourceType":"Patient"}',
    "members of other shapes": event(2, agent={"who": 1}, entity=7, type=[None], outcome=[[]]),
    "surrogates": event(2).replace(b'"ehr"', b'"\\ud800"'),
    "a query of a million parameters": event(
        2, entity=[{"query": "YT0mYT0m" * 20_000, "type": {"code": "2"}}]
    ),
}


@pytest.mark.parametrize("resource", HEAVY.values(), ids=HEAVY)
def test_follows_what_comes_after_an_unusual_event(
    sealed_ledger: SealedLedger, monkeypatch: pytest.MonkeyPatch, resource: bytes
) -> None:
    """In one run; the unusual event is processed, or named in a finding by its entry alone."""
    monkeypatch.setattr(run_state, "MAX_PLACES_PER_COMMIT", 100)
    sealed_ledger.append(event(1), resource, event(3))
    followed = sealed_ledger.follow()
    assert (followed.next_seq, followed.stopped) == (4, "")
    assert received(sealed_ledger) >= 2
    assert followed.altered == ()
    assert followed.unprocessed in ((), (2,))
    entries = [f.entries for f in sealed_ledger.announced if f.rule == "unprocessed-entry"]
    assert entries == ([(2,)] if followed.unprocessed else [])
    assert sealed_ledger.views.cursor().findings == len(sealed_ledger.announced)
    again = sealed_ledger.follow()
    assert (again.next_seq, again.opened, again.unprocessed) == (4, 0, ())


@pytest.mark.parametrize(
    ("where", "name", "error"),
    [
        (BulkAccessRule, "observe", RuntimeError),
        (Detector, "observe", MemoryError),
        (CountedState, "with_event", RecursionError),
        (record_opener, "opened_event", KeyError),
    ],
    ids=lambda where: getattr(where, "__name__", where),
)
def test_an_event_whose_processing_fails_is_skipped_and_reported(
    sealed_ledger: SealedLedger,
    monkeypatch: pytest.MonkeyPatch,
    where: Any,
    name: str,
    error: type[Exception],
) -> None:
    """By its entry: the message of the error, which may quote the event, is not reported."""
    sealed_ledger.append(event(1), event(2), event(3))
    do: Callable[..., Any] = getattr(where, name)

    def sometimes(*arguments: Any, **named: Any) -> Any:
        seqs = [getattr(getattr(a, "opened", a), "seq", named.get("seq")) for a in arguments]
        if 2 in seqs:
            raise error("Practitioner/1 read Patient/1")
        return do(*arguments, **named)

    monkeypatch.setattr(where, name, sometimes)
    followed = sealed_ledger.follow()
    assert (followed.next_seq, followed.unprocessed) == (4, (2,))
    (finding,) = sealed_ledger.announced
    assert (finding.rule, finding.entries) == ("unprocessed-entry", (2,))
    assert "Practitioner" not in str(finding)
    monkeypatch.setattr(where, name, do)
    assert sealed_ledger.follow().unprocessed == ()


@pytest.mark.parametrize("time", [0, 1, 2, 5])
def test_run_ends_in_time_within_a_block_and_makes_progress(
    sealed_ledger: SealedLedger, time: int
) -> None:
    """After any entry, at least one after its start; all runs together process each entry once."""
    sealed_ledger.append(*(event(n) for n in range(1, 12)))
    left = [0]

    def has_time() -> bool:
        left[0] -= 1
        return left[0] >= 0

    reached: list[int] = []
    while not reached or reached[-1] < sealed_ledger.size:
        left[0] = time
        followed = sealed_ledger.follow(has_time)
        assert followed.next_seq == min((reached or [0])[-1] + max(1, time + 1), sealed_ledger.size)
        reached.append(followed.next_seq)
    assert received(sealed_ledger) == 11
    assert sealed_ledger.views.gaps() is not None
    assert sealed_ledger.announced == []


def test_waits_for_new_secrets_before_it_stops(
    sealed_ledger: SealedLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most MAX_WAITS times per block; it continues when they are found in between."""
    sealed_ledger.append(event(1), event(2), event(3))
    open_one, failures = RecordOpener.open, [0]

    def open_later(self: RecordOpener, stored: Any) -> Any:
        if stored.seq == 2 and failures[0]:
            failures[0] -= 1
            raise UnreachableError("the secret is not found yet")
        return open_one(self, stored)

    monkeypatch.setattr(RecordOpener, "open", open_later)
    failures[0] = following.MAX_WAITS + 1
    stopped = sealed_ledger.follow()
    assert (stopped.next_seq, stopped.stopped) == (2, "the secret is not found yet")
    assert (sealed_ledger.waits, received(sealed_ledger)) == (following.MAX_WAITS, 1)
    failures[0] = 2
    followed = sealed_ledger.follow()
    assert (followed.next_seq, followed.stopped, received(sealed_ledger)) == (4, "", 3)
    assert sealed_ledger.waits == following.MAX_WAITS + 2


def test_commits_a_large_block_in_pieces(
    sealed_ledger: SealedLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with as many documents, findings or events as a commit may contain."""
    monkeypatch.setattr(run_state, "MAX_PLACES_PER_COMMIT", 10)
    monkeypatch.setattr(run_state, "MAX_EVENTS_PER_COMMIT", 3)
    committed: list[int] = []
    commit = ViewsTable.commit

    def counted(self: ViewsTable, *arguments: Any, **named: Any) -> Any:
        committed.append(named["next_seq"])
        return commit(self, *arguments, **named)

    monkeypatch.setattr(ViewsTable, "commit", counted)
    sealed_ledger.append(*(event(n, entity=DOCUMENTS[n * 8 : n * 8 + 8]) for n in range(1, 6)))
    sealed_ledger.follow()
    assert committed == [3, 5, 6]


def test_looks_up_secrets_by_slice_and_opens_one_record_at_a_time(
    sealed_ledger: SealedLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """100 records are four look-ups; each is observed before the next is opened."""
    sealed_ledger.append(*(event(n) for n in range(1, 101)))
    looked_up: list[int] = []
    opened: list[str] = []
    look_up, open_one = RecordOpener.look_up, RecordOpener.open
    observe = Detector.observe

    def look_up_and_count(self: RecordOpener, entries: Any) -> None:
        entries = list(entries)
        looked_up.append(len(entries))
        look_up(self, entries)

    def opening_one(self: RecordOpener, stored: Any) -> Any:
        opened.append("open")
        return open_one(self, stored)

    def observing(self: Detector, *arguments: Any) -> Any:
        opened.append("observe")
        return observe(self, *arguments)

    monkeypatch.setattr(RecordOpener, "look_up", look_up_and_count)
    monkeypatch.setattr(RecordOpener, "open", opening_one)
    monkeypatch.setattr(Detector, "observe", observing)
    sealed_ledger.follow()
    assert max(looked_up) == following.ENTRIES_PER_SLICE
    assert sum(looked_up) == 100
    assert opened == ["open", "observe"] * 100


@pytest.mark.parametrize("how", ["removed", "altered", "of another count"])
def test_missing_or_altered_block_is_reported(sealed_ledger: SealedLedger, how: str) -> None:
    """With all its entries; later blocks are followed."""
    sealed_ledger.append(event(1))
    sealed_ledger.append(event(2), event(3))
    sealed_ledger.append(event(4))
    table, key = f"{NAME}-blocks", {"origin": {"S": ORIGIN}, "first_seq": {"N": "2"}}
    dynamodb = sealed_ledger.world.dynamodb
    item = dynamodb.get_item(TableName=table, Key=key)["Item"]
    if how == "removed":
        dynamodb.delete_item(TableName=table, Key=key)
    elif how == "altered":
        dynamodb.put_item(TableName=table, Item=item | {"body": {"B": b"none"}})
    else:
        dynamodb.put_item(TableName=table, Item=item | {"count": {"N": "3"}})
    followed = sealed_ledger.follow()
    assert followed.next_seq == 5
    assert followed.altered[:2] == (2, 3)
    assert sealed_ledger.announced[0].rule == "altered-entry"
    assert received(sealed_ledger) in (1, 2)
