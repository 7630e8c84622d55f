"""Synthesized templates become tables, keys, queues, routes, mappings and schedules."""

from pathlib import Path

import boto3
import pytest

from audit_ledger.errors import NotFoundError
from infra.local.cloudformation.assembly import read_assembly
from infra.local.cloudformation.deployment import Authorizer, Deployment, function_name
from tests.local.conftest import REGION
from tests.local.small_app import write_assembly


def test_stacks_come_after_their_dependencies(tmp_path: Path) -> None:
    assert [s.name for s in read_assembly(write_assembly(tmp_path))] == [
        "small-shared",
        "small-ledger",
    ]


def test_a_folder_without_a_manifest_is_no_assembly(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no manifest\.json"):
        read_assembly(tmp_path)


def test_a_table_has_all_properties_of_its_template(small: Deployment) -> None:
    """Point-in-time recovery too, which moto's own CloudFormation drops."""
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    table = dynamodb.describe_table(TableName="small-blocks")["Table"]
    assert table["DeletionProtectionEnabled"]
    assert table["SSEDescription"]["Status"] == "ENABLED"
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert {k["AttributeName"]: k["KeyType"] for k in table["KeySchema"]} == {
        "origin": "HASH",
        "first_seq": "RANGE",
    }
    backups = dynamodb.describe_continuous_backups(TableName="small-blocks")
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"


def test_a_bucket_is_versioned_and_can_lock_objects(small: Deployment) -> None:
    s3 = boto3.client("s3", region_name=REGION)
    bucket = "small-published-123456789012-eu-central-1"
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    lock = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    assert lock["ObjectLockEnabled"] == "Enabled"


def test_a_key_has_the_spec_and_usage_of_its_template(small: Deployment) -> None:
    kms = boto3.client("kms", region_name=REGION)
    key = kms.describe_key(KeyId="alias/small/sequencer")["KeyMetadata"]
    assert (key["KeySpec"], key["KeyUsage"]) == ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY")


def test_a_queue_has_the_redrive_policy_of_its_template(small: Deployment) -> None:
    sqs = boto3.client("sqs", region_name=REGION)
    url = sqs.get_queue_url(QueueName="small-one")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "60"
    assert '"maxReceiveCount": 3' in attributes["RedrivePolicy"]
    assert "small-one-dead" in attributes["RedrivePolicy"]


def test_functions_have_the_environment_of_their_template(small: Deployment) -> None:
    """Also across stacks: the ledger's stack imports the table's name."""
    assert small.functions["small-echo"].environment == {"TABLE": "small-blocks", "STAGE": "small"}
    assert (
        small.functions["small-echo"].timeout_seconds,
        small.functions["small-echo"].memory_mb,
    ) == (
        20,
        512,
    )
    sequencer = small.functions["small-one-sequencer"]
    assert sequencer.environment == {"BLOCKS_TABLE": "small-blocks"}
    assert sequencer.role_name == "small-one-sequencer"
    assert sequencer.role_id.startswith("AROA")
    assert sequencer.role_id != small.functions["small-echo"].role_id


def test_routes_and_their_authorizer_are_read_from_the_template(small: Deployment) -> None:
    routes = {f"{route.method} {route.path}": route for route in small.routes}
    assert set(routes) == {
        "GET /metadata",
        "POST /events",
        "GET /published/{path+}",
        "DELETE /events/{id}",
    }
    assert routes["GET /metadata"].authorizer is None
    (pool,) = small.of_type("AWS::Cognito::UserPool")
    (client,) = small.of_type("AWS::Cognito::UserPoolClient")
    assert routes["POST /events"].authorizer == Authorizer(
        pool.identity.attributes["ProviderURL"], frozenset({client.identity.reference})
    )
    assert routes["DELETE /events/{id}"].scopes == {"ledger/erase"}
    assert routes["POST /events"].function == "small-echo"


def test_the_event_source_mapping_is_read_from_the_template(small: Deployment) -> None:
    (mapping,) = small.mappings
    assert mapping.queue == "small-one"
    assert mapping.function == "small-one-sequencer"
    assert (mapping.batch_size, mapping.window_seconds, mapping.max_concurrency) == (1000, 1, 2)
    assert mapping.partial_answers


def test_schedules_and_rules_are_read_from_the_templates(small: Deployment) -> None:
    (schedule,) = small.schedules
    assert (schedule.function, schedule.every_seconds) == ("small-one-sequencer", 60)
    assert schedule.payload == {"tick": True}
    (rule,) = small.rules
    assert (rule.bus, rule.targets[0].function) == ("small", "small-echo")
    assert rule.pattern["account"] == ["111122223333"]


def test_stores_outputs_by_stack(small: Deployment) -> None:
    assert small.outputs["small-shared"]["BlocksName"] == "small-blocks"
    assert small.outputs["small-shared"]["Url"].startswith("https://")


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:lambda:eu-central-1:123456789012:function:f",
        "arn:aws:lambda:eu-central-1:123456789012:function:f:live",
        "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/"
        "arn:aws:lambda:eu-central-1:123456789012:function:f/invocations",
    ],
)
def test_every_form_of_invocation_arn_names_its_function(arn: str) -> None:
    assert function_name(arn) == "f"
