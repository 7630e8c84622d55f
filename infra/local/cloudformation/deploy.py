"""Deploys a cloud assembly into the emulator."""

from pathlib import Path
from typing import Any

from infra.local.aws.clients import client
from infra.local.aws.emulator import ACCOUNT
from infra.local.cloudformation.assembly import read_assembly
from infra.local.cloudformation.deployment import Deployment, describe
from infra.local.cloudformation.stacks import deploy_stack

BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
BOOTSTRAP_VERSION = "30"


def deploy(assembly: Path, region: str) -> Deployment:
    """Deploy all stacks of a cloud assembly, in order of their dependencies.

    Runs inside `emulated_aws`. Assets are not uploaded: functions run from the work tree. Raises
    NotFoundError, FormatError: see `read_assembly`, `deploy_stack`.
    """
    client("ssm", region).put_parameter(
        Name=BOOTSTRAP_PARAMETER, Value=BOOTSTRAP_VERSION, Type="String", Overwrite=True
    )
    exports: dict[str, Any] = {}
    stacks = [deploy_stack(stack, ACCOUNT, region, exports) for stack in read_assembly(assembly)]
    return describe(stacks, ACCOUNT, region)
