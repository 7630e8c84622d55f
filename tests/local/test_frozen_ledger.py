"""A frozen or failing ledger retries its messages for seven days before they are dead letters.

The counts are those of the templates: a failed message is received again every twelve minutes.
"""

import boto3
import pytest
from moto.backends import get_backend

from audit_ledger.cli.main import run
from infra.local.aws.call_context import Caller, calling_as
from infra.local.aws.emulator import ACCOUNT
from infra.local.cloud import LocalCloud
from infra.local.lambda_runtime.sqs_event_source import QueuePump
from tests.local.conftest import REGION
from tests.local.submissions import accept

TRIES_IN_SEVEN_DAYS = 7 * 24 * 5
ROLE = Caller("rebuild", role="audit-ledger-dev-rebuild")
WHERE = ["--stage", "dev", "--ledger", "north"]
REASON = "a test froze it"


def pump_of_north(cloud: LocalCloud) -> QueuePump:
    """Return the pump that feeds north's sequencer."""
    (mapping,) = (m for m in cloud.deployment.mappings if m.queue == cloud.ledger("north").queue)
    return QueuePump(mapping, cloud.runner, REGION)


def deliver(pump: QueuePump, times: int) -> int:
    """Deliver as if this number of visibility timeouts had passed; count the batches.

    The queue counts all but the last three deliveries without making them.
    """
    queue = get_backend("sqs")[ACCOUNT][REGION].queues[pump.mapping.queue]
    for message in queue._messages:
        message.approximate_receive_count += max(0, times - 3)
    delivered = 0
    for _ in range(min(times, 3)):
        batch = pump.deliver()
        delivered += batch is not None
        pump._end_visibility_timeouts()
    return max(0, times - 3) + delivered


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


def event_rows() -> int:
    return len(boto3.client("dynamodb", REGION).scan(TableName="audit-ledger-dev-events")["Items"])


def archived(cloud: LocalCloud) -> list[str]:
    bucket = cloud.ledger("north").environment["ARCHIVE_BUCKET"]
    listed = boto3.client("s3", REGION).list_objects_v2(Bucket=bucket, Prefix="north/dead-letters/")
    return [item["Key"] for item in listed.get("Contents", ())]


def test_a_freeze_of_almost_seven_days_makes_no_dead_letter(published_cloud: LocalCloud) -> None:
    """Unfrozen, the ledger appends the events of that time; the other ledger was not affected."""
    cloud, before = published_cloud, event_rows()
    freeze(cloud)
    accept(cloud, "north", 2)
    accept(cloud, "south")
    tries = TRIES_IN_SEVEN_DAYS - 1
    assert deliver(pump_of_north(cloud), tries) == tries
    assert event_rows() == before
    unfreeze(cloud)
    cloud.drain()
    assert event_rows() == before + 2 + 1
    assert archived(cloud) == []


def test_an_outage_of_kms_of_days_makes_no_dead_letter(published_cloud: LocalCloud) -> None:
    """No operator has to act afterwards."""
    cloud, before = published_cloud, event_rows()
    accept(cloud, "north")
    kms = boto3.client("kms", REGION)
    key = cloud.runner.functions[cloud.ledger("north").sequencer].environment["SEQUENCER_KEY"]
    key_id = kms.describe_key(KeyId=key)["KeyMetadata"]["KeyId"]
    kms.disable_key(KeyId=key_id)
    assert deliver(pump_of_north(cloud), 200) == 200
    kms.enable_key(KeyId=key_id)
    cloud.drain()
    assert event_rows() == before + 1
    assert archived(cloud) == []


def test_the_break_glass_role_redrives_messages_archived_after_seven_days(
    published_cloud: LocalCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unfreeze, then redrive, as in the runbook; none of the role's calls is refused."""
    cloud, before = published_cloud, event_rows()
    freeze(cloud)
    accept(cloud, "north")
    assert deliver(pump_of_north(cloud), TRIES_IN_SEVEN_DAYS + 1) == TRIES_IN_SEVEN_DAYS
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
    assert event_rows() == before + 1
    assert len(cloud.permissions.refusals) == refusals
