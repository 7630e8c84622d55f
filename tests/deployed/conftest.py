"""The app, bundled for this machine and deployed once for the tests that use it in order."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.synth import synthesize
from tests.conftest import REPOSITORY, skip_unless_ci
from tests.deployed.app import SETTINGS, App
from tests.deployed.cloudformation import Assets, deploy
from tests.deployed.emulator import ACCOUNT, REGION, Emulator, create_environment, run_emulator

BUILD = REPOSITORY / "build" / "deployed"


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """ministack with its patches; skipped if pip cannot install it, except on CI."""
    try:
        python = create_environment(BUILD / "venv")
    except subprocess.CalledProcessError as error:
        skip_unless_ci(f"ministack cannot be installed:\n{error.stderr}")
    with run_emulator(python, tmp_path_factory.mktemp("ministack")) as running:
        yield running


@pytest.fixture(scope="session")
def bundled() -> Path:
    """The templates with real assets; those with unchanged sources and lock are reused."""
    folder = BUILD / "assembly"
    for file in folder.glob("*.json"):
        file.unlink()
    try:
        synthesize(folder, settings=SETTINGS, bundle=True, for_this_machine=True)
    except RuntimeError as error:
        if "pip" not in str(error):
            raise
        skip_unless_ci(f"the functions cannot be bundled:\n{error}")
    manifests = "".join(file.read_text() for file in folder.glob("*.assets.json"))
    for asset in folder.glob("asset.*"):
        if asset.name not in manifests:
            shutil.rmtree(asset)
    return folder


@pytest.fixture(scope="session")
def app(bundled: Path, emulator: Emulator) -> App:
    """The templates as they were synthesized, deployed by the emulator's CloudFormation."""
    assets = Assets(f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}", REGION)
    return App(emulator, deploy(bundled, emulator.client, assets))
