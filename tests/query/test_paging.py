"""All pages of a search see one published size: nothing is missed or repeated during writes."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from audit_ledger.aws import events_search
from audit_ledger.errors import VerificationError
from audit_ledger.ledger.index import EntryPosition, StoredEntry
from audit_ledger.reading import candidates, search
from audit_ledger.reading.record_opener import RecordOpener
from audit_ledger.reading.snapshot import LogSnapshot
from infra.local.cloud import REGION
from tests.builders.audit_event import encoded, r5, read_of
from tests.query.ledger_api import LedgerApi

PATIENT = "rose"
DAY = timedelta(days=1)


def send_reads(ledger_api: LedgerApi, count: int, *, ago: timedelta = timedelta()) -> list[str]:
    """Send reads of the patient by as many practitioners; return their ids."""
    return [ledger_api.send(read_of(PATIENT, f"{n}", ago=ago, note=f"{n}")) for n in range(count)]


@pytest.mark.parametrize("sort", ["date", "-date"])
@pytest.mark.parametrize("by", ["patient=rose", "date=ge2020"])
def test_events_added_between_pages_are_not_found(
    ledger_api: LedgerApi, by: str, sort: str
) -> None:
    """Neither older, newer nor late ones; a new search finds them."""
    before = {*send_reads(ledger_api, 5), *send_reads(ledger_api, 5, ago=3 * DAY)}
    ledger_api.settle()
    found: list[str] = []
    for page in ledger_api.pages(f"{by}&_sort={sort}&_count=3"):
        found += page.events
        send_reads(ledger_api, 1)
        send_reads(ledger_api, 1, ago=2 * DAY)
        ledger_api.settle()
    assert sorted(found) == sorted(before)
    assert len(ledger_api.search(by)) > len(before)


@pytest.mark.parametrize(
    ("by", "sort", "ago"),
    [
        ("patient=rose", "date", timedelta()),
        ("patient=rose", "-date", DAY),
        ("agent=Practitioner/1", "date", DAY),
        ("agent=Practitioner/1", "-date", timedelta()),
        ("date=ge2020", "date", timedelta()),
        ("date=ge2020", "-date", DAY),
    ],
)
def test_events_of_one_instant_are_paged_by_entry(
    ledger_api: LedgerApi, by: str, sort: str, ago: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page continues reading where the last one ended."""
    bodies = [read_of(PATIENT, "1", ago=ago, note=f"{n}") for n in range(8)]
    instant = json.loads(bodies[0])["recorded"]
    sent = [
        ledger_api.send(json.dumps({**json.loads(b), "recorded": instant}).encode()) for b in bodies
    ]
    ledger_api.settle()
    ledger_api.cloud.drain()
    monkeypatch.setattr(LogSnapshot, "young", lambda *_: [])
    read: list[EntryPosition] = []
    query = events_search.EventsSearch._query

    def counted(*args: Any, **named: Any) -> Iterator[EntryPosition]:
        for place in query(*args, **named):
            read.append(place)
            yield place

    monkeypatch.setattr(events_search.EventsSearch, "_query", counted)
    found: list[str] = []
    for page in ledger_api.pages(f"{by}&_sort={sort}&_count=3"):
        found += page.events
    assert found == (sent if sort == "date" else sent[::-1])
    assert len(read) <= len(sent) + 5  # one more a page: is there a next


@pytest.mark.parametrize("by", ["patient=rose", "agent=Practitioner/7", "date=ge2020"])
def test_events_that_are_not_indexed_yet_are_found(
    ledger_api: LedgerApi, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secondary indexes lag behind the table: here they lack the last ten seconds."""
    for patient in ("rose", "martha"):
        for note in ("at once", "late"):
            ago = DAY if note == "late" else timedelta()
            ledger_api.send(read_of(patient, "7", ago=ago, note=note))
    ledger_api.settle()
    expected = ledger_api.page(by).events.keys()
    assert len(expected) == (2 if by.startswith("patient") else 4)

    monkeypatch.setattr(events_search.EventsSearch, "_query", lambda *_, **__: iter(()))
    assert ledger_api.page(by).events.keys() == expected


def test_events_are_found_and_sorted_by_their_own_time(
    ledger_api: LedgerApi,
) -> None:
    """Also a late one between others of today."""
    late = ledger_api.send(read_of(PATIENT, ago=40 * DAY))
    fresh = ledger_api.send(read_of(PATIENT))
    ledger_api.settle()
    day = (datetime.now(UTC) - 40 * DAY).strftime("%Y-%m-%d")
    assert list(ledger_api.page(f"date={day}").events) == [late]
    assert list(ledger_api.page("date=ge2020").events) == [fresh, late]
    assert list(ledger_api.page("date=ge2020&_sort=date").events) == [late, fresh]


@pytest.mark.parametrize("by", ["date=ge2030", "patient=rose", "agent=Practitioner/9"])
def test_an_event_of_the_far_future_is_found(ledger_api: LedgerApi, by: str) -> None:
    """Whatever the sender's clock stated."""
    future = datetime(2031, 1, 1, tzinfo=UTC) - datetime.now(UTC)
    event_id = ledger_api.send(read_of(PATIENT, "9", ago=-future))
    ledger_api.settle()
    assert list(ledger_api.page(by).events) == [event_id]


@pytest.mark.parametrize("by", ["patient=rose", "date=ge2020", "agent=Practitioner/1"])
def test_an_altered_record_is_left_out_with_a_warning(
    ledger_api: LedgerApi, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not hide the others; reports and exports, which would be incomplete, fail."""
    first, bad, last = (ledger_api.send(read_of(PATIENT, note=f"{n}")) for n in range(3))
    ledger_api.settle()
    open_one = RecordOpener.open

    def altered(self: RecordOpener, stored: StoredEntry) -> object:
        if stored.key == bad:
            raise VerificationError("a record does not open")
        return open_one(self, stored)

    monkeypatch.setattr(RecordOpener, "open", altered)
    page = ledger_api.page(f"{by}&_sort=date")
    assert list(page.events) == [first, last]
    assert "a record that does not open" in str(page.issues)
    altered_one = ledger_api.get(f"/AuditEvent/{bad}")
    assert (altered_one.status_code, "failed verification" in altered_one.text) == (500, True)
    for path in ("/export?format=csv&patient=rose", "/reports/privacy"):
        assert ledger_api.get(path).status_code >= 500


@pytest.mark.parametrize(("attribute", "change"), [("place", 10**19), ("place", -1), ("block", -1)])
def test_an_index_row_of_another_entry_is_left_out_with_a_warning(
    ledger_api: LedgerApi, attribute: str, change: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other event is shown in its place."""
    ledger_api.send(read_of("martha"))
    sent = [ledger_api.send(read_of(PATIENT, note=f"{n}", ago=DAY)) for n in range(3)]
    ledger_api.settle()
    ledger_api.cloud.drain()
    dynamodb, table = boto3.client("dynamodb", REGION), "audit-ledger-dev-events"
    (key,) = (
        item["key"]
        for item in dynamodb.scan(TableName=table)["Items"]
        if item["key"]["S"].endswith(sent[1])
    )
    dynamodb.update_item(
        TableName=table,
        Key={"key": key},
        UpdateExpression="ADD #attribute :change",
        ExpressionAttributeNames={"#attribute": attribute},
        ExpressionAttributeValues={":change": {"N": str(change)}},
    )
    # The newest entries are read from blocks, not from the index: none is so young here.
    monkeypatch.setattr(LogSnapshot, "young", lambda *_: [])
    page = ledger_api.page("patient=rose&_sort=date")
    assert list(page.events) == [sent[0], sent[2]]
    assert "an index row of another entry" in str(page.issues)


def test_a_page_ends_after_a_number_of_opened_records(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages of a search for rare events may be empty; together they are complete."""
    send_reads(ledger_api, 18)
    rare = ledger_api.send(read_of(PATIENT, "rare", ago=timedelta(seconds=60)))
    ledger_api.settle()
    monkeypatch.setattr(search, "MAX_OPENED", 5)
    monkeypatch.setattr(search, "BATCH_SIZE", 5)
    pages = list(ledger_api.pages(f"patient={PATIENT}&agent=rare&_count=5"))
    assert len(pages) > 3
    assert [event_id for page in pages for event_id in page.events] == [rare]


@pytest.mark.parametrize("sort", ["date", "-date"])
def test_a_page_ends_after_a_number_of_blocks(
    ledger_api: LedgerApi, sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks with late events only, outside the period: pages end, and the next continues.

    All blocks have the same time here, and still no page may end where it began.
    """
    monkeypatch.setattr(candidates, "BLOCKS_PER_MILESTONE", 2)
    monkeypatch.setattr(search, "MAX_BLOCKS", 4)
    expected = set()
    for number in range(12):
        ago = timedelta() if number in (0, 11) else 9 * DAY
        event_id = ledger_api.send(read_of(PATIENT, ago=ago))
        if not ago:
            expected.add(event_id)
        ledger_api.cloud.drain()  # a block each
    ledger_api.cloud.publish()
    today = (datetime.now(UTC) - DAY).strftime("%Y-%m-%d")
    pages = list(ledger_api.pages(f"date=ge{today}&_sort={sort}"))
    assert len(pages) > 1
    found = [event_id for page in pages for event_id in page.events]
    assert sorted(found) == sorted(expected)


def test_a_cursor_is_valid_for_its_search_and_token_only(ledger_api: LedgerApi) -> None:
    """Nobody continues the search of another caller."""
    send_reads(ledger_api, 3)
    ledger_api.settle()
    page = ledger_api.page(f"patient={PATIENT}&_count=1")
    assert page.next is not None
    cursor = page.next.partition("_cursor=")[2]
    other_search = ledger_api.get(f"/AuditEvent?patient=martha&_count=1&_cursor={cursor}")
    other_token = ledger_api.get(
        f"/AuditEvent?patient={PATIENT}&_count=1&_cursor={cursor}", ledger_api.patient(PATIENT)
    )
    changed = ledger_api.get(f"/AuditEvent?patient={PATIENT}&_count=1&_cursor={cursor[:-2]}AA")
    for refused in (other_search, other_token, changed):
        assert refused.status_code == 400
    assert ledger_api.page(f"patient={PATIENT}&_count=2&_cursor={cursor}").events


def test_conflicts_and_repeats_are_marked(ledger_api: LedgerApi) -> None:
    """Both events of a conflict are found; a repeat names the event that it repeats."""
    first = read_of(PATIENT, "1", note="first")
    ledger_api.send(first, idempotency_key="one")
    ledger_api.send(read_of(PATIENT, "1", note="second"), idempotency_key="one")
    ledger_api.send(first)
    ledger_api.settle()
    page = ledger_api.page(f"patient={PATIENT}&_sort=date")
    assert len(page.events) == 3
    diagnostics = [issue["diagnostics"] for issue in page.issues]
    assert sum(text.startswith("conflict") for text in diagnostics) == 1
    assert sum(text.startswith("repeat") for text in diagnostics) == 1
    for event_id, body in page.events.items():
        assert ledger_api.get(f"/AuditEvent/{event_id}").content == body


def test_nothing_is_found_before_the_first_digest(ledger_api: LedgerApi) -> None:
    """And before the first event."""
    assert ledger_api.page("date=ge2020").events == {}
    waiting = ledger_api.send(read_of(PATIENT))
    ledger_api.cloud.drain()
    assert ledger_api.page("date=ge2020").events == {}
    assert ledger_api.get(f"/AuditEvent/{waiting}").status_code == 404
    ledger_api.cloud.publish()
    assert list(ledger_api.page(f"patient={PATIENT}").events) == [waiting]


def test_a_page_ends_before_it_exceeds_a_response(ledger_api: LedgerApi) -> None:
    """As R4, R5's basedOn is an extension: thirty events of 32 KB exceed Lambda's 6 MiB."""
    event = r5(basedOn=[{"display": "a"}] * 2000)
    sent = [
        ledger_api.send({**event, "recorded": f"2026-11-22T05:59:{second:02}Z"})
        for second in range(30)
    ]
    ledger_api.settle()
    pages = list(ledger_api.pages("date=2026-11-22&_sort=date"))
    assert len(pages) == 2
    assert [event_id for page in pages for event_id in page.events] == sent
    for page in pages:
        for body in page.events.values():
            assert len(body) > 6 * len(encoded(event))
    (as_sent,) = ledger_api.pages("date=2026-11-22&_sort=date&_elements=recorded")
    assert list(as_sent.events) == sent
