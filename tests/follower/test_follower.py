"""Views of records: gaps, documents and findings, also after crashes and concurrent runs."""

import json
from collections import Counter
from contextlib import suppress
from typing import Any, NoReturn

import boto3
import pytest
import requests

from audit_ledger.aws.views_table import ViewsTable
from audit_ledger.errors import LostRaceError, UnreachableError, VerificationError
from audit_ledger.ledger.block import body_time, parse_body
from audit_ledger.ledger.follower_views import Gaps
from audit_ledger.ledger.index import StoredEntry
from audit_ledger.reading.record_opener import RecordOpener
from infra.local.cloud import REGION
from infra.local.lambda_runtime.runner import FunctionFailedError
from tests.builders.audit_event import document_read, emergency_read, ni_uri, numbered_read, read_of
from tests.builders.cloudevent import result_filed
from tests.follower.following import (
    FOLLOWER,
    follow,
    gaps_of,
    post_cloudevent,
    settle,
    verified,
    views,
)
from tests.query.ledger_api import LEDGER, OTHER, PORTAL, LedgerApi

CALLS = {
    *("GetParameter", "GetItem", "BatchGetItem", "Query", "Decrypt"),
    *("UpdateItem", "PutItem", "PutEvents"),
}
"""What the role of the follower may call."""


def test_reports_missing_sequence_numbers(ledger_api: LedgerApi) -> None:
    """Gaps with their bounds; a late arrival closes its gap and is noted; repeats are counted.

    The follower runs after each digest, by the rule on the bus.
    """
    for number in (1, 2, 5, 6, 9):
        ledger_api.send(numbered_read(number))
    settle(ledger_api)
    assert ledger_api.cloud.runner.invocations[FOLLOWER] == 1
    gaps = gaps_of(ledger_api)
    assert gaps["followed"] == 6
    assert [(g["first"], g["last"], g["missing_events"]) for g in gaps["gaps"]] == [
        (3, 4, 2),
        (7, 8, 2),
    ]
    ledger_api.send(numbered_read(4))
    ledger_api.send(numbered_read(6))
    settle(ledger_api)
    gaps = gaps_of(ledger_api)
    assert [(g["first"], g["last"]) for g in gaps["gaps"]] == [(3, 3), (7, 8)]
    (stream,) = gaps["streams"]
    assert (stream["missing_events"], stream["late"], stream["repeats"]) == (3, 1, 1)


def test_finds_a_document_by_its_digest(ledger_api: LedgerApi) -> None:
    """Of an AuditEvent that names it twice, and of a CloudEvent, if the reader may see them."""
    twice = json.loads(document_read(b"a report"))
    twice["entity"].append(twice["entity"][-1])
    event_id = ledger_api.send(twice)
    post_cloudevent(ledger_api, result_filed(b"a result"))
    settle(ledger_api)
    (report,) = verified(ledger_api, b"a report")
    assert report["id"] == event_id
    (result,) = verified(ledger_api, b"a result")
    assert (result["action"], result["types"]) == ("C", ["record.result.filed"])
    assert verified(ledger_api, b"another") == []
    (report,) = verified(ledger_api, b"a report", ledger_api.patient("rose"))
    assert report["id"] == event_id
    assert verified(ledger_api, b"a report", ledger_api.patient("martha")) == []
    assert verified(ledger_api, b"a report", ledger_api.cloud.tokens.security(OTHER)) == []


def test_finding_contains_events_and_no_names(ledger_api: LedgerApi) -> None:
    """An emergency access without a reason is announced on the bus once.

    Another ledger has no findings, and the follower calls nothing else than listed.
    """
    ledger_api.send(document_read(b"a report", "martha"))
    event_id = ledger_api.send(emergency_read())
    settle(ledger_api)
    answer = ledger_api.get("/findings")
    (finding,) = answer.json()["findings"]
    assert finding["rule"] == "break-the-glass"
    assert finding["event_ids"] == [event_id]
    assert "rose" not in answer.text
    assert "Practitioner" not in answer.text
    announced = [
        seen.content
        for seen in ledger_api.cloud.bus.seen
        if seen.content["detail-type"] == "Finding"
    ]
    assert [content["detail"]["rule"] for content in announced] == ["break-the-glass"]
    assert "rose" not in str(announced)
    assert ledger_api.get("/findings?to=2020-01-01T00:00:00Z").json()["findings"] == []
    other = ledger_api.get("/findings", ledger_api.cloud.tokens.security(OTHER)).json()
    assert other == {"findings": [], "rules": [], "followed": 0}
    calls = Counter(ledger_api.cloud.meter.snapshot().calls(FOLLOWER))
    assert {operation for _, operation in calls} <= CALLS


def test_own_uses_yield_no_findings(ledger_api: LedgerApi) -> None:
    """Security officers read records of many patients: it is their job."""
    ledger_api.send(read_of("rose"))
    settle(ledger_api)
    for _ in range(3):
        ledger_api.page("patient=rose")
    settle(ledger_api)
    assert ledger_api.get("/findings").json()["findings"] == []


def test_stops_at_an_entry_that_cannot_be_opened_yet(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new ledger key, say: Lambda retries, no entry is skipped, earlier results are stored."""
    ledger_api.send(numbered_read(1))
    ledger_api.settle()
    ledger_api.send(numbered_read(2))
    ledger_api.settle()
    monkeypatch.setattr("functions.follower.follow.MAX_WAITS", 0)
    size = 3
    with monkeypatch.context() as patched:
        open_one = RecordOpener.open

        def not_yet(self: RecordOpener, stored: StoredEntry) -> Any:
            if stored.seq == size - 1:
                raise UnreachableError("the newest ledger key is not known here yet")
            return open_one(self, stored)

        patched.setattr(RecordOpener, "open", not_yet)
        with pytest.raises(FunctionFailedError):
            follow(ledger_api)
    assert gaps_of(ledger_api)["followed"] == size - 1
    assert follow(ledger_api)["next_seq"] >= size
    (stream,) = gaps_of(ledger_api)["streams"]
    assert (stream["received"], stream["missing_events"]) == (2, 0)


def test_publisher_receives_the_number_of_missing_events(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of settled gaps; the next digest contains it."""
    for number in (1, 2, 5):
        ledger_api.send(numbered_read(number))
    settle(ledger_api)
    assert views(ledger_api)["gaps"] == Gaps(followed=4)
    monkeypatch.setattr("functions.follower.follow.SETTLED_SECONDS", -60)
    follow(ledger_api)
    assert views(ledger_api)["gaps"] == Gaps(followed=4, missing={PORTAL: 2})
    ledger_api.send(numbered_read(6))
    settle(ledger_api)
    digest = ledger_api.get("/digests/latest").json()
    assert (digest["followed"], digest["missing_events"], digest["missing_portals"]) == (4, 2, 1)


def test_pages_of_findings_are_in_ledger_order(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every finding is on one page."""
    monkeypatch.setattr("functions.query.routes.findings.MAX_FINDINGS", 2)
    sent = []
    for patient in ("rose", "martha", "donna", "amy", "clara"):
        sent.append(ledger_api.send(emergency_read(patient)))
        settle(ledger_api)
    found: list[dict[str, Any]] = []
    after, pages = "", 0
    while True:
        page = ledger_api.get(f"/findings{after}").json()
        found += page["findings"]
        pages += 1
        if "next" not in page:
            break
        after = f"?after={page['next']}"
    assert pages == 3
    assert [finding["event_ids"] for finding in found] == [[event_id] for event_id in sent]
    first = ledger_api.get("/findings").json()["next"]
    for query in ("after=x", "after=1", "since=2026", "from=2026-11-01T00:00:00Z&from=2026"):
        assert ledger_api.get(f"/findings?{query}").status_code == 400
    assert (
        ledger_api.get("/findings?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z").status_code
        == 400
    )
    follow(ledger_api, rebuild="begin")
    refused = ledger_api.get(f"/findings?after={first}")
    assert (refused.status_code, "rebuilt" in refused.text) == (400, True)
    assert len(ledger_api.get("/findings").json()["findings"]) == 2


def test_list_of_a_documents_entries_is_limited(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It contains the first entries in ledger order, and states that there are more."""
    monkeypatch.setattr("functions.query.routes.documents.MAX_ENTRIES", 2)
    sent = [
        ledger_api.send(document_read(b"a leaflet", patient))
        for patient in ("rose", "martha", "donna")
    ]
    settle(ledger_api)
    answer = requests.post(
        f"{ledger_api.cloud.url}/documents/verify",
        json={"digest": ni_uri(b"a leaflet")},
        headers={"authorization": f"Bearer {ledger_api.security}"},
        timeout=30,
    ).json()
    assert [entry["id"] for entry in answer["entries"]] == sent[:2]
    assert answer["more"] is True


def test_next_run_completes_a_run_that_died_before_its_commit(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It puts documents and findings again."""
    ledger_api.send(numbered_read(1))
    ledger_api.send(numbered_read(3))
    ledger_api.send(document_read(b"a report"))
    ledger_api.send(emergency_read())
    ledger_api.settle()

    def die(*_: object, **__: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as dying:
        dying.setattr(ViewsTable, "commit", die)
        with pytest.raises(FunctionFailedError):
            follow(ledger_api)
    assert follow(ledger_api)["followed"] == 4
    assert follow(ledger_api)["followed"] == 0
    (stream,) = gaps_of(ledger_api)["streams"]
    assert (stream["received"], stream["missing_events"], stream["repeats"]) == (2, 1, 0)
    assert len(ledger_api.get("/findings").json()["findings"]) == 1
    assert len(verified(ledger_api, b"a report")) == 1


@pytest.mark.parametrize("error", [LostRaceError, UnreachableError])
def test_metric_shows_how_far_the_follower_is_behind(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """The age of the first entry that was not followed, however runs end; 0 if there is none.

    Nothing else would show a small ledger whose runs are always overtaken.
    """
    ledger_api.send(numbered_read(1))
    ledger_api.settle()

    def stuck(*_: object) -> NoReturn:
        raise error("stuck")

    monkeypatch.setattr("functions.follower.lag.body_time", lambda body: body_time(body) - 3600)
    with monkeypatch.context() as patched:
        patched.setattr(ViewsTable, "claim", stuck)
        with suppress(FunctionFailedError):
            assert follow(ledger_api)["followed"] == 0
    follow(ledger_api)
    lines = ledger_api.cloud.runner.log_of(FOLLOWER).lines
    metrics = [json.loads(line) for line in lines if "BehindSeconds" in line]
    stuck_for, afterwards = (metric["BehindSeconds"][0] for metric in metrics)
    assert 3600 <= stuck_for < 3700
    assert afterwards == 0


def test_concurrent_runs_count_nothing_twice(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slower one finds the cursor moved and ends."""
    ledger_api.send(numbered_read(1))
    ledger_api.send(numbered_read(3))
    ledger_api.settle()
    commit = ViewsTable.commit
    others = [True]

    def overtaken(*arguments: Any, **named: Any) -> Any:
        if others.pop() if others else False:
            assert follow(ledger_api)["followed"] == 2
        return commit(*arguments, **named)

    monkeypatch.setattr(ViewsTable, "commit", overtaken)
    assert follow(ledger_api)["followed"] == 0
    (stream,) = gaps_of(ledger_api)["streams"]
    assert (stream["received"], stream["repeats"]) == (2, 0)


def test_stored_views_contain_no_names(ledger_api: LedgerApi) -> None:
    """Neither in keys nor in values; states are sealed."""
    ledger_api.send(numbered_read(2, "rosetyler"))
    ledger_api.send(document_read(b"a report", "rosetyler"))
    ledger_api.send(emergency_read("rosetyler"))
    settle(ledger_api)
    items = boto3.client("dynamodb", REGION).scan(TableName="audit-ledger-dev-views")["Items"]
    shown = str(items)
    assert len(items) > 5
    for name in ("rosetyler", "Practitioner", "laboratory", ni_uri(b"a report")):
        assert name not in shown


def test_altered_index_row_is_counted_and_following_continues(ledger_api: LedgerApi) -> None:
    """Otherwise one alteration in the table would disable all rules."""
    for number in (1, 2, 3):
        ledger_api.send(numbered_read(number))
        ledger_api.settle()
    dynamodb, table = boto3.client("dynamodb", REGION), "audit-ledger-dev-blocks"
    (block,) = [
        item
        for item in dynamodb.scan(TableName=table)["Items"]
        if item["first_seq"]["N"] == "3"
        and item["origin"]["S"] == ledger_api.cloud.ledger(LEDGER).origin
    ]
    body = bytes(block["body"]["B"])
    (item,) = parse_body(body).items
    block["body"]["B"] = body.replace(item.row_bytes, b"\xff" * len(item.row_bytes))
    dynamodb.put_item(TableName=table, Item=block)
    answer = follow(ledger_api)
    assert answer["next_seq"] == answer["size"] == 4
    assert counted(ledger_api, "Unopened") == [1]
    assert gaps_of(ledger_api)["unread"] == 1


def test_metrics_add_up_over_both_runs_of_an_invocation(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The handler follows again once, with keys that it reads again."""
    for number in (1, 2, 3):
        ledger_api.send(numbered_read(number))
        ledger_api.settle()
    monkeypatch.setattr("functions.follower.follow.MAX_WAITS", 0)
    open_one, unknown = RecordOpener.open, [True]

    def odd(self: RecordOpener, stored: StoredEntry) -> Any:
        if stored.seq == 1:
            raise VerificationError("altered")
        if stored.seq == 3 and unknown and unknown.pop():
            raise UnreachableError("the newest ledger key is not known here yet")
        return open_one(self, stored)

    monkeypatch.setattr(RecordOpener, "open", odd)
    assert follow(ledger_api, rebuild="begin")["followed"] == 2
    assert sum(counted(ledger_api, "Followed")) == 2
    assert sum(counted(ledger_api, "Unopened")) == 1


def counted(ledger_api: LedgerApi, metric: str) -> list[float]:
    """Return a metric of the follower's last run."""
    lines = ledger_api.cloud.runner.log_of(FOLLOWER).lines
    metrics = [json.loads(line) for line in lines if f'"{metric}"' in line]
    values: list[float] = metrics[-1][metric]
    return values
