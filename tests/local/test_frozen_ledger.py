"""A frozen or failing ledger keeps what it accepts for seven days, and then it is a dead letter.

The counts are the templates' own: a message that failed is received again every twelve minutes.
"""

from typing import Any

import boto3
import pytest

from audit_ledger.cli.main import run
from infra.local.aws.call_context import Caller, calling_as
from infra.local.cloud import LocalCloud
from infra.local.cloudformation.deployment import QueueMapping
from infra.local.lambda_runtime.sqs_event_source import QueuePump
from tests.local.conftest import REGION
from tests.local.submissions import accept

TRIES_IN_SEVEN_DAYS = 7 * 24 * 5
ROLE = Caller("rebuild", role="audit-ledger-dev-rebuild")
WHERE = ["--stage", "dev", "--ledger", "north"]
REASON = "a test says so"


@pytest.fixture
def cloud(cloud: LocalCloud) -> LocalCloud:
    """Two ledgers, of which north has a digest."""
    accept(cloud, "north")
    cloud.drain()
    cloud.publish()
    return cloud


def fed(cloud: LocalCloud) -> QueuePump:
    """The mapping that feeds north's sequencer."""
    (mapping,) = (m for m in cloud.deployment.mappings if m.queue == cloud.ledger("north").queue)
    assert isinstance(mapping, QueueMapping)
    return QueuePump(mapping, cloud.runner, REGION)


def tried(pump: QueuePump, times: int) -> int:
    """Deliver so many times, each after the visibility timeout; how often there was a message."""
    delivered = 0
    for _ in range(times):
        batch = pump.deliver()
        delivered += batch is not None
        pump._end_visibility_timeouts()
    return delivered


def freeze(cloud: LocalCloud) -> None:
    boto3.client("dynamodb", REGION).update_item(
        TableName="audit-ledger-dev-ledgers",
        Key={"key": {"S": f"{cloud.ledger('north').origin}#published"}},
        UpdateExpression="SET frozen = :reason",
        ExpressionAttributeValues={":reason": {"S": REASON}},
    )


def unfreeze(cloud: LocalCloud) -> None:
    places = cloud.ledger("north").environment
    both = ["--archive", places["ARCHIVE_BUCKET"], "--published", places["PUBLISHED_BUCKET"]]
    with calling_as(ROLE):
        assert run(["unfreeze", *WHERE, *both, "--reason", REASON]) == 0


def entries() -> int:
    found: list[dict[str, Any]] = boto3.client("dynamodb", REGION).scan(
        TableName="audit-ledger-dev-events"
    )["Items"]
    return len(found)


def archived(cloud: LocalCloud) -> list[str]:
    bucket = cloud.ledger("north").environment["ARCHIVE_BUCKET"]
    listed = boto3.client("s3", REGION).list_objects_v2(Bucket=bucket, Prefix="north/dead-letters/")
    return [item["Key"] for item in listed.get("Contents", ())]


def test_a_freeze_of_almost_seven_days_makes_no_dead_letter(cloud: LocalCloud) -> None:
    """What was accepted meanwhile is appended when it is lifted, by itself; south went on."""
    freeze(cloud)
    accept(cloud, "north", 2)
    accept(cloud, "south")
    pump = fed(cloud)
    assert tried(pump, TRIES_IN_SEVEN_DAYS - 1) == TRIES_IN_SEVEN_DAYS - 1
    assert entries() == 1
    unfreeze(cloud)
    cloud.drain()
    assert entries() == 1 + 2 + 1
    assert archived(cloud) == []


def test_an_outage_of_kms_of_days_makes_no_dead_letter(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to do anything when it is over."""
    accept(cloud, "north")
    pump = fed(cloud)
    kms = boto3.client("kms", REGION)
    key = cloud.runner.functions[cloud.ledger("north").sequencer].environment["SEQUENCER_KEY"]
    described = kms.describe_key(KeyId=key)["KeyMetadata"]
    kms.disable_key(KeyId=described["KeyId"])
    assert tried(pump, 200) == 200
    kms.enable_key(KeyId=described["KeyId"])
    cloud.drain()
    assert entries() == 2
    assert archived(cloud) == []


def test_the_break_glass_role_returns_messages_archived_after_seven_days(
    cloud: LocalCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unfreeze, then redrive, as the runbook has it; nothing that the role asks is refused."""
    freeze(cloud)
    accept(cloud, "north")
    assert tried(fed(cloud), TRIES_IN_SEVEN_DAYS + 1) == TRIES_IN_SEVEN_DAYS
    cloud.drain()  # the dead-letter queue feeds the function that archives
    assert len(archived(cloud)) == 1
    unfreeze(cloud)
    refusals = len(cloud.permissions.refusals)
    archive = cloud.ledger("north").environment["ARCHIVE_BUCKET"]
    for _ in range(2):
        with calling_as(ROLE):
            assert run(["redrive", *WHERE, "--archive", archive]) == 0
        cloud.drain()
    assert "1 dead letters sent to audit-ledger-dev-north" in capsys.readouterr().out
    assert entries() == 2
    assert len(cloud.permissions.refusals) == refusals
