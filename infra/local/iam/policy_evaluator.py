"""IAM's evaluation of one request against the policies that concern it.

Source: IAM user guide, "Policy evaluation logic", "Condition operators" and "Condition operators
with multiple context keys or values"; KMS developer guide, "Key policies". An unsupported operator
or form of statement is an error, never taken for true.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from audit_ledger.errors import FormatError

ConditionContext = Mapping[str, tuple[str, ...]]
"""Condition keys of a request and their values; IAM compares the keys without case."""

_VARIABLE = re.compile(r"\$\{([^},]+)(?:,\s*'([^']*)')?\}")
_MEMBERS = {
    *("Sid", "Effect", "Principal", "Condition"),
    *("Action", "NotAction", "Resource", "NotResource"),
}


@dataclass(frozen=True)
class AccessRequest:
    """A request to IAM: an action on a resource, with condition keys."""

    action: str
    resource: str
    context: ConditionContext

    def values(self, key: str) -> tuple[str, ...] | None:
        """Return the values of a condition key; None if the request does not have it."""
        return next((v for k, v in self.context.items() if k.lower() == key.lower()), None)


@dataclass(frozen=True)
class PolicyDecision:
    """Whether a request is allowed, and why: the deciding statement, or that there is none."""

    allowed: bool
    reason: str


PolicyStatement = Mapping[str, Any]


def judge(
    request: AccessRequest,
    principal_arn: str,
    account: str,
    identity: Sequence[PolicyStatement],
    of_resource: Sequence[PolicyStatement] | None,
    *,
    resource_must_allow: bool = False,
) -> PolicyDecision:
    """Decide a request of a role by its own statements and by those of the resource.

    `resource_must_allow`: as with KMS, where the key's policy must delegate to the policies of the
    account or the role. Raises FormatError for unsupported statements.
    """
    resource_policy = of_resource or ()
    for statement in (*identity, *resource_policy):
        if statement["Effect"] == "Deny" and _applies(statement, request, principal_arn, account):
            return PolicyDecision(False, f"denied by {_name(statement)}")
    allows = [s for s in identity if s["Effect"] == "Allow" and _applies(s, request)]
    of_key = [
        s
        for s in resource_policy
        if s["Effect"] == "Allow" and _applies(s, request, principal_arn, account)
    ]
    directly = [s for s in of_key if not _is_account(s.get("Principal"), account)]
    if directly:
        return PolicyDecision(True, f"allowed by {_name(directly[0])}")
    if resource_must_allow and not of_key:
        return PolicyDecision(False, "no statement of the key's policy allows it")
    if allows:
        return PolicyDecision(True, f"allowed by {_name(allows[0])}")
    return PolicyDecision(False, "no statement allows it")


def _name(statement: PolicyStatement) -> str:
    return str(statement.get("Sid") or f"a statement on {statement.get('Action')}")


def _applies(
    statement: PolicyStatement, request: AccessRequest, principal_arn: str = "", account: str = ""
) -> bool:
    unknown = set(statement) - _MEMBERS
    if unknown:
        raise FormatError(f"policy: {', '.join(sorted(unknown))} is not supported")
    if "Principal" in statement and not _is_meant(statement["Principal"], principal_arn, account):
        return False
    return (
        _in_list(statement, "Action", request.action, request, str.lower)
        and _in_list(statement, "Resource", request.resource, request, str)
        and all(
            _condition(operator, key, _texts(wanted), request)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _is_meant(principal: Any, principal_arn: str, account: str) -> bool:
    if principal == "*":
        return True
    named = _texts(principal.get("AWS", ()))  # Service and Federated are others
    return bool({"*", principal_arn, account, f"arn:aws:iam::{account}:root"} & set(named))


def _is_account(principal: Any, account: str) -> bool:
    """Return whether a statement only delegates to the account's own policies."""
    if not isinstance(principal, Mapping):
        return False
    return set(_texts(principal.get("AWS", ()))) <= {account, f"arn:aws:iam::{account}:root"}


def _in_list(
    statement: PolicyStatement,
    name: str,
    value: str,
    request: AccessRequest,
    fold: Callable[[str], str],
) -> bool:
    negated = f"Not{name}" in statement
    patterns = _texts(statement[f"Not{name}"] if negated else statement[name])
    found = any(_like(fold(_filled(p, request)), fold(value)) for p in patterns)
    return found != negated


def _filled(text: str, request: AccessRequest) -> str:
    """Substitute policy variables, such as `${aws:PrincipalTag/ledger, '-'}` with its default."""

    def value(place: re.Match[str]) -> str:
        values = request.values(place[1].strip())
        if values:
            return values[0]
        # Without value and default the variable matches nothing that a request can contain.
        return place[2] if place[2] is not None else "\0"

    return _VARIABLE.sub(value, text)


def _like(pattern: str, value: str) -> bool:
    return _pattern(pattern).fullmatch(value) is not None


def _arn_like(pattern: str, value: str) -> bool:
    """Compare the six components of an ARN one by one: no wildcard matches beyond its component."""
    patterns, values = pattern.split(":", 5), value.split(":", 5)
    return len(patterns) == len(values) and all(map(_like, patterns, values))


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(c, re.escape(c)) for c in pattern), re.DOTALL)


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str | int | float | bool):
        return (str(value).lower() if isinstance(value, bool) else str(value),)
    return tuple(text for item in value for text in _texts(item))


def _condition(operator: str, key: str, wanted: tuple[str, ...], request: AccessRequest) -> bool:
    values = request.values(key)
    if operator == "Null":
        return (values is None) == (wanted == ("true",))
    quantifier, _, bare = operator.rpartition(":")
    if_exists = bare.endswith("IfExists")
    bare = bare.removesuffix("IfExists")
    negated = "Not" in bare
    compare = _OPERATORS.get(bare.replace("Not", ""))
    if compare is None:
        raise FormatError(f"policy: condition operator {operator} is not supported")
    filled = [_filled(text, request) for text in wanted]
    if not values:
        return quantifier == "ForAllValues" or (quantifier == "" and (negated or if_exists))
    verdicts = [any(compare(text, value) for text in filled) != negated for value in values]
    return any(verdicts) if quantifier == "ForAnyValue" else all(verdicts)


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": str.__eq__,
    "StringLike": _like,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": str.__eq__,
    "NumericLessThan": lambda wanted, value: float(value) < float(wanted),
    "NumericEquals": lambda wanted, value: float(value) == float(wanted),
}


def statements_of(documents: Iterable[Mapping[str, Any]]) -> list[PolicyStatement]:
    """Return the statements of policy documents."""
    statements: list[PolicyStatement] = []
    for document in documents:
        listed = document["Statement"]
        statements += [listed] if isinstance(listed, Mapping) else listed
    return statements
