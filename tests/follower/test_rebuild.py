"""Views that are made anew: the same, however many runs it takes, and whatever was erased since."""

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
from tests.query.ledger_api import LEDGER, PORTAL, LedgerApi


def test_following_anew_gives_the_same(ledger_api: LedgerApi) -> None:
    """All of it, and nobody is told again."""
    for number in (1, 2, 5):
        ledger_api.send(numbered_read(number))
    ledger_api.send(document_read(b"a report"))
    ledger_api.send(emergency_read())
    settle(ledger_api)
    ledger_api.send(numbered_read(4))
    settle(ledger_api)
    before, gaps = views(ledger_api), ledger_api.get(f"/portals/{PORTAL}/gaps").json()
    told = len(ledger_api.cloud.bus.seen)
    assert {name.partition(" ")[0] for name in before} >= {"rule", "finding", "document"}
    answer = follow(ledger_api, rebuild="begin")
    assert (answer["next_seq"], answer["generation"]) == (answer["size"], 1)
    assert views(ledger_api) == before
    assert ledger_api.get(f"/portals/{PORTAL}/gaps").json() == gaps
    assert len(ledger_api.cloud.bus.seen) == told


def test_following_anew_takes_several_runs_and_meanwhile_all_is_as_it_was(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Views are read from the old generation until the new one has everything."""
    for number in (1, 2, 5):
        ledger_api.send(numbered_read(number))
    ledger_api.send(document_read(b"a report"))
    ledger_api.send(emergency_read())
    settle(ledger_api)
    ledger_api.send(emergency_read("martha"))
    settle(ledger_api)
    before = views(ledger_api)
    has_time = iter([True, False, True, False])
    with monkeypatch.context() as hurried:
        follow_on = Follower.follow

        def follow_for_a_block(self: Follower, size: int, _: object, **how: Any) -> Any:
            return follow_on(self, size, lambda: next(has_time), **how)

        hurried.setattr(Follower, "follow", follow_for_a_block)
        answer = follow(ledger_api, rebuild="begin")
        assert answer["next_seq"] < answer["size"]
        assert views(ledger_api) == before
        assert len(ledger_api.get("/findings").json()["findings"]) == 2
    answer = follow(ledger_api, rebuild="continue")
    assert (answer["next_seq"], answer["generation"]) == (answer["size"], 1)
    assert views(ledger_api) == before
    ledger_api.send(numbered_read(4))
    settle(ledger_api)  # and the new generation is followed on
    assert ledger_api.get(f"/portals/{PORTAL}/gaps").json()["gaps"][0]["first"] == 3
    assert follow(ledger_api, rebuild="begin")["generation"] == 2


def test_who_was_erased_is_not_called_missing(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The numbers went with the records; that they had come is known since they were counted."""
    for number, patient in ((1, "rose"), (2, "martha"), (3, "rose"), (5, "rose")):
        ledger_api.send(numbered_read(number, patient))
    settle(ledger_api)
    before = gaps_of(ledger_api)
    assert [(gap["first"], gap["last"]) for gap in before["gaps"]] == [(4, 4)]
    erase(ledger_api, numbered_at=2)
    monkeypatch.setattr(record_opener, "YOUNG_SECONDS", -60)
    has_time = iter([True, False])
    with monkeypatch.context() as hurried:  # in two runs, and more comes between them
        follow_on = Follower.follow

        def follow_for_a_block(self: Follower, size: int, _: object, **how: Any) -> Any:
            return follow_on(self, size, lambda: next(has_time), **how)

        hurried.setattr(Follower, "follow", follow_for_a_block)
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


def test_who_was_erased_before_anything_was_counted_is_told_of_by_a_count(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows those numbers any more: they seem missing, and so many records are unread."""
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


def test_what_is_read_may_move_on_when_it_is_made_anew(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counting that is gone on with is read again then."""
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


def test_to_go_on_with_what_is_finished_begins_nothing(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run whose answer was lost had done it all: who asks to go on is told so."""
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


def test_a_run_that_stood_still_takes_nothing_over(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one finished meanwhile, and what is read moved on since."""
    ledger_api.send(numbered_read(1))
    settle(ledger_api)
    held: list[tuple[ViewsTable, Any]] = []
    take_over = ViewsTable.take_over

    def stand_still(self: ViewsTable, made: Any) -> NoReturn:
        held.append((self, made))
        raise ConnectionError

    with monkeypatch.context() as standing:
        standing.setattr(ViewsTable, "take_over", stand_still)
        with pytest.raises(FunctionFailedError):
            follow(ledger_api, rebuild="begin")
    assert follow(ledger_api, rebuild="continue")["generation"] == 1
    for number in (2, 3):
        ledger_api.send(numbered_read(number))
        settle(ledger_api)
    before = views(ledger_api)
    ((table, made),) = held
    with pytest.raises(LostRaceError):
        take_over(table, made)
    assert views(ledger_api) == before
    ledger_api.send(numbered_read(4))
    settle(ledger_api)
    assert gaps_of(ledger_api)["streams"][0]["received"] == 4


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
