"""The small app, deployed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.deploy import deploy
from infra.local.deployment import Deployment
from infra.local.emulator import emulated_aws
from tests.local.small_app import write_assembly

REGION = "eu-central-1"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Deployment]:
    with emulated_aws(REGION):
        yield deploy(write_assembly(tmp_path), REGION)
