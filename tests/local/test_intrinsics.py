"""Intrinsic functions return what the CloudFormation template reference states."""

from typing import Any

import pytest

from audit_ledger.errors import FormatError
from infra.local.cloudformation.intrinsics import Scope, names_in, resolve


@pytest.fixture
def scope() -> Scope:
    return Scope(
        {"AWS::Region": "eu-central-1", "Name": "st-elsewhere"},
        {"other:export": "exported"},
        {"Queue": {"Arn": "arn:aws:sqs:::q"}},
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Name"}, "st-elsewhere"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "arn:aws:sqs:::q"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Name"}]]}, "a-st-elsewhere"),
        ({"Fn::Sub": "x/${Name}/${AWS::Region}"}, "x/st-elsewhere/eu-central-1"),
        ({"Fn::Select": ["1", {"Fn::Split": ["-", {"Ref": "Name"}]}]}, "elsewhere"),
        ({"Fn::ImportValue": {"Fn::Sub": "other:export"}}, "exported"),
        ({"Condition": {"StringEquals": {"a": "b"}}}, {"Condition": {"StringEquals": {"a": "b"}}}),
        ([{"a": {"Ref": "Name"}}, 2], [{"a": "st-elsewhere"}, 2]),
    ],
)
def test_resolves_a_function_to_its_value(scope: Scope, value: Any, expected: Any) -> None:
    assert resolve(value, scope) == expected


@pytest.mark.parametrize(
    "value",
    [
        {"Ref": "Nobody"},
        {"Ref": "AWS::NoValue"},
        {"Fn::GetAtt": ["Queue", "Url"]},
        {"Fn::GetAtt": "Queue.Arn"},
        {"Fn::ImportValue": "none"},
        {"Fn::Transform": {"Name": "AWS::Include"}},
        {"Fn::If": ["Unknown", 1, 2]},
        {"Fn::Sub": ["${v}", {"v": 1}]},
        {"Fn::Sub": "${Queue.Arn}"},
        {"Fn::Sub": "${!Literal}"},
    ],
)
def test_refuses_an_unknown_name_or_function(scope: Scope, value: Any) -> None:
    """Nothing of a template is guessed or dropped."""
    with pytest.raises(FormatError, match="template: "):
        resolve(value, scope)


def test_finds_every_name_in_a_value() -> None:
    value = {
        "a": {"Ref": "One"},
        "b": [{"Fn::GetAtt": ["Two", "Arn"]}, {"Fn::Join": ["-", [{"Ref": "Three"}]]}],
        "c": {"Fn::Sub": "${Four}-${AWS::Region}"},
    }
    assert set(names_in(value)) == {"One", "Two", "Three", "Four", "AWS::Region"}
