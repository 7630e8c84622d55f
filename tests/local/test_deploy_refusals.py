"""A deployment refuses unsupported templates, and its resources end with the emulator."""

import copy
from pathlib import Path
from typing import Any

import pytest

from audit_ledger.errors import FormatError
from infra.local.aws.emulator import emulated_aws
from infra.local.cloudformation.deployment import deploy
from tests.local.conftest import REGION
from tests.local.small_app import LEDGER, SHARED, write_assembly


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ({"Resources": {"X": {"Type": "AWS::EC2::Instance"}}}, "AWS::EC2::Instance"),
        (
            {"Resources": {"X": {"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": True}}}},
            "FifoQueue of AWS::SQS::Queue",
        ),
        ({"Conditions": {}, "Mappings": {}}, "Conditions, Mappings of small-x"),
        (
            {
                "Resources": {
                    "X": {"Type": "AWS::IAM::Role", "Properties": {"Policies": [], "RoleName": "x"}}
                }
            },
            "Policies of AWS::IAM::Role",
        ),
        (
            {"Resources": {"X": {"Type": "AWS::SQS::Queue", "DependsOn": "Y"}}},
            "DependsOn is supported as a list",
        ),
        (
            {
                "Resources": {
                    "X": {
                        "Type": "AWS::SSM::Parameter",
                        "Properties": {"Value": {"Fn::GetAtt": "Y.Arn"}},
                    }
                }
            },
            "Fn::GetAtt is supported as a list",
        ),
    ],
)
def test_names_the_unsupported_part_of_a_template(
    tmp_path: Path, template: dict[str, Any], message: str
) -> None:
    """moto's own CloudFormation would skip the type and drop the property."""
    with emulated_aws(REGION), pytest.raises(FormatError, match=message):
        deploy(write_assembly(tmp_path, {"small-x": template}), REGION)


@pytest.mark.parametrize(
    "expression", ["cron(0 3 * * ? *)", "rate(1 hour)", "at(2026-11-22T05:59:00)"]
)
def test_refuses_a_schedule_without_a_rate_in_minutes(tmp_path: Path, expression: str) -> None:
    ledger = copy.deepcopy(LEDGER)
    ledger["Resources"]["Tick"]["Properties"]["ScheduleExpression"] = expression
    stacks = {"small-ledger": ledger, "small-shared": SHARED}
    with emulated_aws(REGION), pytest.raises(FormatError, match="is no rate in minutes"):
        deploy(write_assembly(tmp_path, stacks), REGION)


def test_the_emulator_ends_without_leftovers(tmp_path: Path) -> None:
    """Two deployments of the same names in one process, one after the other."""
    for attempt in ("a", "b"):
        folder = tmp_path / attempt
        folder.mkdir()
        with emulated_aws(REGION):
            deploy(write_assembly(folder), REGION)
