"""Rebuilt views equal the old ones, after any number of runs and whatever was erased since."""

from typing import Any, NoReturn

import boto3
import pytest

from audit_ledger.aws.views_table import ViewsTable
from audit_ledger.errors import LostRaceError
from audit_ledger.reading import record_opener
from functions.follower.follow import Follower
from infra.local.cloud import REGION
from infra.local.lambda_runtime.runner import FunctionFailedError
from tests.builders.audit_event import document_read, emergency_read, numbered_read
from tests.follower.following import follow, gaps_of, settle, views
from tests.query.ledger_api import LEDGER, LedgerApi


def test_rebuild_yields_the_same_views(ledger_api: LedgerApi) -> None:
    """Nothing is announced again."""
    for number in (1, 2, 5):
        ledger_api.send(numbered_read(number))
    ledger_api.send(document_read(b"a report"))
    ledger_api.send(emergency_read())
    settle(ledger_api)
    ledger_api.send(numbered_read(4))
    settle(ledger_api)
    before, gaps = views(ledger_api), gaps_of(ledger_api)
    announced = len(ledger_api.cloud.bus.seen)
    assert {name.partition(" ")[0] for name in before} >= {"rule", "finding", "document"}
    answer = follow(ledger_api, rebuild="begin")
    assert (answer["next_seq"], answer["generation"]) == (answer["size"], 1)
    assert views(ledger_api) == before
    assert gaps_of(ledger_api) == gaps
    assert len(ledger_api.cloud.bus.seen) == announced


def test_old_views_are_read_until_a_rebuild_of_several_runs_ends(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new generation replaces the old one when it is complete."""
    for number in (1, 2, 5):
        ledger_api.send(numbered_read(number))
    ledger_api.send(document_read(b"a report"))
    ledger_api.send(emergency_read())
    settle(ledger_api)
    ledger_api.send(emergency_read("martha"))
    settle(ledger_api)
    before = views(ledger_api)
    with monkeypatch.context() as hurried:
        end_runs(hurried, [True, False, True, False])
        answer = follow(ledger_api, rebuild="begin")
        assert answer["next_seq"] < answer["size"]
        assert views(ledger_api) == before
        assert len(ledger_api.get("/findings").json()["findings"]) == 2
    answer = follow(ledger_api, rebuild="continue")
    assert (answer["next_seq"], answer["generation"]) == (answer["size"], 1)
    assert views(ledger_api) == before
    ledger_api.send(numbered_read(4))
    settle(ledger_api)  # and the new generation is followed on
    assert gaps_of(ledger_api)["gaps"][0]["first"] == 3
    assert follow(ledger_api, rebuild="begin")["generation"] == 2


def test_rebuild_does_not_report_erased_numbers_as_missing(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The numbers are gone with the records; the earlier counts include them."""
    for number, patient in ((1, "rose"), (2, "martha"), (3, "rose"), (5, "rose")):
        ledger_api.send(numbered_read(number, patient))
    settle(ledger_api)
    before = gaps_of(ledger_api)
    assert [(gap["first"], gap["last"]) for gap in before["gaps"]] == [(4, 4)]
    erase(ledger_api, numbered_at=2)
    monkeypatch.setattr(record_opener, "YOUNG_SECONDS", -60)
    with monkeypatch.context() as hurried:  # in two runs, with an event between them
        end_runs(hurried, [True, False])
        follow(ledger_api, rebuild="begin")
    ledger_api.send(numbered_read(6))
    settle(ledger_api)
    assert follow(ledger_api, rebuild="continue")["generation"] == 1
    after = gaps_of(ledger_api)
    assert after["gaps"] == before["gaps"]
    (stream,) = after["streams"]
    assert (stream["received"], stream["missing_events"], stream["repeats"]) == (5, 1, 0)
    assert after["unread"] == 0
    ledger_api.send(numbered_read(4))
    settle(ledger_api)
    assert gaps_of(ledger_api)["gaps"] == []


def test_numbers_erased_before_counting_appear_missing(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of unread records is reported beside them."""
    for number, patient in ((1, "rose"), (2, "martha"), (3, "rose")):
        ledger_api.send(numbered_read(number, patient))
    ledger_api.settle()
    erase(ledger_api, numbered_at=2)
    monkeypatch.setattr(record_opener, "YOUNG_SECONDS", -60)
    follow(ledger_api)
    for _ in range(2):
        gaps = gaps_of(ledger_api)
        assert [(gap["first"], gap["last"]) for gap in gaps["gaps"]] == [(2, 2)]
        assert gaps["unread"] == 1
        assert follow(ledger_api, rebuild="begin")["next_seq"] >= 4


def test_rebuild_rereads_counts_that_another_run_replaced(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counts that it continues are read again."""
    for number, patient in ((1, "rose"), (2, "martha"), (3, "rose")):
        ledger_api.send(numbered_read(number, patient))
    settle(ledger_api)
    erase(ledger_api, numbered_at=2)
    monkeypatch.setattr(record_opener, "YOUNG_SECONDS", -60)
    read, moves = ViewsTable.state, [True, True]

    def moved(self: ViewsTable, *which: Any) -> bytes | None:
        if moves and moves.pop():
            raise LostRaceError("the views moved on")
        return read(self, *which)

    with monkeypatch.context() as moving:
        moving.setattr(ViewsTable, "state", moved)
        assert follow(ledger_api, rebuild="begin")["generation"] == 1
    assert gaps_of(ledger_api)["gaps"] == []


def test_continuing_a_completed_rebuild_changes_nothing(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The response of the run that completed it may have been lost."""
    ledger_api.send(numbered_read(1))
    settle(ledger_api)

    def lost(*_: object) -> NoReturn:
        raise ConnectionError

    with monkeypatch.context() as losing:
        losing.setattr(ViewsTable, "put_gaps", lost)
        with pytest.raises(FunctionFailedError):
            follow(ledger_api, rebuild="begin")
    for _ in range(2):
        answer = follow(ledger_api, rebuild="continue")
        assert (answer["generation"], answer["next_seq"]) == (1, answer["size"])


def end_runs(monkeypatch: pytest.MonkeyPatch, answers: list[bool]) -> None:
    """Make runs of the follower end early: `answers` to whether there is time."""
    follow_on, has_time = Follower.follow, iter(answers)

    def follow_briefly(self: Follower, size: int, _: object, **how: Any) -> Any:
        return follow_on(self, size, lambda: next(has_time), **how)

    monkeypatch.setattr(Follower, "follow", follow_briefly)


def erase(ledger_api: LedgerApi, *, numbered_at: int) -> None:
    """Destroy the secret of the subject of an entry."""
    dynamodb = boto3.client("dynamodb", REGION)
    origin = ledger_api.cloud.ledger(LEDGER).origin
    rows = dynamodb.scan(TableName="audit-ledger-dev-events")["Items"]
    (pseudonym,) = {
        row["patient"]["S"]
        for row in rows
        if row["key"]["S"].startswith(f"{origin}#")
        and row.get("seq", {}).get("N") == str(numbered_at)
    }
    table = "audit-ledger-dev-subjects"
    for item in dynamodb.scan(TableName=table)["Items"]:
        if item["pseudonym"]["S"] == pseudonym:
            key = {"key": item["key"], "generation": item["generation"]}
            dynamodb.delete_item(TableName=table, Key=key)
            return
    raise AssertionError("there is no such secret")
