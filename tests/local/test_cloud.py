"""The real app, deployed from its synthesized templates, takes events and publishes them."""

import hashlib
import importlib
import json
from pathlib import Path
from threading import Event
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import pytest

from audit_ledger.errors import NotFoundError
from infra.local.aws.calls import Call, observing
from infra.local.cloud import LocalCloud
from infra.local.lambda_runtime.function_log import metric_sums
from tests.assemblies import LEDGERS, PORTAL_ACCOUNT
from tests.local.conftest import REGION
from tests.local.submissions import FHIR, accept, checkpoint_size, event_of, post


def test_every_deployed_handler_exists(cloud: LocalCloud) -> None:
    for function in cloud.deployment.functions.values():
        module, _, name = function.handler.rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))


def test_the_ledgers_of_the_settings_are_deployed(cloud: LocalCloud) -> None:
    assert {ledger.id: list(ledger.portals) for ledger in cloud.ledgers.values()} == {
        str(ledger["id"]): [portal["id"] for portal in ledger["portals"]]  # type: ignore[attr-defined]
        for ledger in LEDGERS
    }
    with pytest.raises(NotFoundError, match="no ledger west"):
        cloud.ledger("west")


def test_events_over_http_end_in_a_checkpoint_of_their_ledger_alone(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    """The first entry states that the ledger was created; the other ledger does not change."""
    accept(cloud, "north", 3)
    accept(cloud, "south", 1)
    cloud.drain()
    assert checkpoint_size(cloud, "north", tmp_path / "north") == 1 + 3
    assert checkpoint_size(cloud, "south", tmp_path / "south") == 1 + 1
    assert cloud.policy("north") != cloud.policy("south")


def test_a_mirror_contains_the_published_files(cloud: LocalCloud, tmp_path: Path) -> None:
    for count in (1, 2):
        accept(cloud, "north", count)
        cloud.drain()
        cloud.publish("north")
        cloud.mirror("north", tmp_path)
        s3 = boto3.client("s3", region_name=REGION)
        bucket = cloud.ledger("north").environment["PUBLISHED_BUCKET"]
        there = {
            item["Key"]: hashlib.md5(
                (tmp_path / item["Key"].removeprefix("north/")).read_bytes()
            ).hexdigest()
            for item in s3.list_objects_v2(Bucket=bucket, Prefix="north/")["Contents"]
        }
        assert there == {
            item["Key"]: item["ETag"].strip('"')
            for item in s3.list_objects_v2(Bucket=bucket, Prefix="north/")["Contents"]
        }
        files = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
        assert files == {key.removeprefix("north/") for key in there}
    assert cloud.mirror("north", tmp_path) == 0


def test_tokens_give_access_to_their_own_ledger_only(cloud: LocalCloud, tmp_path: Path) -> None:
    """Portal: writes to its ledger; officer: reads published files; neither does the other."""
    tokens = cloud.tokens
    assert post(cloud, "/AuditEvent", None, event_of(cloud, "north"))[0] == 401
    for token in (tokens.security("north"), tokens.patient("north", "Patient/1")):
        assert post(cloud, "/AuditEvent", token, event_of(cloud, "north"))[0] == 403
    accept(cloud, "north")
    cloud.drain()
    cloud.publish()
    responses = {}
    for name, token in (("north", tokens.security("north")), ("south", tokens.security("south"))):
        headers = {"Authorization": f"Bearer {token}"}
        try:
            with urlopen(
                Request(f"{cloud.url}/published/north/checkpoint", headers=headers)
            ) as response:
                responses[name] = response.status, response.read()
        except HTTPError as error:
            responses[name] = error.code, b""
    cloud.mirror("north", tmp_path)
    assert responses["north"] == (200, (tmp_path / "checkpoint").read_bytes())
    assert responses["south"][0] == 403


def test_a_portal_without_client_gets_no_token(cloud: LocalCloud) -> None:
    with pytest.raises(NotFoundError, match="no client of portal lab of ledger north"):
        cloud.tokens.portal("north", "lab")


def test_a_poisoned_message_fails_alone_and_is_archived(cloud: LocalCloud, tmp_path: Path) -> None:
    """Dead letters are copied to the archive bucket at once; the rest is in the ledger."""
    sqs = boto3.client("sqs", region_name=REGION)
    url = sqs.get_queue_url(QueueName=cloud.ledger("north").queue)["QueueUrl"]
    policy = json.loads(
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"][
            "RedrivePolicy"
        ]
    )
    sqs.set_queue_attributes(  # instead of the seven days of the template
        QueueUrl=url, Attributes={"RedrivePolicy": json.dumps({**policy, "maxReceiveCount": 3})}
    )
    accept(cloud, "north", 2)
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    cloud.drain()
    assert checkpoint_size(cloud, "north", tmp_path) == 1 + 2
    s3 = boto3.client("s3", region_name=REGION)
    bucket = cloud.ledger("north").environment["ARCHIVE_BUCKET"]
    (letter,) = s3.list_objects_v2(Bucket=bucket, Prefix="north/dead-letters/")["Contents"]
    assert b"poison" in s3.get_object(Bucket=bucket, Key=letter["Key"])["Body"].read()


def test_events_on_the_bus_go_to_the_ledger_of_their_account(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    bus = f"{cloud.deployment.functions[cloud.ledger('north').publisher].environment['EVENT_BUS']}"
    detail = json.dumps(event_of(cloud, "south"))
    entry = {"Source": "his", "DetailType": "AuditEvent", "Detail": detail}
    cloud.bus.put(bus, [entry], PORTAL_ACCOUNT)
    cloud.bus.put(bus, [entry], "999999999999")
    deliveries = cloud.drain().deliveries
    assert [delivery.error for delivery in deliveries] == [None]
    assert checkpoint_size(cloud, "north", tmp_path) == 1 + 1


def test_a_receipt_waits_for_the_checkpoints_file(cloud: LocalCloud) -> None:
    """The published state is committed first: a publisher may die before it puts the file."""
    bucket = cloud.ledger("north").environment["PUBLISHED_BUCKET"]
    s3 = boto3.client("s3", region_name=REGION)
    accept(cloud, "north")
    cloud.drain()
    cloud.publish("north")
    before = s3.get_object(Bucket=bucket, Key="north/checkpoint")["Body"].read()
    token = cloud.tokens.portal("north", "ehr")
    sent = Request(
        f"{cloud.url}/AuditEvent",
        json.dumps(event_of(cloud, "north")).encode(),
        {"Content-Type": FHIR, "Authorization": f"Bearer {token}"},
    )
    with urlopen(sent) as response:
        receipt = f"{response.headers['Location']}/receipt"
    cloud.drain()
    cloud.publish("north")
    after = s3.get_object(Bucket=bucket, Key="north/checkpoint")["Body"].read()
    query = Request(receipt, headers={"Authorization": f"Bearer {cloud.tokens.security('north')}"})
    for file, status in ((before, 202), (after, 200)):
        s3.put_object(Bucket=bucket, Key="north/checkpoint", Body=file)
        with urlopen(query) as response:
            assert response.status == status
            assert ("Retry-After" in response.headers) == (status == 202)


def test_announces_a_published_digest(cloud: LocalCloud) -> None:
    accept(cloud, "north")
    cloud.drain()
    cloud.publish()
    (announced,) = cloud.bus.seen
    assert announced.content["detail"]["origin"] == cloud.ledger("north").origin


def test_two_sequencers_that_take_turns_lose_nothing(cloud: LocalCloud, tmp_path: Path) -> None:
    """The second environment's head is stale each time: it reads the newer blocks and continues."""
    for _ in range(3):
        accept(cloud, "north")
        cloud.drain(environments=2)
        accept(cloud, "north")
        pumps = [p for p in cloud._queues if p.mapping.queue == cloud.ledger("north").queue]
        pumps[0].deliver(environment=1)
    assert checkpoint_size(cloud, "north", tmp_path) == 1 + 6


def test_counts_calls_and_metrics_by_function(cloud: LocalCloud) -> None:
    accept(cloud, "north", 2)
    cloud.drain()
    sequencer = cloud.ledger("north").sequencer
    assert metric_sums(cloud.runner.log_of(sequencer).lines)["Entries"] == 2
    usage = cloud.meter.snapshot()
    assert usage.calls(sequencer)["kms", "Sign"] == 1
    assert usage.calls("audit-ledger-dev-ingest")["sqs", "SendMessage"] == 2
    assert usage.cost_usd() > 0


def test_running_delivers_events_in_real_time(cloud: LocalCloud) -> None:
    """Threads take the message from the queue to the block; the test waits for the put of it."""
    appended = Event()
    blocks = cloud.ledger("north").environment["BLOCKS_TABLE"]

    def watch(call: Call) -> None:
        if call.operation == "PutItem" and call.parameters["TableName"] == blocks:
            appended.set()

    with observing(watch), cloud.running(schedules=False):
        accept(cloud, "north")
        assert appended.wait(60)
