"""Policy statements: actions allowed or denied, on which resources, under which conditions."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import aws_iam as iam

Conditions = Mapping[str, Any]


def allow(
    sid: str,
    actions: Sequence[str],
    resources: Sequence[str],
    conditions: Conditions | None = None,
    principal: iam.IPrincipal | None = None,
) -> iam.PolicyStatement:
    """Return an Allow; `principal` in resource policies only."""
    return _statement(iam.Effect.ALLOW, sid, actions, resources, conditions, principal)


def deny_all(
    sid: str,
    actions: Sequence[str],
    resources: Sequence[str],
    conditions: Conditions | None = None,
) -> iam.PolicyStatement:
    """Return a Deny for everybody, administrators included, except by its conditions."""
    anyone = iam.StarPrincipal()
    return _statement(iam.Effect.DENY, sid, actions, resources, conditions, anyone)


def unless_role(*roles: str) -> dict[str, Any]:
    """Return the condition of a Deny that exempts the roles with exactly these ARNs."""
    if any("*" in role or "?" in role for role in roles):
        raise AssertionError(f"a Deny spares exact ARNs, found {roles}")
    return {"ArnNotEquals": {"aws:PrincipalArn": list(roles)}}


def unless_service() -> dict[str, Any]:
    """Return the condition of a Deny that exempts AWS services that act for themselves.

    They need an Allow of their own in the policy, which names service and source. A caller without
    an identity (the key is missing then) is not exempt.
    """
    return {"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}


def _statement(
    effect: iam.Effect,
    sid: str,
    actions: Sequence[str],
    resources: Sequence[str],
    conditions: Conditions | None,
    principal: iam.IPrincipal | None,
) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid=sid,
        effect=effect,
        actions=list(actions),
        resources=list(resources),
        conditions=conditions,
        principals=[principal] if principal else None,
    )
