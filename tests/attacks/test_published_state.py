"""Who can write the published state cannot make a response omit events without a warning."""

from typing import Any

import pytest

from functions.publisher import handler as publishing
from functions.sequencer import handler as sequencing
from tests.attacks.small_ledger import (
    QueryClient,
    accept_two_events,
    append_and_publish,
    append_another_event,
    start_containers,
)
from tests.functions.publishing import Clock
from tests.moto_state import MotoState
from tests.world import NAME, ORIGIN, World

STATE = {"key": {"S": f"{ORIGIN}#published"}}
ATTRIBUTES = ("size", "time", "digest_name", "digest", "checkpoint", "version")
SEARCHES = (
    ("/AuditEvent", "patient=Patient/0", "user/*.rs"),
    ("/AuditEvent", "date=2026-11-23", "user/*.rs"),
    ("/AuditEvent", "date=2026-11-23&_summary=count", "user/*.rs"),
    ("/AuditEvent", "", "patient/*.rs"),
    ("/accesses", "", "patient/*.rs"),
    ("/export", "patient=Patient/0&format=csv&receipts=none", "user/*.rs"),
)
NOTHING_PUBLISHED = "nothing of this ledger is published yet"
Item = dict[str, Any]


def responses(client: QueryClient) -> list[tuple[int, str]]:
    """Return status and body of each search."""
    return [client.get(*search) for search in SEARCHES]


def read_state(world: World) -> Item:
    item: Item = world.dynamodb.get_item(TableName=f"{NAME}-ledgers", Key=STATE)["Item"]
    return item


@pytest.fixture(scope="module")
def published_twice(empty_world: tuple[World, MotoState]) -> tuple[MotoState, Item]:
    """A ledger with two digests, a minute apart, and its first published state."""
    world, empty = empty_world
    empty.load()
    clock = Clock()
    start_containers()
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(publishing, "time", clock)
        monkeypatch.setattr(sequencing, "time", clock)
        assert append_and_publish(accept_two_events(world)) == 0
        first = read_state(world)
        clock.now += 60
        append_another_event(world)
    return MotoState.save(), first


@pytest.fixture
def client(published_twice: tuple[MotoState, Item], query_client: QueryClient) -> QueryClient:
    """A client of the ledger with two digests, a minute after the second."""
    published_twice[0].load()
    query_client.seconds_later = 120
    return query_client


def test_responses_of_an_untouched_ledger_have_no_warning(client: QueryClient) -> None:
    """The altered states are compared with this one."""
    for status, body in responses(client):
        assert status == 200
        assert "frozen" not in body
        assert NOTHING_PUBLISHED not in body


@pytest.mark.parametrize(
    ("attribute", "is_removed"),
    [(name, True) for name in ATTRIBUTES] + [(name, False) for name in ATTRIBUTES[:-1]],
)
def test_an_altered_published_state_is_an_error(
    world: World,
    client: QueryClient,
    published_twice: tuple[MotoState, Item],
    attribute: str,
    *,
    is_removed: bool,
) -> None:
    """Removed or of the first state. A smaller size would hide the newest events."""
    altered = {k: v for k, v in read_state(world).items() if k != attribute}
    if not is_removed:
        altered[attribute] = published_twice[1][attribute]
    world.dynamodb.put_item(TableName=f"{NAME}-ledgers", Item=altered)
    for status, body in responses(client):
        assert status >= 500 or status == 404 or NOTHING_PUBLISHED in body


@pytest.mark.parametrize("is_begun", [True, False])
def test_responses_without_a_published_state_are_not_taken_for_complete(
    world: World, clock: Clock, query_client: QueryClient, *, is_begun: bool
) -> None:
    """Neither before the first digest nor after the published state was deleted."""
    if is_begun:
        append_and_publish(accept_two_events(world))
        world.dynamodb.delete_item(TableName=f"{NAME}-ledgers", Key=STATE)
    for status, body in responses(query_client):
        assert status == 404 or NOTHING_PUBLISHED in body


def test_responses_of_a_frozen_ledger_report_the_freeze(world: World, client: QueryClient) -> None:
    """The publisher freezes within a minute after an earlier state was restored."""
    world.dynamodb.update_item(
        TableName=f"{NAME}-ledgers",
        Key=STATE,
        UpdateExpression="SET frozen = :reason",
        ExpressionAttributeValues={":reason": {"S": "secret reason"}},
    )
    for status, body in responses(client):
        assert (status, "this ledger is frozen" in body, "secret" in body) == (200, True, False)
