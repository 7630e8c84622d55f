"""The evaluator that judges templates and the local AWS, by cases from the IAM user guide.

Each case states the page of https://docs.aws.amazon.com/IAM/latest/UserGuide/ that decides it.
Two rules are not in the user guide, and say so where they stand.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from audit_ledger.errors import FormatError
from infra.local.iam.policy_evaluator import AccessRequest, PolicyDecision, judge, statements_of

OWN, OTHER = "111122223333", "444455556666"
ROLE = f"arn:aws:iam::{OWN}:role/reader"
OBJECT = "arn:aws:s3:::example-bucket/finance/report.txt"
OPERATORS = "reference_policies_elements_condition_operators"
CONDITION = "reference_policies_elements_condition"
SEVERAL_VALUES = "reference_policies_condition-logic-multiple-context-keys-or-values"
SET_OPERATORS = "reference_policies_condition-single-vs-multi-valued-context-keys"
ACTION, RESOURCE = "reference_policies_elements_action", "reference_policies_elements_resource"
NOT_ACTION = "reference_policies_elements_notaction"
NOT_RESOURCE = "reference_policies_elements_notresource"
PRINCIPAL = "reference_policies_elements_principal"
NOT_PRINCIPAL = "reference_policies_elements_notprincipal"  # a Deny reaches a whole account
VARIABLES = "reference_policies_variables"
LOGIC = "reference_policies_evaluation-logic_policy-eval-denyallow"
SAME_ACCOUNT = "reference_policies_evaluation-logic_policy-eval-basics"
CROSS_ACCOUNT = "reference_policies_evaluation-logic-cross-account"

Statement = dict[str, Any]


def statement(effect: str = "Allow", **members: Any) -> Statement:
    action = {} if "NotAction" in members else {"Action": "s3:GetObject"}
    resource = {} if "NotResource" in members else {"Resource": "*"}
    return {"Effect": effect, **action, **resource, **members}


def is_allowed(
    identity: list[Statement],
    of_resource: list[Statement] | None = None,
    *,
    action: str = "s3:GetObject",
    resource: str = OBJECT,
    account: str = OWN,
    context: Mapping[str, tuple[str, ...]] | None = None,
) -> bool:
    principal = f"arn:aws:iam::{account}:role/reader"
    values = {"aws:PrincipalArn": (principal,), **(context or {})}
    request = AccessRequest(action, resource, values)
    cross_account = account != OWN
    return judge(
        request, principal, account, identity, of_resource, resource_must_allow=cross_account
    ).allowed


ROOT_OF_OWN, ROOT_OF_OTHER = ({"AWS": f"arn:aws:iam::{account}:root"} for account in (OWN, OTHER))
ALLOW, DENY = statement(), statement("Deny")
DENY_EVERYONE = statement("Deny", Principal="*")


@pytest.mark.parametrize(
    ("page", "identity", "of_resource", "allowed"),
    [
        (LOGIC, [], [], False),  # all requests are implicitly denied
        (LOGIC, [ALLOW, DENY], [], False),  # an explicit deny overrides an explicit allow
        (LOGIC, [DENY, ALLOW], [], False),  # in any order
        (LOGIC, [ALLOW], [DENY_EVERYONE], False),  # and in any policy
        (SAME_ACCOUNT, [ALLOW], [], True),  # either policy may allow within one account
        (SAME_ACCOUNT, [], [statement(Principal={"AWS": ROLE})], True),
        (PRINCIPAL, [], [statement(Principal=ROOT_OF_OWN)], False),  # delegates to the account
        (PRINCIPAL, [ALLOW], [statement(Principal=ROOT_OF_OWN)], True),
        (
            NOT_PRINCIPAL,
            [ALLOW],
            [statement("Deny", Principal={"AWS": OWN})],
            False,
        ),  # its short form
        (NOT_PRINCIPAL, [ALLOW], [statement("Deny", Principal=ROOT_OF_OWN)], False),
        (NOT_PRINCIPAL, [ALLOW], [statement("Deny", Principal=ROOT_OF_OTHER)], True),
        (NOT_PRINCIPAL, [ALLOW], [statement("Deny", Principal={"AWS": [ROLE, OTHER]})], False),
        (PRINCIPAL, [], [statement(Principal={"Service": "s3.amazonaws.com"})], False),
        (PRINCIPAL, [], [statement(Principal={"AWS": "arn:aws:iam::*:role/reader"})], False),
    ],
)
def test_policies_of_one_account_combine_as_documented(
    page: str, identity: list[Statement], of_resource: list[Statement], allowed: bool
) -> None:
    assert is_allowed(identity, of_resource) is allowed, page


@pytest.mark.parametrize(
    ("identity", "of_resource", "allowed"),
    [
        ([ALLOW], [statement(Principal=ROOT_OF_OTHER)], True),
        ([ALLOW], [], False),
        ([ALLOW], [statement(Principal=ROOT_OF_OWN)], False),
        ([], [statement(Principal=ROOT_OF_OTHER)], False),
        ([ALLOW, DENY], [statement(Principal=ROOT_OF_OTHER)], False),
        ([ALLOW], [statement(Principal=ROOT_OF_OTHER), DENY_EVERYONE], False),
    ],
)
def test_both_accounts_must_allow_a_cross_account_request(
    identity: list[Statement], of_resource: list[Statement], allowed: bool
) -> None:
    """The principal is of the other account, which the resource's policy names as a whole."""
    assert is_allowed(identity, of_resource, account=OTHER) is allowed, CROSS_ACCOUNT


@pytest.mark.parametrize(
    ("page", "members", "allowed"),
    [
        (ACTION, {"Action": "S3:getobject"}, True),  # prefix and name without regard to case
        (ACTION, {"Action": "s3:Get*"}, True),
        (ACTION, {"Action": "s3:*Object"}, True),
        (ACTION, {"Action": "s3:GetObject?"}, False),  # one character, not none
        (ACTION, {"Action": ["s3:PutObject", "s3:GetObject"]}, True),
        (ACTION, {"Action": "s3:GetObjectVersion"}, False),
        (NOT_ACTION, {"NotAction": "iam:*"}, True),
        (NOT_ACTION, {"NotAction": ["iam:*", "s3:Get*"]}, False),
        (RESOURCE, {"Resource": "arn:aws:s3:::example-bucket/*"}, True),  # beyond a slash
        (RESOURCE, {"Resource": "arn:aws:s3:::example-bucket/finance/report.tx?"}, True),
        (RESOURCE, {"Resource": "arn:aws:s3:::example-bucket"}, False),  # the bucket is no object
        # Not in the user guide for `Resource`; its page on operators compares ARNs with case.
        (RESOURCE, {"Resource": "arn:aws:s3:::EXAMPLE-bucket/*"}, False),
        (NOT_RESOURCE, {"NotResource": "arn:aws:s3:::example-bucket/hr/*"}, True),
        (NOT_RESOURCE, {"NotResource": "arn:aws:s3:::example-bucket/finance/*"}, False),
    ],
)
def test_actions_and_resources_match_as_documented(
    page: str, members: dict[str, Any], allowed: bool
) -> None:
    assert is_allowed([statement(**members)]) is allowed, page


SINGLE = {"k": ("blue",), "n": ("10",), "arn": (f"arn:aws:sns:eu-central-1:{OWN}:topic",)}


@pytest.mark.parametrize(
    ("page", "condition", "is_true"),
    [
        (OPERATORS, {"StringEquals": {"k": "blue"}}, True),
        (OPERATORS, {"StringEquals": {"k": "Blue"}}, False),  # exact, with regard to case
        (OPERATORS, {"StringEquals": {"k": "bl*"}}, False),  # no wildcards
        (CONDITION, {"StringEquals": {"K": "blue"}}, True),  # names of keys without regard to case
        (OPERATORS, {"StringLike": {"k": "bl*"}}, True),
        (OPERATORS, {"StringLike": {"k": "bl?"}}, False),
        (OPERATORS, {"StringNotEquals": {"k": "red"}}, True),
        (OPERATORS, {"StringNotEquals": {"absent": "red"}}, True),  # negated, without the key
        (OPERATORS, {"StringNotLike": {"k": "bl*"}}, False),
        (OPERATORS, {"StringEquals": {"absent": "red"}}, False),
        (OPERATORS, {"StringEqualsIfExists": {"absent": "red"}}, True),
        (OPERATORS, {"StringEqualsIfExists": {"k": "red"}}, False),
        (OPERATORS, {"BoolIfExists": {"absent": "true"}}, True),
        (OPERATORS, {"Bool": {"absent": "false"}}, False),
        (OPERATORS, {"NumericLessThan": {"n": "9"}}, False),  # as numbers, not as text
        (OPERATORS, {"NumericEquals": {"n": "10.0"}}, True),
        (OPERATORS, {"NumericNotEquals": {"n": "10"}}, False),
        (OPERATORS, {"Null": {"absent": "true"}}, True),
        (OPERATORS, {"Null": {"k": "true"}}, False),
        (OPERATORS, {"Null": {"k": "false"}}, True),
        (OPERATORS, {"ArnEquals": {"arn": f"arn:aws:sns:*:{OWN}:*"}}, True),  # same as ArnLike
        (OPERATORS, {"ArnLike": {"arn": f"arn:aws:sns:eu-central-?:{OWN}:topic"}}, True),
        (OPERATORS, {"ArnLike": {"arn": "arn:aws:*:topic"}}, False),  # component by component
        (OPERATORS, {"ArnNotEquals": {"arn": f"arn:aws:sns:*:{OTHER}:*"}}, True),
        (SEVERAL_VALUES, {"StringEquals": {"k": ["red", "blue"]}}, True),  # OR of values
        (SEVERAL_VALUES, {"StringNotEquals": {"k": ["red", "blue"]}}, False),  # NOR if negated
        (SEVERAL_VALUES, {"StringEquals": {"k": "blue", "n": "11"}}, False),  # AND of keys
        (SEVERAL_VALUES, {"StringEquals": {"k": "blue"}, "Bool": {"n": "true"}}, False),
    ],
)
def test_conditions_on_one_value_hold_as_documented(
    page: str, condition: dict[str, Any], is_true: bool
) -> None:
    assert is_allowed([statement(Condition=condition)], context=SINGLE) is is_true, page


@pytest.mark.parametrize(
    ("operator", "wanted", "values", "is_true"),
    [
        ("ForAllValues:StringEquals", ["a", "b"], ("a",), True),  # a subset
        ("ForAllValues:StringEquals", ["a", "b"], ("a", "c"), False),
        ("ForAllValues:StringEquals", ["a"], None, True),  # without the key in the request
        ("ForAllValues:StringEquals", ["a"], (), True),  # an empty set
        ("ForAllValues:StringNotEquals", ["a", "b"], ("c", "a"), False),
        ("ForAllValues:StringNotEquals", ["a", "b"], ("c", "d"), True),
        ("ForAnyValue:StringEquals", ["a", "b"], ("c", "b"), True),
        ("ForAnyValue:StringEquals", ["a", "b"], ("c", "B"), False),
        ("ForAnyValue:StringEquals", ["a"], None, False),
        ("ForAnyValue:StringEquals", ["a"], (), False),
        # Not in the user guide: observed by the author of the re:Post question
        # "ForAnyValue:StringEqualsIfExists behaving unexpectedly".
        ("ForAnyValue:StringEqualsIfExists", ["a"], None, False),
        ("ForAnyValue:StringNotEquals", ["a"], ("a", "c"), True),
    ],
)
def test_set_operators_hold_as_documented(
    operator: str, wanted: list[str], values: tuple[str, ...] | None, is_true: bool
) -> None:
    context = {} if values is None else {"aws:TagKeys": values}
    condition = {operator: {"aws:TagKeys": wanted}}
    allowed = is_allowed([statement(Condition=condition)], context=context)
    assert allowed is is_true, SET_OPERATORS


@pytest.mark.parametrize(
    ("resource", "tags", "allowed"),
    [
        ("${aws:PrincipalTag/team}/*", {"aws:PrincipalTag/team": ("finance",)}, True),
        ("${aws:principaltag/team}/*", {"aws:PrincipalTag/team": ("finance",)}, True),
        ("${aws:PrincipalTag/team}/*", {"aws:PrincipalTag/team": ("hr",)}, False),
        ("${aws:PrincipalTag/team}/*", {}, False),  # a key without a value matches nothing
        ("${aws:PrincipalTag/team, 'finance'}/*", {}, True),  # the default
        ("${aws:PrincipalTag/team, 'finance'}/*", {"aws:PrincipalTag/team": ("hr",)}, False),
    ],
)
def test_variables_take_the_value_of_the_request_or_the_default(
    resource: str, tags: dict[str, tuple[str, ...]], allowed: bool
) -> None:
    policy = [statement(Resource=f"arn:aws:s3:::example-bucket/{resource}")]
    assert is_allowed(policy, context=tags) is allowed, VARIABLES


SIGN = statement(Action="kms:Sign")


@pytest.mark.parametrize(
    ("identity", "of_key", "allowed"),
    [
        ([SIGN], [{**SIGN, "Principal": ROOT_OF_OWN}], True),
        ([SIGN], [], False),
        ([], [{**SIGN, "Principal": ROOT_OF_OWN}], False),
        ([], [{**SIGN, "Principal": {"AWS": ROLE}}], True),
    ],
)
def test_a_key_policy_must_allow_or_delegate_to_the_account(
    identity: list[Statement], of_key: list[Statement], allowed: bool
) -> None:
    """KMS developer guide, "Key policies in AWS KMS" and "Using IAM policies with AWS KMS"."""
    request = AccessRequest("kms:Sign", "arn:aws:kms:eu-central-1:111122223333:key/1", {})
    decision = judge(request, ROLE, OWN, identity, of_key, resource_must_allow=True)
    assert decision.allowed is allowed


def test_a_decision_names_the_statement_that_decided() -> None:
    request = AccessRequest("s3:GetObject", OBJECT, {})
    denied = judge(request, ROLE, OWN, [ALLOW], [{**DENY_EVERYONE, "Sid": "Nobody"}])
    assert denied == PolicyDecision(False, "denied by Nobody")
    assert judge(request, ROLE, OWN, [], []) == PolicyDecision(False, "no statement allows it")


def test_a_document_contains_one_statement_or_a_list() -> None:
    found = statements_of([{"Statement": ALLOW}, {"Statement": [ALLOW, DENY]}])
    assert found == [ALLOW, ALLOW, DENY]


@pytest.mark.parametrize("operator", ["DateLessThan", "IpAddress", "StringEqualsIgnoreCase"])
def test_an_operator_that_is_not_modelled_is_an_error(operator: str) -> None:
    """A condition is never taken for true or false without its rule."""
    with pytest.raises(FormatError, match=operator):
        is_allowed([statement(Condition={operator: {"k": "blue"}})], context=SINGLE)


def test_an_element_that_is_not_modelled_is_an_error() -> None:
    with pytest.raises(FormatError, match="NotPrincipal is not supported"):
        is_allowed([statement(NotPrincipal="*")])
