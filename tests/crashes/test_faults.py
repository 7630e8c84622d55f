"""The injected faults: what they leave undone is undone, what takes effect takes effect."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from audit_ledger.aws import clients
from tests.crashes.faults import Fault, Killed, faults_of
from tests.crashes.pipeline import Pipeline
from tests.crashes.state_view import MotoWorld
from tests.world import NAME, World

TABLE = f"{NAME}-events"


def put(pipeline: Pipeline, key: str, fault: Fault | None) -> None:
    """Put an item under a fault of its one call."""
    pipeline.wire.forget()
    pipeline.wire.armed = {} if fault is None else {0: fault}
    with pipeline.wire.under_test():
        clients.dynamodb().put_item(TableName=TABLE, Item={"key": {"S": key}})


def keys(pipeline: Pipeline) -> set[str]:
    """Return the keys that are there."""
    return {item["key"]["S"] for item in pipeline.world.items("events")}


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
def test_each_fault_has_its_effect_on_caller_and_table(
    pipeline: Pipeline, fault: Fault, error: type[BaseException], is_there: bool
) -> None:
    """An error for the caller; whether the item was written."""
    with pytest.raises(error):
        put(pipeline, "a", fault)
    assert keys(pipeline) == ({"a"} if is_there else set())
    assert pipeline.wire.occurred == {0}


def test_throttling_is_the_error_of_dynamodb(pipeline: Pipeline) -> None:
    """With its code, after botocore's three attempts."""
    with pytest.raises(ClientError) as raised:
        put(pipeline, "a", Fault.THROTTLED)
    assert raised.value.response["Error"]["Code"] == "ProvisionedThroughputExceededException"
    assert raised.value.response["ResponseMetadata"]["RetryAttempts"] == 2


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.THROTTLED_ONCE])
def test_botocore_retries_a_single_failure(pipeline: Pipeline, fault: Fault) -> None:
    """The caller gets no error."""
    put(pipeline, "a", fault)
    assert keys(pipeline) == {"a"}


def test_a_late_call_takes_effect_when_it_arrives(pipeline: Pipeline) -> None:
    """Each of the three attempts was late."""
    with pytest.raises(ReadTimeoutError):
        put(pipeline, "a", Fault.LATE)
    assert pipeline.wire.deliver_late() == 3
    assert keys(pipeline) == {"a"}


def test_the_unprocessed_half_of_a_batch_has_no_effect(pipeline: Pipeline) -> None:
    """Items are not written, keys are not read, and both are returned as unprocessed."""
    client = clients.dynamodb()
    requests = [{"PutRequest": {"Item": {"key": {"S": key}}}} for key in "abcde"]
    pipeline.wire.armed = {0: Fault.HALF, 1: Fault.HALF}
    with pipeline.wire.under_test():
        left = client.batch_write_item(RequestItems={TABLE: requests})["UnprocessedItems"]  # type: ignore[dict-item]
        assert keys(pipeline) == {"a", "b"}
        assert left == {TABLE: requests[2:]}
        wanted = {TABLE: {"Keys": [{"key": {"S": "a"}}, {"key": {"S": "b"}}]}}
        answer = client.batch_get_item(RequestItems=wanted)  # type: ignore[arg-type]
    assert [item["key"]["S"] for item in answer["Responses"][TABLE]] == ["a"]
    assert answer["UnprocessedKeys"][TABLE]["Keys"] == [{"key": {"S": "b"}}]


def test_only_batches_and_bodies_can_be_half_done() -> None:
    """Any other call takes effect or not."""
    assert Fault.HALF in faults_of("dynamodb.BatchWriteItem")
    assert Fault.HALF not in faults_of("dynamodb.PutItem")
    assert Fault.CONFLICT in faults_of("s3.PutObject")


def test_the_view_of_motos_state_equals_its_api(pipeline: Pipeline, world: World) -> None:
    """Tables and files of a published ledger."""
    pipeline.append(pipeline.accept(pipeline.request(), pipeline.request(3)))
    pipeline.publish()
    seen = MotoWorld.of(world)
    for table in ("blocks", "events", "ledgers", "subjects"):
        assert sorted(map(repr, map(_sorted, seen.items(table)))) == sorted(
            map(repr, map(_sorted, world.items(table)))
        )
    assert seen.published() == world.published()
    assert seen.archived() == world.archived()


def _sorted(item: dict[str, object]) -> list[tuple[str, object]]:
    return sorted(item.items())
