"""Deployments of the small app and of the real one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.aws.emulator import emulated_aws
from infra.local.cloud import LocalCloud, local_cloud
from infra.local.cloudformation.deployment import Deployment, deploy
from tests.local.small_app import write_assembly
from tests.local.submissions import accept

REGION = "eu-central-1"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The small app, deployed once for a module whose tests do not change it."""
    with emulated_aws(REGION):
        yield deploy(write_assembly(tmp_path_factory.mktemp("assembly")), REGION)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Deployment]:
    """The small app, deployed for one test."""
    with emulated_aws(REGION):
        yield deploy(write_assembly(tmp_path), REGION)


@pytest.fixture
def cloud(assembly: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCloud]:
    """The real app with two ledgers, deployed for one test."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with local_cloud(assembly, region=REGION) as cloud:
        yield cloud


@pytest.fixture
def published_cloud(cloud: LocalCloud) -> LocalCloud:
    """The real app, in which each ledger has a digest: north of three events, south of two."""
    accept(cloud, "north", 3)
    accept(cloud, "south", 2)
    cloud.drain()
    cloud.publish()
    return cloud
