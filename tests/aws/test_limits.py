"""The limits table on moto: two containers that share a bucket, races, and what does not answer."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from audit_ledger.aws.limits_table import LimitsTable
from audit_ledger.errors import ThrottledError, UnreachableError
from audit_ledger.limits import Leased, Limits
from audit_ledger.token_bucket import Rate
from tests.world import NAME, World, made_world

SECOND = 1_000_000
NOW = 1_796_083_200 * SECOND
RATE = Rate(10, 100)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Of moto alone: the other server omits the item that failed a condition."""
    with pytest.MonkeyPatch.context() as monkeypatch, made_world(monkeypatch) as made:
        yield made


@pytest.fixture
def key(origin: str) -> str:
    """Return the key of a bucket that no other test uses."""
    return f"{origin}#portal#ehr"


@pytest.fixture
def table(world: World) -> LimitsTable:
    return LimitsTable(world.dynamodb, f"{NAME}-limits")


def put(world: World, key: str, arrival: dict[str, str]) -> None:
    item = {"key": {"S": key}, "arrival": arrival}
    world.dynamodb.put_item(TableName=f"{NAME}-limits", Item=item)


def test_a_bucket_is_one_number(world: World, table: LimitsTable, key: str) -> None:
    """When it will be full again: a token of ten a second takes a tenth of a second."""
    assert table.lease(key, RATE, NOW, 1, 0) == Leased(True, NOW + 100_000)
    assert table.lease(key, RATE, NOW, 50, 0) == Leased(True, NOW + 5_100_000)
    number = {"N": str(NOW + 5_100_000)}
    assert {"key": {"S": key}, "arrival": number} in world.items("limits")


@pytest.mark.parametrize("known", [0, NOW, NOW + 1, NOW + 3600 * SECOND])
@pytest.mark.parametrize(
    ("ahead", "tokens", "leased"),
    [
        (-1, 100, Leased(True, NOW + 10 * SECOND)),  # full
        (0, 100, Leased(True, NOW + 10 * SECOND)),
        (SECOND, 90, Leased(True, NOW + 10 * SECOND)),
        (SECOND, 91, Leased(False, NOW + SECOND)),
        (10 * SECOND, 1, Leased(False, NOW + 10 * SECOND)),
        (20 * SECOND, 1, Leased(False, NOW + 20 * SECOND)),  # by a clock that is ahead
        (20 * SECOND + 1, 1, Leased(True, NOW + 100_000)),  # another bucket's
    ],
)
def test_the_stored_number_decides_whatever_the_container_remembers(
    world: World, table: LimitsTable, ahead: int, tokens: int, leased: Leased, known: int, key: str
) -> None:
    put(world, key, {"N": str(NOW + ahead)})
    assert table.lease(key, RATE, NOW, tokens, known) == leased


def test_containers_that_share_a_bucket_grant_no_more_than_it_holds(
    table: LimitsTable, key: str
) -> None:
    passed = 0
    containers = [Limits(table, lambda: NOW, pytest.fail) for _ in range(3)]
    for number in range(400):
        try:
            containers[number % 3].spend(key, RATE, 1)
        except ThrottledError:
            continue
        passed += 1
    # Lots that only one of them may spend are of ten tokens at most.
    assert 100 - 2 * 10 <= passed <= 100


class Meanwhile:
    """A client before each of whose calls another container takes a token."""

    def __init__(self, client: Any, other: LimitsTable, key: str) -> None:
        self.client, self.other, self.key, self.times = client, other, key, 1

    def update_item(self, **arguments: Any) -> Any:
        if self.times:
            self.times -= 1
            assert self.other.lease(self.key, RATE, NOW, 1, 0).is_granted
        return self.client.update_item(**arguments)


def test_the_loser_of_a_race_adds_to_the_winners_tokens(
    world: World, table: LimitsTable, key: str
) -> None:
    racing = LimitsTable(Meanwhile(world.dynamodb, table, key), f"{NAME}-limits")  # type: ignore[arg-type]
    assert racing.lease(key, RATE, NOW, 1, 0) == Leased(True, NOW + 200_000)


def test_a_full_bucket_and_one_in_use_cost_one_call(
    world: World, table: LimitsTable, key: str
) -> None:
    calls: list[str] = []
    world.dynamodb.meta.events.register("before-call", lambda model, **_: calls.append(model.name))
    known = table.lease(key, RATE, NOW, 1, 0).arrival
    known = table.lease(key, RATE, NOW, 1, known).arrival
    table.lease(key, RATE, NOW + 60 * SECOND, 1, known)
    assert calls == ["UpdateItem"] * 3


def _throttled(**_: Any) -> Any:
    raise ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")


def _silent(**_: Any) -> Any:
    raise ReadTimeoutError(endpoint_url="https://dynamodb")


@pytest.mark.parametrize("failing", [_throttled, _silent])
def test_a_table_that_does_not_answer_is_unreachable(
    world: World, table: LimitsTable, monkeypatch: pytest.MonkeyPatch, failing: Any, key: str
) -> None:
    monkeypatch.setattr(world.dynamodb, "update_item", failing)
    with pytest.raises(UnreachableError):
        table.lease(key, RATE, NOW, 1, 0)


def test_an_invalid_bucket_lets_requests_pass_and_is_counted(
    world: World, table: LimitsTable, key: str
) -> None:
    """And is counted: nobody but two roles can have written it."""
    put(world, key, {"N": str(NOW + SECOND) + ".5"})
    unchecked: list[int] = []
    limits = Limits(table, lambda: NOW, lambda: unchecked.append(1))
    for _ in range(3):
        limits.spend(key, Rate(1, 1), 1)
    assert len(unchecked) == 3
