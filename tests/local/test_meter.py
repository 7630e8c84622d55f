"""Usage is counted as AWS bills it; expected values are computed by hand from its guides."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from infra.local.aws.call_context import Caller, calling_as
from infra.local.aws.emulator import emulated_aws
from infra.local.cost.dynamodb_units import item_size_bytes
from infra.local.cost.list_prices import USD
from infra.local.cost.meter import Meter
from tests.local.conftest import REGION

FUNCTION = Caller("f", "AROA:f")


@pytest.fixture
def meter() -> Iterator[Meter]:
    with emulated_aws(REGION), Meter(REGION).counting() as meter, calling_as(FUNCTION):
        yield meter


@pytest.fixture
def dynamodb(meter: Meter) -> DynamoDBClient:
    client = boto3.client("dynamodb")
    client.create_table(
        TableName="events",
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": "key", "AttributeType": "S"},
            {"AttributeName": "late", "AttributeType": "S"},
            {"AttributeName": "time", "AttributeType": "N"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "late",
                "KeySchema": [
                    {"AttributeName": "late", "KeyType": "HASH"},
                    {"AttributeName": "time", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return client


def item(key: str, row_bytes: int, **more: Any) -> dict[str, Any]:
    """Return an item of its key's value, `row_bytes`, and 6 bytes of names."""
    return {"key": {"S": key}, "row": {"B": b"r" * row_bytes}, **more}


def writes(meter: Meter) -> float:
    return meter.snapshot().units()["dynamodb.write_units"]


def reads(meter: Meter) -> float:
    return meter.snapshot().units()["dynamodb.read_units"]


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "ä"}, 1 + 2),
        ({"B": b"abc"}, 1 + 3),
        ({"N": "27"}, 1 + 2),
        ({"N": "-27"}, 1 + 2),
        ({"N": "123450000"}, 1 + 4),
        ({"BOOL": True}, 1 + 1),
        ({"NULL": True}, 1 + 1),
        ({"SS": ["ab", "c"]}, 1 + 3),
        ({"L": [{"S": "ab"}, {"BOOL": True}]}, 1 + 3 + (1 + 2) + (1 + 1)),
        ({"M": {"k": {"S": "ab"}}}, 1 + 3 + (1 + 1 + 2)),
    ],
)
def test_the_size_of_an_item_is_that_of_names_and_values(value: Any, size: int) -> None:
    """Developer guide, "DynamoDB item sizes and formats"."""
    assert item_size_bytes({"a": value}) == size


def test_a_write_costs_a_unit_a_kilobyte(meter: Meter, dynamodb: DynamoDBClient) -> None:
    dynamodb.put_item(TableName="events", Item=item("k", 1024 - 7))
    assert writes(meter) == 1
    dynamodb.put_item(TableName="events", Item=item("l", 1024 - 6))
    assert writes(meter) == 1 + 2


def test_a_smaller_item_over_a_larger_one_costs_the_larger(
    meter: Meter, dynamodb: DynamoDBClient
) -> None:
    dynamodb.put_item(TableName="events", Item=item("k", 5000))
    before = writes(meter)
    dynamodb.put_item(TableName="events", Item=item("k", 10))
    assert writes(meter) - before == 5
    dynamodb.delete_item(TableName="events", Key={"key": {"S": "k"}})
    assert writes(meter) - before == 5 + 1


def test_an_update_costs_the_larger_of_before_and_after(
    meter: Meter, dynamodb: DynamoDBClient
) -> None:
    dynamodb.put_item(TableName="events", Item=item("k", 10))
    before = writes(meter)
    dynamodb.update_item(
        TableName="events",
        Key={"key": {"S": "k"}},
        UpdateExpression="SET #r = :r",
        ExpressionAttributeNames={"#r": "row"},
        ExpressionAttributeValues={":r": {"B": b"r" * 3000}},
    )
    assert writes(meter) - before == 3


def test_a_failed_condition_costs_the_write(meter: Meter, dynamodb: DynamoDBClient) -> None:
    """Developer guide, "Condition expressions": units by the size of the item."""
    dynamodb.put_item(TableName="events", Item=item("k", 3000))
    before = writes(meter)
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.put_item(
            TableName="events",
            Item=item("k", 10),
            ConditionExpression="attribute_not_exists(#k)",
            ExpressionAttributeNames={"#k": "key"},
        )
    assert writes(meter) - before == 3


def test_an_index_costs_a_unit_where_the_item_is_in_it(
    meter: Meter, dynamodb: DynamoDBClient
) -> None:
    """Sparse indexes are free for items that are not in them; a moved key is a delete and a put."""
    late = {"late": {"S": "o#2026-11"}, "time": {"N": "1"}}
    dynamodb.put_item(TableName="events", Item=item("k", 10, **late))
    assert writes(meter) == 2
    dynamodb.put_item(TableName="events", Item=item("k", 20, **late))
    assert writes(meter) == 2 + 1
    dynamodb.put_item(TableName="events", Item=item("k", 20, **{**late, "time": {"N": "2"}}))
    assert writes(meter) == 2 + 1 + 3
    dynamodb.put_item(TableName="events", Item=item("k", 20))
    assert writes(meter) == 2 + 1 + 3 + 2


def test_a_batch_costs_each_of_its_items(meter: Meter, dynamodb: DynamoDBClient) -> None:
    dynamodb.batch_write_item(
        RequestItems={
            "events": [{"PutRequest": {"Item": item(str(n), 10)}} for n in range(24)]
            + [{"PutRequest": {"Item": item("x", 2000)}}]
        }
    )
    assert writes(meter) == 24 + 2
    assert meter.snapshot().calls()["dynamodb", "BatchWriteItem"] == 1


def test_a_read_costs_a_unit_four_kilobytes_or_half(meter: Meter, dynamodb: DynamoDBClient) -> None:
    dynamodb.put_item(TableName="events", Item=item("k", 5000))
    key = {"key": {"S": "k"}}
    dynamodb.get_item(TableName="events", Key=key, ConsistentRead=True)
    assert reads(meter) == 2
    dynamodb.get_item(TableName="events", Key=key)
    assert reads(meter) == 2 + 1
    dynamodb.get_item(
        TableName="events",
        Key=key,
        ProjectionExpression="#k",
        ExpressionAttributeNames={"#k": "key"},
    )
    assert reads(meter) == 2 + 1 + 1


def test_a_missing_item_costs_a_read(meter: Meter, dynamodb: DynamoDBClient) -> None:
    dynamodb.put_item(TableName="events", Item=item("0", 10))
    dynamodb.batch_get_item(
        RequestItems={
            "events": {"Keys": [{"key": {"S": str(n)}} for n in range(100)], "ConsistentRead": True}
        }
    )
    assert reads(meter) == 100


def test_a_query_costs_the_sum_of_what_it_reads(meter: Meter, dynamodb: DynamoDBClient) -> None:
    """Including what a projection omits from the response."""
    dynamodb.put_item(TableName="events", Item=item("k", 9000))
    for projection in ({}, {"ProjectionExpression": "#k"}):
        before = reads(meter)
        more: Any = projection
        dynamodb.query(
            TableName="events",
            KeyConditionExpression="#k = :k",
            ExpressionAttributeNames={"#k": "key"},
            ExpressionAttributeValues={":k": {"S": "k"}},
            ConsistentRead=True,
            **more,
        )
        assert reads(meter) - before == 3


def test_sqs_requests_are_counted_by_64_kilobytes(meter: Meter) -> None:
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    before = meter.snapshot().units()["sqs.requests"]
    sqs.send_message(QueueUrl=url, MessageBody="x" * (64 * 1024))
    assert meter.snapshot().units()["sqs.requests"] - before == 1
    sqs.send_message(QueueUrl=url, MessageBody="x" * (64 * 1024 + 1))
    assert meter.snapshot().units()["sqs.requests"] - before == 1 + 2
    sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    assert meter.snapshot().units()["sqs.requests"] - before == 1 + 2 + 3
    sqs.receive_message(QueueUrl=url)
    assert meter.snapshot().units()["sqs.requests"] - before == 1 + 2 + 3 + 1


def test_kms_s3_and_events_are_counted_by_their_kind(meter: Meter) -> None:
    kms, s3, events = boto3.client("kms"), boto3.client("s3"), boto3.client("events")
    key_id = kms.create_key(KeySpec="ML_DSA_44", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    kms.sign(KeyId=key_id, Message=b"m", SigningAlgorithm="ML_DSA_SHAKE_256")
    kms.get_public_key(KeyId=key_id)
    kms.generate_data_key_without_plaintext(
        KeyId=kms.create_key()["KeyMetadata"]["KeyId"], KeySpec="AES_256"
    )
    assert meter.snapshot().units()["kms.asymmetric_requests"] == 2
    assert meter.snapshot().units()["kms.symmetric_requests"] == 1
    s3.create_bucket(
        Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    puts = meter.snapshot().units()["s3.put_requests"]
    s3.put_object(Bucket="bucket", Key="a", Body=b"a")
    with pytest.raises(s3.exceptions.ClientError):
        s3.put_object(Bucket="bucket", Key="a", Body=b"a", IfNoneMatch="*")
    s3.list_objects_v2(Bucket="bucket")
    s3.get_object(Bucket="bucket", Key="a")
    s3.delete_object(Bucket="bucket", Key="a")
    assert meter.snapshot().units()["s3.put_requests"] - puts == 3
    assert meter.snapshot().units()["s3.get_requests"] == 1
    events.put_events(
        Entries=[{"Source": "s", "DetailType": "t", "Detail": '{"a":"' + "x" * 70_000 + '"}'}]
    )
    assert meter.snapshot().units()["events.events"] == 2


def test_costs_are_units_times_list_price(meter: Meter, dynamodb: DynamoDBClient) -> None:
    for number in range(8):
        dynamodb.put_item(TableName="events", Item=item(str(number), 10))
    assert meter.snapshot().cost_usd() == pytest.approx(8 * 0.625 / 1_000_000)
    usage = meter.snapshot()
    assert usage.cost_by_service_usd()["sqs"] == 0
    assert set(usage.cost_by_service_usd()) == {unit.partition(".")[0] for unit in USD}


def test_counts_usage_by_caller_and_by_period(meter: Meter) -> None:
    sqs = boto3.client("sqs")
    sqs.create_queue(QueueName="a")
    first = meter.snapshot()
    sqs.create_queue(QueueName="b")
    with calling_as(Caller("g")):
        sqs.create_queue(QueueName="c")
    later = meter.snapshot() - first
    assert later.calls() == {("sqs", "CreateQueue"): 2}
    assert later.calls("g") == {("sqs", "CreateQueue"): 1}
    assert later.units("g")["sqs.requests"] == 1


def test_calls_outside_of_functions_are_not_counted() -> None:
    with emulated_aws(REGION), Meter(REGION).counting() as meter:
        boto3.client("sqs").create_queue(QueueName="q")
        assert meter.snapshot().calls() == {}
        assert meter.snapshot().cost_usd() == 0
