"""Resources that the functions use, made through the services' own API.

Each maker takes the resolved properties of one resource and uses up what it translates; what is
left must be in `WITHOUT_EFFECT`, or the deployment fails: nothing is dropped silently.
"""

import json
from collections.abc import Callable
from typing import Any

from audit_ledger.errors import FormatError
from infra.local.aws.clients import client
from infra.local.cloudformation.stub_resources import Made, StackPlace

Properties = dict[str, Any]

# Properties that the emulator has no behaviour for, or that concern people and bills only.
WITHOUT_EFFECT: dict[str, frozenset[str]] = {
    "AWS::DynamoDB::Table": frozenset({"ContributorInsightsSpecification", "TableClass"}),
    "AWS::S3::Bucket": frozenset(
        {
            "AccessControl",
            "BucketEncryption",
            "CorsConfiguration",
            "InventoryConfigurations",
            "LifecycleConfiguration",
            "LoggingConfiguration",
            "MetricsConfigurations",
            "NotificationConfiguration",
            "OwnershipControls",
            "PublicAccessBlockConfiguration",
            "ReplicationConfiguration",
        }
    ),
    "AWS::KMS::Key": frozenset({"PendingWindowInDays", "RotationPeriodInDays"}),
    "AWS::SQS::Queue": frozenset({"RedriveAllowPolicy"}),
    "AWS::SSM::Parameter": frozenset({"AllowedPattern", "Policies"}),
    "AWS::Events::EventBus": frozenset({"DeadLetterConfig", "LogConfig", "Policy"}),
}


def make(resource_type: str, properties: Properties, place: StackPlace) -> Made:
    """Make one resource of a type in `MAKERS`.

    Raises FormatError on a property that is neither translated nor known to have no effect, and
    what botocore raises when the service refuses.
    """
    without_effect = WITHOUT_EFFECT.get(resource_type, frozenset())
    left = {k: v for k, v in properties.items() if k not in without_effect}
    made = MAKERS[resource_type](left, place)
    left.pop("Tags", None)
    if left:
        raise FormatError(
            f"template: {place.stack}/{place.logical_id}: the local ledger does not know "
            f"{', '.join(sorted(left))} of {resource_type}: translate or list it in "
            "infra/local/cloudformation/resources.py"
        )
    return made


def _client(service: str, place: StackPlace) -> Any:
    return client(service, place.region)


def _take(properties: Properties, *names: str) -> dict[str, Any]:
    """Take those of the named properties that are there."""
    return {name: properties.pop(name) for name in names if name in properties}


def _table(properties: Properties, place: StackPlace) -> Made:
    dynamodb = _client("dynamodb", place)
    name = properties.pop("TableName", place.physical_name)
    arguments = _take(
        properties,
        "AttributeDefinitions",
        "BillingMode",
        "DeletionProtectionEnabled",
        "GlobalSecondaryIndexes",
        "KeySchema",
        "LocalSecondaryIndexes",
        "OnDemandThroughput",
        "ProvisionedThroughput",
    )
    if "StreamSpecification" in properties:
        stream = properties.pop("StreamSpecification")
        arguments["StreamSpecification"] = {
            "StreamEnabled": True,
            "StreamViewType": stream["StreamViewType"],
        }
    if "SSESpecification" in properties:
        encryption = properties.pop("SSESpecification")
        arguments["SSESpecification"] = {
            "Enabled": encryption["SSEEnabled"],
            **_take(encryption, "SSEType", "KMSMasterKeyId"),
        }
    if "ResourcePolicy" in properties:
        policy = properties.pop("ResourcePolicy")["PolicyDocument"]
        arguments["ResourcePolicy"] = json.dumps(policy)
    table = dynamodb.create_table(TableName=name, **arguments)["TableDescription"]
    recovery = properties.pop("PointInTimeRecoverySpecification", {})
    if recovery.get("PointInTimeRecoveryEnabled"):
        dynamodb.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    expiry = properties.pop("TimeToLiveSpecification", {})
    if expiry.get("Enabled"):
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=expiry)
    attributes = {"Arn": table["TableArn"]}
    if "LatestStreamArn" in table:
        attributes["StreamArn"] = table["LatestStreamArn"]
    return Made(name, attributes)


def _bucket(properties: Properties, place: StackPlace) -> Made:
    s3 = _client("s3", place)
    name = properties.pop("BucketName", place.physical_name.lower())
    locked = bool(properties.pop("ObjectLockEnabled", False))
    arguments: dict[str, Any] = {"ObjectLockEnabledForBucket": locked}
    if place.region != "us-east-1":  # the one region that has no location constraint
        arguments["CreateBucketConfiguration"] = {"LocationConstraint": place.region}
    s3.create_bucket(Bucket=name, **arguments)
    versioning = properties.pop("VersioningConfiguration", {})
    if locked or versioning.get("Status") == "Enabled":
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    lock = properties.pop("ObjectLockConfiguration", None)
    if lock is not None:
        s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=lock)
    domain = f"{name}.s3.{place.region}.amazonaws.com"
    return Made(
        name,
        {
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "RegionalDomainName": domain,
        },
    )


def _key(properties: Properties, place: StackPlace) -> Made:
    kms = _client("kms", place)
    arguments = _take(properties, "Description", "KeySpec", "KeyUsage", "MultiRegion")
    arguments["Policy"] = json.dumps(properties.pop("KeyPolicy"))
    key = kms.create_key(**arguments)["KeyMetadata"]
    if properties.pop("EnableKeyRotation", False):
        kms.enable_key_rotation(KeyId=key["KeyId"])
    if not properties.pop("Enabled", True):
        kms.disable_key(KeyId=key["KeyId"])
    return Made(key["KeyId"], {"Arn": key["Arn"], "KeyId": key["KeyId"]})


def _alias(properties: Properties, place: StackPlace) -> Made:
    arguments = _take(properties, "AliasName", "TargetKeyId")
    _client("kms", place).create_alias(**arguments)
    return Made(arguments["AliasName"])


def _queue(properties: Properties, place: StackPlace) -> Made:
    sqs = _client("sqs", place)
    name = properties.pop("QueueName", place.physical_name)
    attributes = {
        key: json.dumps(value) if isinstance(value, dict) else str(value)
        for key, value in _take(
            properties,
            "DelaySeconds",
            "KmsDataKeyReusePeriodSeconds",
            "KmsMasterKeyId",
            "MaximumMessageSize",
            "MessageRetentionPeriod",
            "ReceiveMessageWaitTimeSeconds",
            "RedrivePolicy",
            "SqsManagedSseEnabled",
            "VisibilityTimeout",
        ).items()
    }
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = f"arn:aws:sqs:{place.region}:{place.account}:{name}"
    return Made(url, {"Arn": arn, "QueueName": name, "QueueUrl": url})


def _parameter(properties: Properties, place: StackPlace) -> Made:
    arguments = _take(properties, "DataType", "Description", "Tier", "Type", "Value")
    name = properties.pop("Name", place.physical_name)
    _client("ssm", place).put_parameter(Name=name, **arguments)
    return Made(name, {"Type": arguments["Type"], "Value": arguments["Value"]})


def _event_bus(properties: Properties, place: StackPlace) -> Made:
    arguments = _take(properties, "Description", "KmsKeyIdentifier", "Name")
    name = arguments["Name"]
    arn = _client("events", place).create_event_bus(**arguments)["EventBusArn"]
    return Made(name, {"Arn": arn, "Name": name})


MAKERS: dict[str, Callable[[Properties, StackPlace], Made]] = {
    "AWS::DynamoDB::Table": _table,
    "AWS::Events::EventBus": _event_bus,
    "AWS::KMS::Alias": _alias,
    "AWS::KMS::Key": _key,
    "AWS::S3::Bucket": _bucket,
    "AWS::SQS::Queue": _queue,
    "AWS::SSM::Parameter": _parameter,
}
