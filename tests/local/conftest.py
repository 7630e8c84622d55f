"""The small app, deployed; and the real one, synthesized."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.deploy import deploy
from infra.local.deployment import Deployment
from infra.local.emulator import emulated_aws
from infra.synth import synthesize
from tests.local.small_app import write_assembly

REGION = "eu-central-1"
PORTAL_ACCOUNT = "111122223333"
LEDGERS = [
    {
        "id": "north",
        "public": False,
        "portals": [
            {"id": "ehr", "patient": {"system": "https://north.example/mrn"}},
            {"id": "bus", "patient": {"reference": True}, "account": PORTAL_ACCOUNT},
        ],
    },
    {"id": "south", "public": True, "portals": [{"id": "lab", "patient": {"reference": True}}]},
]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The small app, deployed once for a module whose tests leave it as it is."""
    with emulated_aws(REGION):
        yield deploy(write_assembly(tmp_path_factory.mktemp("assembly")), REGION)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Deployment]:
    """The small app, deployed anew for one test."""
    with emulated_aws(REGION):
        yield deploy(write_assembly(tmp_path), REGION)


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real app with two ledgers of its own, whatever cdk.json declares."""
    return synthesize(tmp_path_factory.mktemp("real"), settings={"ledgers": LEDGERS})
