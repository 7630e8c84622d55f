"""Permissions of a function: actions, resources, and why a resource is a pattern."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.iam.statements import allow
from infra.stage_stack import StageStack, acknowledge


@dataclass(frozen=True)
class Permission:
    """One statement of a role's policy.

    `why_pattern`: for a security reviewer, where a resource is a pattern and not one thing.
    """

    sid: str
    actions: Sequence[str]
    resources: Sequence[str]
    conditions: Mapping[str, Any] | None = None
    why_pattern: str = ""


def grant(
    stack: StageStack,
    scope: Construct,
    construct_id: str,
    role: iam.Role,
    name: str,
    permissions: Sequence[Permission],
) -> iam.ManagedPolicy:
    """Add a policy with exactly these permissions to a role, and return it."""
    policy = iam.ManagedPolicy(
        scope,
        construct_id,
        managed_policy_name=name,
        description=f"All that {name} may do",
        statements=[allow(p.sid, p.actions, p.resources, p.conditions) for p in permissions],
        roles=[role],
    )
    for permission in permissions:
        patterns = [resource for resource in permission.resources if "*" in resource]
        if patterns and not permission.why_pattern:
            raise AssertionError(f"{name}: {permission.sid} must say why it names a pattern")
        for pattern in patterns:
            rule = f"AwsSolutions-IAM5[Resource::{_as_nag_writes(stack, pattern)}]"
            acknowledge(policy, permission.why_pattern, [rule])
    return policy


def _as_nag_writes(stack: StageStack, arn: str) -> str:
    """Return an ARN in the form of cdk-nag: values of CloudFormation in angle brackets."""
    for value, name in (
        (stack.partition, "AWS::Partition"),
        (stack.region, "AWS::Region"),
        (stack.account, "AWS::AccountId"),
    ):
        if cdk.Token.is_unresolved(value):
            arn = arn.replace(value, f"<{name}>")
    return arn
