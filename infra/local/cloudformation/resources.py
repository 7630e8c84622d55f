"""Resources that the functions use, created through the services' own API.

Each creator removes the properties that it translates from the resolved ones; the others must be
in `WITHOUT_EFFECT`, or the deployment fails: nothing is dropped silently.
"""

import json
from collections.abc import Callable
from typing import Any

from audit_ledger.errors import FormatError
from infra.local.aws.calls import client
from infra.local.cloudformation.stub_resources import DeployedIdentity, ResourceLocation

Properties = dict[str, Any]

# Properties for which the emulator has no behaviour.
WITHOUT_EFFECT: dict[str, frozenset[str]] = {
    "AWS::S3::Bucket": frozenset(
        {
            "BucketEncryption",
            "LifecycleConfiguration",
            "LoggingConfiguration",
            "OwnershipControls",
            "PublicAccessBlockConfiguration",
        }
    ),
    "AWS::KMS::Key": frozenset({"PendingWindowInDays"}),
    "AWS::SQS::Queue": frozenset({"RedriveAllowPolicy"}),
}


def create(
    resource_type: str, properties: Properties, location: ResourceLocation
) -> DeployedIdentity:
    """Create one resource of a type in `CREATORS`.

    Raises FormatError on a property that is neither translated nor known to have no effect, and
    what botocore raises when the service refuses.
    """
    without_effect = WITHOUT_EFFECT.get(resource_type, frozenset())
    remaining = {k: v for k, v in properties.items() if k not in without_effect}
    identity = CREATORS[resource_type](remaining, location)
    remaining.pop("Tags", None)
    if remaining:
        raise FormatError(
            f"template: {location.stack}/{location.logical_id}: the emulator does not support "
            f"{', '.join(sorted(remaining))} of {resource_type}: translate or list it in "
            "infra/local/cloudformation/resources.py"
        )
    return identity


def _client(service: str, location: ResourceLocation) -> Any:
    return client(service, location.region)


def _take(properties: Properties, *names: str) -> dict[str, Any]:
    """Remove and return the named properties, if present."""
    return {name: properties.pop(name) for name in names if name in properties}


def _table(properties: Properties, location: ResourceLocation) -> DeployedIdentity:
    dynamodb = _client("dynamodb", location)
    name = properties.pop("TableName", location.physical_name)
    arguments = _take(
        properties,
        "AttributeDefinitions",
        "BillingMode",
        "DeletionProtectionEnabled",
        "GlobalSecondaryIndexes",
        "KeySchema",
    )
    if "StreamSpecification" in properties:
        stream = properties.pop("StreamSpecification")
        arguments["StreamSpecification"] = {
            "StreamEnabled": True,
            "StreamViewType": stream["StreamViewType"],
        }
    if "SSESpecification" in properties:
        enabled = properties.pop("SSESpecification")["SSEEnabled"]
        arguments["SSESpecification"] = {"Enabled": enabled}
    if "ResourcePolicy" in properties:
        policy = properties.pop("ResourcePolicy")["PolicyDocument"]
        arguments["ResourcePolicy"] = json.dumps(policy)
    table = dynamodb.create_table(TableName=name, **arguments)["TableDescription"]
    recovery = properties.pop("PointInTimeRecoverySpecification", {})
    if recovery.get("PointInTimeRecoveryEnabled"):
        dynamodb.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    return DeployedIdentity(name, {"Arn": table["TableArn"]})


def _bucket(properties: Properties, location: ResourceLocation) -> DeployedIdentity:
    s3 = _client("s3", location)
    name = properties.pop("BucketName", location.physical_name.lower())
    locked = bool(properties.pop("ObjectLockEnabled", False))
    arguments: dict[str, Any] = {"ObjectLockEnabledForBucket": locked}
    if location.region != "us-east-1":  # the one region that has no location constraint
        arguments["CreateBucketConfiguration"] = {"LocationConstraint": location.region}
    s3.create_bucket(Bucket=name, **arguments)
    versioning = properties.pop("VersioningConfiguration", {})
    if locked or versioning.get("Status") == "Enabled":
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return DeployedIdentity(name, {"Arn": f"arn:aws:s3:::{name}"})


def _key(properties: Properties, location: ResourceLocation) -> DeployedIdentity:
    kms = _client("kms", location)
    arguments = _take(properties, "Description", "KeySpec", "KeyUsage")
    arguments["Policy"] = json.dumps(properties.pop("KeyPolicy"))
    key = kms.create_key(**arguments)["KeyMetadata"]
    if properties.pop("EnableKeyRotation", False):
        kms.enable_key_rotation(KeyId=key["KeyId"])
    return DeployedIdentity(key["KeyId"], {"Arn": key["Arn"]})


def _alias(properties: Properties, location: ResourceLocation) -> DeployedIdentity:
    arguments = _take(properties, "AliasName", "TargetKeyId")
    _client("kms", location).create_alias(**arguments)
    return DeployedIdentity(arguments["AliasName"])


def _queue(properties: Properties, location: ResourceLocation) -> DeployedIdentity:
    sqs = _client("sqs", location)
    name = properties.pop("QueueName", location.physical_name)
    attributes = {
        key: json.dumps(value) if isinstance(value, dict) else str(value)
        for key, value in _take(
            properties,
            "KmsMasterKeyId",
            "MaximumMessageSize",
            "MessageRetentionPeriod",
            "RedrivePolicy",
            "SqsManagedSseEnabled",
            "VisibilityTimeout",
        ).items()
    }
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = f"arn:aws:sqs:{location.region}:{location.account}:{name}"
    return DeployedIdentity(url, {"Arn": arn})


def _parameter(properties: Properties, location: ResourceLocation) -> DeployedIdentity:
    arguments = _take(properties, "Description", "Name", "Type", "Value")
    _client("ssm", location).put_parameter(**arguments)
    return DeployedIdentity(arguments["Name"])


def _event_bus(properties: Properties, location: ResourceLocation) -> DeployedIdentity:
    arguments = _take(properties, "Description", "Name")
    arn = _client("events", location).create_event_bus(**arguments)["EventBusArn"]
    return DeployedIdentity(arguments["Name"], {"Arn": arn})


CREATORS: dict[str, Callable[[Properties, ResourceLocation], DeployedIdentity]] = {
    "AWS::DynamoDB::Table": _table,
    "AWS::Events::EventBus": _event_bus,
    "AWS::KMS::Alias": _alias,
    "AWS::KMS::Key": _key,
    "AWS::S3::Bucket": _bucket,
    "AWS::SQS::Queue": _queue,
    "AWS::SSM::Parameter": _parameter,
}
