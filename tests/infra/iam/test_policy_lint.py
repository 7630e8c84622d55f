"""Every policy of the templates passes parliament, which knows what AWS' services define."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra.assembly import ACCOUNT, REGION, Assembly
from tests.infra.policy_lint import findings

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"
# Where AWS' documentation contradicts parliament: the kind of resource, the rule, its detail.
WRONG_FINDINGS = (
    # A condition on a property of the key, for all KMS key resource operations (KMS developer
    # guide, "AWS KMS condition keys"); parliament's service reference lacks it.
    (".*", "UNKNOWN_CONDITION_FOR_ACTION", "Unknown condition kms:ResourceAliases for action .*"),
    # AWS Knowledge Center, "How do I enforce TLS 1.2 or later for my Amazon S3 buckets?": a Deny
    # of `s3:*` if s3:TlsVersion is less than 1.2, which is no integer.
    ("AWS::S3::BucketPolicy", "UNKNOWN_CONDITION_FOR_ACTION", "Unknown condition s3:TlsVersion .*"),
    ("AWS::S3::BucketPolicy", "MISMATCHED_TYPE", "Type mismatch: s3:TlsVersion requires .*"),
    # CloudWatch Logs user guide, "Encrypt log data in CloudWatch Logs using AWS Key Management
    # Service": the value of kms:EncryptionContext:aws:logs:arn is the ARN of a log group. AWS'
    # managed policy CloudWatchLogsAPIKeyAccess compares it by ArnLike too.
    ("AWS::KMS::Key", "MISMATCHED_TYPE", "Type mismatch: ArnLike requires a value of type Arn .*"),
    # `kms:*` and `kms:List*` include actions without a key, such as CreateKey: IAM policies alone
    # grant those (KMS developer guide, "AWS KMS permissions", column "Policy type").
    ("AWS::KMS::Key", "RESOURCE_MISMATCH", ".*"),
    # EventBridge API reference, "PutPermission": a StatementId matches [a-zA-Z0-9-_]+.
    ("AWS::Events::EventBusPolicy", "INVALID_SID", ".*"),
)


def policies(assembly: Assembly) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield kind, place and document of every policy in any property of any resource."""
    kinds = {r["Type"] for t in assembly.templates().values() for r in t["Resources"].values()}
    for kind in sorted(kinds):
        for resource in assembly.resources(kind):
            for document in _documents(resource.properties):
                statements = document["Statement"]
                listed = [statements] if isinstance(statements, dict) else statements
                whole = {"Statement": [_with_resource(kind, each) for each in listed]}
                yield kind, f"{resource.stack}/{resource.logical_id}", whole


def _documents(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "Effect" in str(value.get("Statement", "")):
            yield value
            return
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _documents(item)


def _with_resource(kind: str, statement: dict[str, Any]) -> dict[str, Any]:
    """Name the resource where CloudFormation does, and where a policy of a key or role omits it."""
    if kind == "AWS::KMS::Key":  # its `*` is the key
        return {**statement, "Resource": KEY}
    if kind == "AWS::IAM::Role":  # a trust policy has none
        return {**statement, "Resource": f"arn:aws:iam::{ACCOUNT}:role/trusting"}
    element = "NotResource" if "NotResource" in statement else "Resource"
    named = statement[element]
    listed = [named] if isinstance(named, str) else named
    arn = TOPIC if kind == "AWS::SNS::TopicPolicy" else KEY
    return {**statement, element: [arn if each.startswith("<") else each for each in listed]}


def _is_wrong(kind: str, finding: tuple[str, str]) -> bool:
    return any(all(map(re.fullmatch, patterns, (kind, *finding))) for patterns in WRONG_FINDINGS)


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_every_policy_of_the_templates_passes_the_linter(
    stage: str, request: pytest.FixtureRequest
) -> None:
    """Actions, resources, condition keys and their types are those of the service reference."""
    found = [
        (place, *finding)
        for kind, place, document in policies(request.getfixturevalue(stage))
        for finding in sorted(findings(document))
        if not _is_wrong(kind, finding)
    ]
    assert found == []


def test_the_linter_reads_policies_of_each_kind(dev: Assembly) -> None:
    assert {kind for kind, _, _ in policies(dev)} == {
        "AWS::DynamoDB::Table",
        "AWS::Events::EventBusPolicy",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Role",
        "AWS::KMS::Key",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueuePolicy",
    }


READ = {
    "Effect": "Allow",
    "Action": "dynamodb:GetItem",
    "Resource": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/blocks",
}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({}, None),
        ({"Action": "dynamodb:GetItems"}, "UNKNOWN_ACTION"),
        ({"Action": "dynamo:GetItem"}, "UNKNOWN_PREFIX"),
        ({"Resource": "arn:aws:s3:::bucket/*"}, "RESOURCE_MISMATCH"),
        ({"Resource": "table/blocks"}, "INVALID_ARN"),
        ({"Resource": "*"}, "RESOURCE_STAR"),
        ({"Condition": {"StringEquals": {"s3:prefix": "a"}}}, "UNKNOWN_CONDITION_FOR_ACTION"),
        ({"Condition": {"StringEqual": {"aws:RequestedRegion": "a"}}}, "UNKNOWN_OPERATOR"),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "a"}}}, "MISMATCHED_TYPE"),
        ({"Effect": "Permit"}, "MALFORMED"),
    ],
)
def test_the_linter_finds_a_mistake_in_a_policy(change: dict[str, Any], rule: str | None) -> None:
    found = findings({"Statement": [{**READ, **change}]})
    assert {name for name, _ in found} == ({rule} if rule else set())
