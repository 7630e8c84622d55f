"""A small evaluator of IAM policies, written from the IAM user guide, for the tests alone.

Source: "Policy evaluation logic", "Condition operators", "Variables and tags". It knows what our
policies use and refuses the rest, so that a test never passes because something was ignored.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.infra.assembly import ACCOUNT


@dataclass(frozen=True)
class Request:
    """Who asks for what. `context`: condition keys, text or lists of text, beside the principal."""

    principal: str
    action: str
    resource: str
    context: Mapping[str, Any] = field(default_factory=dict)

    def value(self, key: str) -> Any:
        """The value of a condition key; None where the request has none."""
        if key == "aws:PrincipalArn":
            return self.principal
        return self.context.get(key)


def role(name: str) -> str:
    """ARN of a role of this account."""
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def decision(policy: Mapping[str, Any], request: Request) -> str:
    """Give `deny`, `allow` or `none` (implicit denial)."""
    effects = {s["Effect"] for s in statements(policy) if _applies(s, request)}
    if "Deny" in effects:
        return "deny"
    return "allow" if "Allow" in effects else "none"


def statements(policy: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Statements of a policy, always as a list."""
    found = policy["Statement"]
    return found if isinstance(found, list) else [found]


def listed(value: Any) -> list[str]:
    """One text or several, always as a list."""
    return [value] if isinstance(value, str) else list(value)


def _applies(statement: Mapping[str, Any], request: Request) -> bool:
    known = {"Sid", "Effect", "Action", "Resource", "NotResource", "Condition", "Principal"}
    assert set(statement) <= known, f"not understood: {set(statement) - known}"
    return (
        _principal_matches(statement.get("Principal", "*"), request)
        and _any_like(request.action.lower(), [a.lower() for a in listed(statement["Action"])])
        and _resource_matches(statement, request)
        and all(
            _condition_holds(operator, key, _texts(wanted), request)
            for operator, tests in statement.get("Condition", {}).items()
            for key, wanted in tests.items()
        )
    )


def _principal_matches(principal: Any, request: Request) -> bool:
    if principal in ("*", {"AWS": "*"}):
        return True
    assert len(principal) == 1, principal
    ((kind, named),) = principal.items()
    if kind == "Service":
        return request.principal in listed(named)
    assert kind == "AWS", kind
    account_roots = [n for n in listed(named) if n.endswith(":root")]
    assert account_roots == listed(named), named
    return any(request.principal.startswith(root.removesuffix("root")) for root in account_roots)


def _resource_matches(statement: Mapping[str, Any], request: Request) -> bool:
    if "NotResource" in statement:
        spared = [_filled(pattern, request) for pattern in listed(statement["NotResource"])]
        return not _any_like(request.resource, spared)
    return _any_like(
        request.resource, [_filled(pattern, request) for pattern in listed(statement["Resource"])]
    )


def _filled(pattern: str, request: Request) -> str:
    """Put policy variables in: `${key, 'default'}`."""

    def value(match: re.Match[str]) -> str:
        return str(request.value(match[1]) or match[2])

    return re.sub(r"\$\{([^,}]+), '([^']*)'\}", value, pattern)


def _any_like(text: str, patterns: Iterable[str]) -> bool:
    return any(_like(text, pattern) for pattern in patterns)


def _like(text: str, pattern: str) -> bool:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _condition_holds(operator: str, key: str, wanted: Sequence[str], request: Request) -> bool:
    if operator == "Bool":
        operator = "StringEquals"
    found = request.value(key)
    if operator == "Null":
        return (found is None) == (wanted == ["true"])
    quantifier, _, plain = operator.rpartition(":")
    if_exists = plain.endswith("IfExists")
    test = _TESTS[plain.removesuffix("IfExists")]
    if found is None:
        return if_exists or quantifier == "ForAllValues" or _is_negative(plain)
    values = listed(found)
    if quantifier == "ForAllValues":
        return all(test(value, wanted) for value in values)
    if quantifier == "ForAnyValue":
        return any(test(value, wanted) for value in values)
    assert len(values) == 1, f"{key} has several values: {operator} says nothing of that"
    return test(values[0], wanted)


def _texts(wanted: Any) -> list[str]:
    values = wanted if isinstance(wanted, list) else [wanted]
    return [str(v).lower() if isinstance(v, bool) else str(v) for v in values]


def _is_negative(operator: str) -> bool:
    return "Not" in operator


def _equals(value: str, wanted: Sequence[str]) -> bool:
    return value in wanted


def _not_like(value: str, wanted: Sequence[str]) -> bool:
    return not _any_like(value, wanted)


_TESTS: dict[str, Callable[[str, Sequence[str]], bool]] = {
    "StringEquals": _equals,
    "StringLike": _any_like,
    # Arn operators compare part by part, in which * and ? stand for characters: as Like, here.
    "ArnEquals": _any_like,
    "ArnLike": _any_like,
    "ArnNotLike": _not_like,
    "NumericLessThan": lambda value, wanted: float(value) < float(wanted[0]),
}
