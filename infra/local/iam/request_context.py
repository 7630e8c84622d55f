"""Requests to IAM when a function calls AWS: actions, resources and condition keys.

Source: service authorization reference, the pages on DynamoDB, EventBridge, KMS, Lambda, S3, SQS
and Systems Manager. An unsupported service or operation is an error.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.kms.models import kms_backends

from audit_ledger.errors import FormatError
from infra.local.aws.calls import Call
from infra.local.iam.policy_evaluator import AccessRequest

_EQUALS = re.compile(r"([#\w]+)\s*=\s*(:\w+)")

_S3_ACTIONS = {
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "DeleteObject": "s3:DeleteObject",
    "PutObjectRetention": "s3:PutObjectRetention",
    "GetObjectRetention": "s3:GetObjectRetention",
}
_SQS_ACTIONS = {
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
}


@dataclass(frozen=True)
class RequestPlace:
    """Account and region of the calls."""

    account: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource in this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


def access_requests_of(call: Call, place: RequestPlace) -> list[AccessRequest]:
    """Return the requests to IAM of one call; raise FormatError for an unsupported call."""
    if call.service not in _SERVICES:
        raise FormatError(f"permissions of {call.service} are not known here")
    return list(_SERVICES[call.service](call, place))


def _dynamodb(call: Call, place: RequestPlace) -> Iterator[AccessRequest]:
    # A transaction needs the permissions of what it is made of.
    action = "dynamodb:" + {"TransactWriteItems": "PutItem"}.get(call.operation, call.operation)
    for table, keys in _leading_keys(call, place):
        resource = place.arn("dynamodb", f"table/{table}")
        if "IndexName" in call.parameters:
            resource += f"/index/{call.parameters['IndexName']}"
        yield AccessRequest(action, resource, {"dynamodb:LeadingKeys": keys} if keys else {})


def _leading_keys(call: Call, place: RequestPlace) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Return each table that a call names and the partition keys that it names there."""
    parameters = call.parameters

    def key_of(table: str, item: Mapping[str, Any]) -> str:
        name = dynamodb_backends[place.account][place.region].get_table(table).hash_key_attr
        return str(next(iter(item[name].values())))

    if call.operation in ("PutItem", "GetItem", "UpdateItem", "DeleteItem"):
        table = parameters["TableName"]
        item = parameters["Item"] if call.operation == "PutItem" else parameters["Key"]
        yield table, (key_of(table, item),)
    elif call.operation == "BatchGetItem":
        for table, request in parameters["RequestItems"].items():
            yield table, tuple(key_of(table, key) for key in request["Keys"])
    elif call.operation == "BatchWriteItem":
        for table, requests in parameters["RequestItems"].items():
            items = (
                r["PutRequest"]["Item"] if "PutRequest" in r else r["DeleteRequest"]["Key"]
                for r in requests
            )
            yield table, tuple(key_of(table, item) for item in items)
    elif call.operation == "TransactWriteItems":
        for item in parameters["TransactItems"]:
            put = item["Put"]
            yield put["TableName"], (key_of(put["TableName"], put["Item"]),)
    elif call.operation == "Query":
        yield parameters["TableName"], _queried_keys(parameters, place)
    elif call.operation in ("Scan", "DescribeTable"):
        yield parameters["TableName"], ()
    else:
        raise FormatError(f"permissions of dynamodb {call.operation} are not known here")


def _queried_keys(parameters: Mapping[str, Any], place: RequestPlace) -> tuple[str, ...]:
    table = dynamodb_backends[place.account][place.region].get_table(parameters["TableName"])
    hash_key = table.hash_key_attr
    if "IndexName" in parameters:
        hash_key = table.get_index(parameters["IndexName"]).schema_key_attrs[0]
    names = parameters.get("ExpressionAttributeNames", {})
    return tuple(
        str(next(iter(parameters["ExpressionAttributeValues"][value].values())))
        for name, value in _EQUALS.findall(parameters["KeyConditionExpression"])
        if names.get(name, name) == hash_key
    )


def _kms(call: Call, place: RequestPlace) -> Iterator[AccessRequest]:
    parameters = call.parameters
    backend = kms_backends[place.account][place.region]
    context: dict[str, tuple[str, ...]] = {
        f"kms:EncryptionContext:{name}": (value,)
        for name, value in parameters.get("EncryptionContext", {}).items()
    }
    for name in ("SigningAlgorithm", "MessageType"):
        if name in parameters:
            context[f"kms:{name}"] = (parameters[name],)
    named = parameters.get("KeyId", "")
    key_id = backend.any_id_to_key_id(named) if named else ""
    if key_id not in backend.keys:  # KMS itself answers that there is no such key
        return
    if "alias/" in named:
        context["kms:RequestAlias"] = (f"alias/{named.partition('alias/')[2]}",)
    aliases = tuple(alias.alias_name for alias in backend.list_aliases(key_id))
    if aliases:
        context["kms:ResourceAliases"] = aliases
    yield AccessRequest(f"kms:{call.operation}", backend.keys[key_id].arn, context)


def _s3(call: Call, _: RequestPlace) -> Iterator[AccessRequest]:
    parameters = call.parameters
    bucket = f"arn:aws:s3:::{parameters['Bucket']}"
    if call.operation in ("ListObjectsV2", "ListObjects", "HeadBucket"):
        prefix = parameters.get("Prefix")
        yield AccessRequest(
            "s3:ListBucket", bucket, {} if prefix is None else {"s3:prefix": (prefix,)}
        )
        return
    if call.operation not in _S3_ACTIONS:
        raise FormatError(f"permissions of s3 {call.operation} are not known here")
    resource = f"{bucket}/{parameters['Key']}"
    context: dict[str, tuple[str, ...]] = {}
    for parameter, key in (("IfNoneMatch", "s3:if-none-match"), ("IfMatch", "s3:if-match")):
        if parameter in parameters:
            context[key] = (parameters[parameter],)
    lock = _object_lock(parameters)
    yield AccessRequest(_S3_ACTIONS[call.operation], resource, {**context, **lock})
    if call.operation == "PutObject" and lock:
        yield AccessRequest("s3:PutObjectRetention", resource, lock)


def _object_lock(parameters: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the condition keys of the lock that a PutObject requests."""
    if "ObjectLockMode" not in parameters:
        return {}
    until: datetime = parameters["ObjectLockRetainUntilDate"]
    return {
        "s3:object-lock-mode": (parameters["ObjectLockMode"],),
        "s3:object-lock-retain-until-date": (until.isoformat(),),
        "s3:object-lock-remaining-retention-days": (str((until - datetime.now(UTC)).days),),
    }


def _sqs(call: Call, place: RequestPlace) -> Iterator[AccessRequest]:
    named = call.parameters.get("QueueUrl") or call.parameters["QueueName"]
    action = _SQS_ACTIONS.get(call.operation, call.operation)
    yield AccessRequest(f"sqs:{action}", place.arn("sqs", named.rpartition("/")[2]), {})


def _events(call: Call, place: RequestPlace) -> Iterator[AccessRequest]:
    if call.operation != "PutEvents":
        raise FormatError(f"permissions of events {call.operation} are not known here")
    for entry in call.parameters["Entries"]:
        bus = entry.get("EventBusName", "default").rpartition("/")[2]
        context = {
            "events:source": (entry["Source"],),
            "events:detail-type": (entry["DetailType"],),
        }
        yield AccessRequest("events:PutEvents", place.arn("events", f"event-bus/{bus}"), context)


def _ssm(call: Call, place: RequestPlace) -> Iterator[AccessRequest]:
    if call.operation not in ("GetParameter", "PutParameter"):
        raise FormatError(f"permissions of ssm {call.operation} are not known here")
    name = call.parameters["Name"].lstrip("/")
    yield AccessRequest(f"ssm:{call.operation}", place.arn("ssm", f"parameter/{name}"), {})


def _lambda(call: Call, place: RequestPlace) -> Iterator[AccessRequest]:
    if call.operation != "Invoke":
        raise FormatError(f"permissions of lambda {call.operation} are not known here")
    function = str(call.parameters["FunctionName"])  # a name, or an ARN
    arn = function if ":" in function else place.arn("lambda", f"function:{function}")
    yield AccessRequest("lambda:InvokeFunction", arn, {})


_SERVICES: dict[str, Callable[[Call, RequestPlace], Iterator[AccessRequest]]] = {
    "dynamodb": _dynamodb,
    "events": _events,
    "kms": _kms,
    "lambda": _lambda,
    "s3": _s3,
    "sqs": _sqs,
    "ssm": _ssm,
}
