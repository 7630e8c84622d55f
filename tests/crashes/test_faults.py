"""The faults themselves: what is said to be undone is undone, what took effect took effect."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from audit_ledger.aws import clients
from tests.crashes.faults import Fault, Killed, faults_of
from tests.crashes.pipeline import Stage
from tests.crashes.state_view import SeenWorld
from tests.world import NAME, World

TABLE = f"{NAME}-events"


def put(stage: Stage, key: str, fault: Fault | None) -> None:
    """Put an item under a fault of its one call."""
    stage.wire.forget()
    stage.wire.armed = {} if fault is None else {0: fault}
    with stage.wire.under_test():
        clients.dynamodb().put_item(TableName=TABLE, Item={"key": {"S": key}})


def keys(stage: Stage) -> set[str]:
    """Return the keys that are there."""
    return {item["key"]["S"] for item in stage.world.items("events")}


@pytest.mark.parametrize(
    ("fault", "error", "is_there"),
    [
        (Fault.KILLED_BEFORE, Killed, False),
        (Fault.KILLED_AFTER, Killed, True),
        (Fault.UNSENT, EndpointConnectionError, False),
        (Fault.FAILED_AFTER, ClientError, True),
        (Fault.TIMED_OUT, ReadTimeoutError, True),
        (Fault.LATE, ReadTimeoutError, False),
        (Fault.THROTTLED, ClientError, False),
    ],
    ids=lambda value: value.value if isinstance(value, Fault) else "",
)
def test_a_fault_has_the_effect_that_its_name_says(
    stage: Stage, fault: Fault, error: type[BaseException], is_there: bool
) -> None:
    """On the caller and on the table."""
    with pytest.raises(error):
        put(stage, "a", fault)
    assert keys(stage) == ({"a"} if is_there else set())
    assert stage.wire.came_up == {0}


def test_throttling_is_what_dynamodb_answers(stage: Stage) -> None:
    """By its own code, after botocore's three attempts."""
    with pytest.raises(ClientError) as raised:
        put(stage, "a", Fault.THROTTLED)
    assert raised.value.response["Error"]["Code"] == "ProvisionedThroughputExceededException"
    assert raised.value.response["ResponseMetadata"]["RetryAttempts"] == 2


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.THROTTLED_ONCE])
def test_botocore_tries_again_by_itself(stage: Stage, fault: Fault) -> None:
    """The caller sees nothing of it."""
    put(stage, "a", fault)
    assert keys(stage) == {"a"}


def test_a_late_call_takes_effect_when_it_arrives(stage: Stage) -> None:
    """Each of the three attempts is still on its way."""
    with pytest.raises(ReadTimeoutError):
        put(stage, "a", Fault.LATE)
    assert stage.wire.deliver_late() == 3
    assert keys(stage) == {"a"}


def test_the_unprocessed_half_of_a_batch_is_really_not_done(stage: Stage) -> None:
    """Items are not written, keys are not read; what is left out is what was asked."""
    client = clients.dynamodb()
    requests = [{"PutRequest": {"Item": {"key": {"S": key}}}} for key in "abcde"]
    stage.wire.armed = {0: Fault.HALF, 1: Fault.HALF}
    with stage.wire.under_test():
        left = client.batch_write_item(RequestItems={TABLE: requests})["UnprocessedItems"]  # type: ignore[dict-item]
        assert keys(stage) == {"a", "b"}
        assert left == {TABLE: requests[2:]}
        wanted = {TABLE: {"Keys": [{"key": {"S": "a"}}, {"key": {"S": "b"}}]}}
        answer = client.batch_get_item(RequestItems=wanted)  # type: ignore[arg-type]
    assert [item["key"]["S"] for item in answer["Responses"][TABLE]] == ["a"]
    assert answer["UnprocessedKeys"][TABLE]["Keys"] == [{"key": {"S": "b"}}]


def test_halves_befall_batches_and_bodies_only() -> None:
    """A single call is done or not."""
    assert Fault.HALF in faults_of("dynamodb.BatchWriteItem")
    assert Fault.HALF not in faults_of("dynamodb.PutItem")
    assert Fault.CONFLICT in faults_of("s3.PutObject")


def test_what_is_seen_inside_moto_is_what_its_api_gives(stage: Stage, world: World) -> None:
    """Tables and files, of a ledger that has some."""
    stage.append(stage.accept(stage.request(), stage.request(3)))
    stage.publish()
    seen = SeenWorld.of(world)
    for table in ("blocks", "events", "ledgers", "subjects"):
        assert sorted(map(repr, map(_sorted, seen.items(table)))) == sorted(
            map(repr, map(_sorted, world.items(table)))
        )
    assert seen.published() == world.published()
    assert seen.archived() == world.archived()


def _sorted(item: dict[str, object]) -> list[tuple[str, object]]:
    return sorted(item.items())
