"""What makes moto quicker leaves its answers as they are."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from infra.demo.moto_speedups import speed_up_moto
from infra.local.aws.emulator import emulated_aws

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REGION = "eu-central-1"
STORED = {(name, number): f"{name}{number % 3}" for name in "abc" for number in range(7)}


@pytest.fixture(scope="module")
def dynamodb() -> Iterator["DynamoDBClient"]:
    """A table with a sort key and an index, and one with neither; each with items."""
    speed_up_moto()
    with emulated_aws(REGION):
        client = boto3.client("dynamodb", region_name=REGION)
        client.create_table(
            TableName="sorted",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "name", "AttributeType": "S"},
                {"AttributeName": "number", "AttributeType": "N"},
                {"AttributeName": "group", "AttributeType": "S"},
            ],
            KeySchema=[
                {"AttributeName": "name", "KeyType": "HASH"},
                {"AttributeName": "number", "KeyType": "RANGE"},
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "group",
                    "KeySchema": [{"AttributeName": "group", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        )
        client.create_table(
            TableName="plain",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
        )
        for (name, number), group in STORED.items():
            item: dict[str, Any] = {
                "name": {"S": name},
                "number": {"N": str(number)},
                "group": {"S": group},
            }
            client.put_item(TableName="sorted", Item=item)
            client.put_item(TableName="plain", Item=item)
        yield client


def query(client: "DynamoDBClient", table: str, key: str, value: str, **more: Any) -> list[int]:
    answer = client.query(
        TableName=table,
        KeyConditionExpression="#k = :v",
        ExpressionAttributeNames={"#k": key},
        ExpressionAttributeValues={":v": {"S": value}},
        **more,
    )
    return [int(item["number"]["N"]) for item in answer["Items"]]


def test_a_query_gives_a_partition_in_order(dynamodb: "DynamoDBClient") -> None:
    for name in "abc":
        assert query(dynamodb, "sorted", "name", name) == list(range(7))
        assert query(dynamodb, "sorted", "name", name, ScanIndexForward=False, Limit=2) == [6, 5]
    assert query(dynamodb, "sorted", "name", "d") == []


def test_a_query_continues_after_its_page(dynamodb: "DynamoDBClient") -> None:
    start = {"name": {"S": "b"}, "number": {"N": "3"}}
    assert query(dynamodb, "sorted", "name", "b", ExclusiveStartKey=start) == [4, 5, 6]


def test_a_query_of_an_index_sees_all_partitions(dynamodb: "DynamoDBClient") -> None:
    found = query(dynamodb, "sorted", "group", "a1", IndexName="group")
    assert sorted(found) == sorted(n for (_, n), group in STORED.items() if group == "a1")


def test_a_query_of_an_index_continues_after_its_page(dynamodb: "DynamoDBClient") -> None:
    """And sees what is written later, and nothing of a value that no item has."""
    query_of_group: dict[str, Any] = {
        "TableName": "sorted",
        "IndexName": "group",
        "KeyConditionExpression": "#g = :v",
        "ExpressionAttributeNames": {"#g": "group"},
        "ExpressionAttributeValues": {":v": {"S": "a1"}},
        "Limit": 1,
    }
    page = dynamodb.query(**query_of_group)
    found = [int(item["number"]["N"]) for item in page["Items"]]
    while "LastEvaluatedKey" in page:
        page = dynamodb.query(**query_of_group, ExclusiveStartKey=page["LastEvaluatedKey"])
        found += [int(item["number"]["N"]) for item in page["Items"]]
    assert found == sorted(n for (_, n), group in STORED.items() if group == "a1")
    assert query(dynamodb, "sorted", "group", "later", IndexName="group") == []
    late = {"name": {"S": "a"}, "number": {"N": "99"}, "group": {"S": "later"}}
    dynamodb.put_item(TableName="sorted", Item=late)
    assert query(dynamodb, "sorted", "group", "later", IndexName="group") == [99]
    dynamodb.delete_item(TableName="sorted", Key={k: late[k] for k in ("name", "number")})
    assert query(dynamodb, "sorted", "group", "later", IndexName="group") == []


def test_a_query_of_a_table_without_sort_key_gives_one_item(dynamodb: "DynamoDBClient") -> None:
    assert query(dynamodb, "plain", "name", "c") == [6]
    assert query(dynamodb, "plain", "name", "d") == []


def test_all_items_are_still_there_afterwards(dynamodb: "DynamoDBClient") -> None:
    query(dynamodb, "sorted", "name", "a")
    query(dynamodb, "sorted", "name", "d")
    assert len(dynamodb.scan(TableName="sorted")["Items"]) == len(STORED)


def test_responses_have_the_members_of_the_service(dynamodb: "DynamoDBClient") -> None:
    """The same names twice: the second time from memory."""
    for _ in range(2):
        key: dict[str, Any] = {"name": {"S": "a"}, "number": {"N": "1"}}
        answer = dynamodb.get_item(TableName="sorted", Key=key)
        assert answer["Item"] == {**key, "group": {"S": "a1"}}
        table = dynamodb.describe_table(TableName="sorted")["Table"]
        assert [k["AttributeName"] for k in table["KeySchema"]] == ["name", "number"]
        assert table["GlobalSecondaryIndexes"][0]["Projection"] == {"ProjectionType": "ALL"}
