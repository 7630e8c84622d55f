"""What the local ledger does not know of a template, it refuses; what it made, it forgets."""

import copy
from pathlib import Path
from typing import Any

import pytest

from audit_ledger.errors import FormatError
from infra.local.aws.emulator import emulated_aws
from infra.local.cloudformation.deploy import deploy
from tests.local.conftest import REGION
from tests.local.small_app import LEDGER, SHARED, write_assembly


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("Type", "AWS::EC2::Instance"), "AWS::EC2::Instance"),
        (("Properties", {"QueueName": "q", "FifoQueue": True}), "FifoQueue of AWS::SQS::Queue"),
    ],
)
def test_what_the_local_ledger_does_not_know_is_refused_by_name(
    tmp_path: Path, change: tuple[str, Any], complaint: str
) -> None:
    """moto's own CloudFormation would skip the type and drop the property."""
    template = {"Resources": {"X": {"Type": "AWS::SQS::Queue", change[0]: change[1]}}}
    with emulated_aws(REGION), pytest.raises(FormatError, match=complaint):
        deploy(write_assembly(tmp_path, {"small-x": template}), REGION)


@pytest.mark.parametrize(
    "expression", ["cron(0 3 * * ? *)", "rate(1 fortnight)", "at(2026-11-22T05:59:00)"]
)
def test_a_schedule_that_is_no_rate_is_refused(tmp_path: Path, expression: str) -> None:
    ledger = copy.deepcopy(LEDGER)
    ledger["Resources"]["Tick"]["Properties"]["ScheduleExpression"] = expression
    stacks = {"small-ledger": ledger, "small-shared": SHARED}
    with emulated_aws(REGION), pytest.raises(FormatError, match="is no rate"):
        deploy(write_assembly(tmp_path, stacks), REGION)


def test_nothing_is_left_when_the_emulator_ends(tmp_path: Path) -> None:
    """Two deployments of the same names in one process, one after the other."""
    for attempt in ("a", "b"):
        folder = tmp_path / attempt
        folder.mkdir()
        with emulated_aws(REGION):
            deploy(write_assembly(folder), REGION)
