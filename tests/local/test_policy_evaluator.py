"""Requests are judged as IAM does.

Source: IAM user guide, "Policy evaluation logic" and "Condition operators".
"""

from typing import Any

import pytest

from audit_ledger.errors import FormatError
from infra.local.policy_evaluator import AccessRequest, PolicyDecision, judge, statements_of

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
TABLE = f"arn:aws:dynamodb:eu-central-1:{ACCOUNT}:table/t"


def ask(
    identity: list[dict[str, Any]],
    of_resource: list[dict[str, Any]] | None = None,
    action: str = "dynamodb:GetItem",
    resource: str = TABLE,
    *,
    resource_must_allow: bool = False,
    **context: str | tuple[str, ...],
) -> PolicyDecision:
    values = {
        key.replace("__", ":"): value if isinstance(value, tuple) else (value,)
        for key, value in context.items()
    }
    return judge(
        AccessRequest(action, resource, {"aws:PrincipalArn": (ROLE,), **values}),
        ROLE,
        ACCOUNT,
        identity,
        of_resource,
        resource_must_allow=resource_must_allow,
    )


def allow(action: Any = "dynamodb:GetItem", resource: Any = TABLE, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, "Principal": "*", **more}


def test_what_nobody_allows_is_denied() -> None:
    assert ask([]) == PolicyDecision(False, "no statement allows it")
    assert not ask([allow("dynamodb:PutItem")]).allowed
    assert not ask([allow(resource=f"{TABLE}2")]).allowed


def test_an_allow_is_enough_and_a_deny_is_stronger() -> None:
    assert ask([allow()]).allowed
    assert ask([allow()], [deny(Sid="Nobody")]) == PolicyDecision(False, "denied by Nobody")
    assert not ask([allow(), {**deny(), "Sid": "Own"}]).allowed


@pytest.mark.parametrize(
    "action", ["dynamodb:Get*", "DynamoDB:getitem", "*", ["a:b", "dynamodb:G?tItem"]]
)
def test_actions_match_without_case_and_with_wildcards(action: Any) -> None:
    assert ask([allow(action)]).allowed


def test_resources_match_with_case() -> None:
    assert ask([allow(resource=f"{TABLE[:-1]}*")]).allowed
    assert not ask([allow(resource=TABLE.upper())]).allowed


def test_not_action_and_not_resource_mean_all_others() -> None:
    others: dict[str, Any] = {"Effect": "Allow", "NotAction": "dynamodb:PutItem", "Resource": "*"}
    assert ask([others]).allowed
    assert not ask([others], action="dynamodb:PutItem").allowed
    guarded = {"Effect": "Deny", "Principal": "*", "Action": "*", "NotResource": f"{TABLE}/index/*"}
    assert not ask([allow()], [guarded]).allowed
    assert ask([allow(resource="*")], [guarded], resource=f"{TABLE}/index/i").allowed


@pytest.mark.parametrize(
    ("condition", "context", "holds"),
    [
        ({"StringEquals": {"k": "a"}}, {"k": "a"}, True),
        ({"StringEquals": {"k": ["a", "b"]}}, {"k": "b"}, True),
        ({"StringEquals": {"K": "a"}}, {"k": "a"}, True),
        ({"StringEquals": {"k": "a"}}, {"k": "A"}, False),
        ({"StringEquals": {"k": "a"}}, {}, False),
        ({"StringEqualsIfExists": {"k": "a"}}, {}, True),
        ({"StringLikeIfExists": {"k": "a*"}}, {"k": "b"}, False),
        ({"StringNotEquals": {"k": "a"}}, {"k": "b"}, True),
        ({"StringNotEquals": {"k": ["a", "b"]}}, {"k": "b"}, False),
        ({"StringNotEquals": {"k": "a"}}, {}, True),
        ({"StringNotLike": {"k": "a*"}}, {"k": "ab"}, False),
        ({"ArnLike": {"k": "arn:aws:iam::1:role/x-*"}}, {"k": "arn:aws:iam::1:role/x-y"}, True),
        ({"ArnNotLike": {"k": "arn:aws:iam::1:role/x-*"}}, {"k": "arn:aws:iam::1:role/x-y"}, False),
        ({"Bool": {"k": False}}, {"k": "false"}, True),
        ({"Bool": {"k": "false"}}, {"k": "true"}, False),
        ({"NumericLessThan": {"k": 1.2}}, {"k": "1.3"}, False),
        ({"NumericLessThan": {"k": 1.2}}, {"k": "1.1"}, True),
        ({"Null": {"k": "true"}}, {}, True),
        ({"Null": {"k": "true"}}, {"k": "a"}, False),
        ({"Null": {"k": "false"}}, {"k": "a"}, True),
        ({"ForAllValues:StringEquals": {"k": ["a", "b"]}}, {"k": ("a", "b")}, True),
        ({"ForAllValues:StringEquals": {"k": ["a", "b"]}}, {"k": ("a", "c")}, False),
        ({"ForAllValues:StringLike": {"k": "a#*"}}, {"k": ("a#1", "a#2")}, True),
        ({"ForAllValues:StringEquals": {"k": "a"}}, {}, True),
        ({"ForAnyValue:StringLike": {"k": "*#keys"}}, {"k": ("x", "y#keys")}, True),
        ({"ForAnyValue:StringLike": {"k": "*#keys"}}, {"k": ("x", "y")}, False),
        ({"ForAnyValue:StringLike": {"k": "*#keys"}}, {}, False),
        ({"StringEquals": {"k": "a"}, "Null": {"l": "true"}}, {"k": "a", "l": "b"}, False),
        ({"StringEquals": {"k": "a", "l": "b"}}, {"k": "a", "l": "b"}, True),
    ],
)
def test_a_condition_holds_as_its_operator_says(
    condition: Any, context: dict[str, Any], holds: bool
) -> None:
    assert ask([allow(Condition=condition)], **context).allowed is holds


def test_a_variable_takes_its_value_or_its_default_or_matches_nothing() -> None:
    own = "arn:aws:s3:::b/${aws:PrincipalTag/ledger, '-'}/*"
    bare = "arn:aws:s3:::b/${aws:PrincipalTag/ledger}/*"
    tagged: dict[str, Any] = {"aws__PrincipalTag/ledger": "north"}
    for pattern in (own, bare):
        statement = [allow("s3:GetObject", pattern)]
        mine = ask(statement, action="s3:GetObject", resource="arn:aws:s3:::b/north/x", **tagged)
        assert mine.allowed
        other = ask(statement, action="s3:GetObject", resource="arn:aws:s3:::b/south/x", **tagged)
        assert not other.allowed
        assert not ask(statement, action="s3:GetObject", resource="arn:aws:s3:::b//x").allowed
    defaulted = [allow("s3:GetObject", own)]
    assert ask(defaulted, action="s3:GetObject", resource="arn:aws:s3:::b/-/x").allowed


@pytest.mark.parametrize(
    ("principal", "meant"),
    [
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": [ROLE]}, True),
        (ROOT, True),
        ({"AWS": "arn:aws:iam::999999999999:root"}, False),
        ({"Service": "events.amazonaws.com"}, False),
    ],
)
def test_a_statement_of_a_resource_concerns_those_it_names(principal: Any, meant: bool) -> None:
    statement = {**deny(), "Principal": principal}
    assert ask([allow()], [statement]).allowed is not meant


def test_a_resource_may_allow_a_role_by_itself_but_not_by_the_account() -> None:
    assert ask([], [allow(Principal={"AWS": ROLE})]).allowed
    assert not ask([], [allow(Principal=ROOT)]).allowed


def test_a_key_must_let_the_account_speak() -> None:
    """KMS: without a statement of the key's policy, no policy of a role is heard."""
    sign = allow("kms:Sign", "*")
    account_may = allow("kms:Sign", "*", Principal=ROOT)

    def key(of_role: list[Any], of_key: list[Any]) -> bool:
        return ask(of_role, of_key, "kms:Sign", "arn:key", resource_must_allow=True).allowed

    assert key([sign], [account_may])
    assert not key([sign], [])
    assert not key([], [account_may])
    assert key([], [allow("kms:Sign", "*", Principal={"AWS": ROLE})])


@pytest.mark.parametrize(
    "statement",
    [
        allow(Condition={"DateLessThan": {"k": "2026-01-01T00:00:00Z"}}),
        {**allow(), "NotPrincipal": "*"},
    ],
)
def test_what_is_not_known_is_refused_not_guessed(statement: dict[str, Any]) -> None:
    with pytest.raises(FormatError, match="not known here"):
        ask([statement], k="x")


def test_a_document_may_hold_one_statement_or_several() -> None:
    assert statements_of([{"Statement": allow()}, {"Statement": [allow(), deny()]}]) == [
        allow(),
        allow(),
        deny(),
    ]
