"""The tables themselves: keys, indexes, recovery, encryption, what remains when a stack goes."""

from typing import Any

import pytest

from tests.infra.assembly import Assembly, Resource

KEYS = {
    "blocks": {"origin": ("HASH", "S"), "first_seq": ("RANGE", "N")},
    "events": {"key": ("HASH", "S")},
    "subjects": {"key": ("HASH", "S"), "generation": ("RANGE", "N")},
    "ledgers": {"key": ("HASH", "S")},
    "views": {"key": ("HASH", "S")},
    "limits": {"key": ("HASH", "S")},
}
INDEXES = {
    "events": {
        name: {name: ("HASH", "S"), "place": ("RANGE", "N")}
        for name in ("patient", "agent", "late")
    },
    "subjects": {"pseudonym": {"pseudonym": ("HASH", "S")}},
}


def tables(assembly: Assembly) -> dict[str, Resource]:
    return assembly.named("AWS::DynamoDB::Table", "TableName")


def keys(schema: list[dict[str, str]], table: Resource) -> dict[str, tuple[str, str]]:
    types = {
        a["AttributeName"]: a["AttributeType"] for a in table.properties["AttributeDefinitions"]
    }
    return {k["AttributeName"]: (k["KeyType"], types[k["AttributeName"]]) for k in schema}


def test_keys_and_indexes_are_the_designs(dev: Assembly) -> None:
    """Indexes of events include the block of an entry; that of secrets has keys only."""
    found = tables(dev)
    assert {n: keys(t.properties["KeySchema"], t) for n, t in found.items()} == KEYS
    for name, table in found.items():
        indexes: list[dict[str, Any]] = table.properties.get("GlobalSecondaryIndexes", [])
        shown = {i["IndexName"]: keys(i["KeySchema"], table) for i in indexes}
        assert shown == INDEXES.get(name, {})
        place = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["block"]}
        held = place if name == "events" else {"ProjectionType": "KEYS_ONLY"}
        assert all(index["Projection"] == held for index in indexes)


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_every_table_is_on_demand_and_recovers_to_any_second(
    stage: str, request: pytest.FixtureRequest
) -> None:
    """In both stages, for 35 days."""
    for table in tables(request.getfixturevalue(stage)).values():
        assert table.properties["BillingMode"] == "PAY_PER_REQUEST"
        assert table.properties["PointInTimeRecoverySpecification"] == {
            "PointInTimeRecoveryEnabled": True,
            "RecoveryPeriodInDays": 35,
        }


def test_only_the_log_has_a_stream_and_nothing_expires(dev: Assembly) -> None:
    """The monitor's, with old images; erased secrets must not linger in a stream."""
    for name, table in tables(dev).items():
        stream = table.properties.get("StreamSpecification")
        assert stream == ({"StreamViewType": "OLD_IMAGE"} if name == "blocks" else None)
        assert "TimeToLiveSpecification" not in table.properties
        assert "KinesisStreamSpecification" not in table.properties


def test_secrets_and_wrapped_keys_are_under_kms(dev: Assembly) -> None:
    """So that every use of the key is in CloudTrail; the rest contains nothing readable."""
    under_kms = {
        n for n, t in tables(dev).items() if t.properties["SSESpecification"]["SSEEnabled"]
    }
    assert under_kms == {"subjects", "ledgers"}
