"""Intrinsic functions give what the CloudFormation template reference says."""

from typing import Any

import pytest

from audit_ledger.errors import FormatError
from infra.local.cloudformation.intrinsics import NO_VALUE, Scope, names_in, resolve


def scope() -> Scope:
    return Scope(
        {"AWS::Region": "eu-central-1", "Name": "st-elsewhere"},
        {"other:export": "exported"},
        {"Regions": {"eu-central-1": {"code": "euc1"}}},
        {
            "Yes": {"Fn::Equals": ["a", "a"]},
            "No": {"Fn::Not": [{"Condition": "Yes"}]},
            "Both": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]},
            "Either": {"Fn::Or": [{"Condition": "Yes"}, {"Condition": "No"}]},
        },
        {"Queue": {"Arn": "arn:aws:sqs:::q"}},
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Name"}, "st-elsewhere"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "arn:aws:sqs:::q"),
        ({"Fn::GetAtt": "Queue.Arn"}, "arn:aws:sqs:::q"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Name"}]]}, "a-st-elsewhere"),
        ({"Fn::Sub": "x/${Name}/${Queue.Arn}/${!Kept}"}, "x/st-elsewhere/arn:aws:sqs:::q/${Kept}"),
        ({"Fn::Sub": ["${v}-${Name}", {"v": {"Ref": "AWS::Region"}}]}, "eu-central-1-st-elsewhere"),
        ({"Fn::Select": ["1", {"Fn::Split": ["-", {"Ref": "Name"}]}]}, "elsewhere"),
        ({"Fn::ImportValue": {"Fn::Sub": "other:export"}}, "exported"),
        ({"Fn::FindInMap": ["Regions", {"Ref": "AWS::Region"}, "code"]}, "euc1"),
        ({"Fn::If": ["Yes", "then", "else"]}, "then"),
        ({"Fn::If": ["Both", "then", "else"]}, "else"),
        ({"Fn::If": ["Either", "then", "else"]}, "then"),
        ({"Fn::Base64": "abc"}, "YWJj"),
        ({"Fn::GetAZs": ""}, ["eu-central-1a", "eu-central-1b", "eu-central-1c"]),
        ({"a": {"Ref": "AWS::NoValue"}, "b": 1}, {"b": 1}),
        ([{"Ref": "AWS::NoValue"}, {"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, 2], [2]),
        ({"Condition": {"StringEquals": {"a": "b"}}}, {"Condition": {"StringEquals": {"a": "b"}}}),
    ],
)
def test_a_function_gives_its_value(value: Any, expected: Any) -> None:
    assert resolve(value, scope()) == expected


@pytest.mark.parametrize(
    "value",
    [
        {"Ref": "Nobody"},
        {"Fn::GetAtt": ["Queue", "Url"]},
        {"Fn::ImportValue": "none"},
        {"Fn::Transform": {"Name": "AWS::Include"}},
        {"Fn::If": ["Unknown", 1, 2]},
    ],
)
def test_what_is_not_there_is_refused_by_name(value: Any) -> None:
    """Nothing of a template is guessed or dropped."""
    with pytest.raises(FormatError, match="template: "):
        resolve(value, scope())


def test_every_name_in_a_value_is_found() -> None:
    value = {
        "a": {"Ref": "One"},
        "b": [{"Fn::GetAtt": ["Two", "Arn"]}, {"Fn::GetAtt": "Three.Arn"}],
        "c": {"Fn::Sub": ["${Four}${Five.Arn}${!Not}${v}", {"v": {"Ref": "Six"}}]},
    }
    assert set(names_in(value)) == {"One", "Two", "Three", "Four", "Five", "Six"}


def test_no_value_is_not_a_value() -> None:
    assert resolve({"Ref": "AWS::NoValue"}, scope()) is NO_VALUE
