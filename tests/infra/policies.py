"""Decisions of one policy, by the evaluator of the local AWS."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.local.iam.policy_evaluator import AccessRequest, PolicyStatement, judge, statements_of
from tests.infra.assembly import ACCOUNT

_MAY_EVERYTHING: list[PolicyStatement] = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]


@dataclass(frozen=True)
class Request:
    """A request: `principal` is a role's ARN or a service. `context`: condition keys."""

    principal: str
    action: str
    resource: str
    context: Mapping[str, str | list[str]] = field(default_factory=dict)


def role(name: str) -> str:
    """ARN of a role of this account."""
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def decision(policy: Mapping[str, Any], request: Request) -> str:
    """Return what a resource policy decides on a principal whose own policies allow all.

    `deny`: an explicit deny; `allow`: allowed, or delegated to the principal's own policies by
    the account; `none`: the policy has nothing to say.
    """
    who = request.principal
    meant = [_meant(statement) for statement in statements_of([policy])]
    access = AccessRequest(
        request.action,
        request.resource,
        {"aws:PrincipalArn": (who,), **{k: tuple(listed(v)) for k, v in request.context.items()}},
    )
    account = who.split(":")[4] if who.startswith("arn:") else ""
    if not judge(access, who, account, _MAY_EVERYTHING, meant).allowed:
        return "deny"
    named = judge(access, who, account, _MAY_EVERYTHING, meant, resource_must_allow=True)
    return "allow" if named.allowed else "none"


def statements(policy: Mapping[str, Any]) -> list[PolicyStatement]:
    """Statements of a policy, always as a list."""
    return statements_of([policy])


def listed(value: Any) -> list[str]:
    """One text or several, always as a list."""
    return [value] if isinstance(value, str) else list(value)


def _meant(statement: PolicyStatement) -> PolicyStatement:
    """Spell a service's principal as the ARN that the judge compares."""
    principal = statement.get("Principal")
    if isinstance(principal, Mapping) and "Service" in principal:
        return {**statement, "Principal": {"AWS": principal["Service"]}}
    return statement
