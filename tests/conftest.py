"""What every test may use."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.dynamodb_server.server import NotInstalledError, install
from tests.process_setup import quicken_botocore, spare_collections
from tests.world import World, made_world

# Powertools reads these when a handler is first imported; Lambda has them before.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "test")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "AuditLedger")

REPOSITORY = Path(__file__).resolve().parent.parent
MATERIAL = REPOSITORY.parent / "shared"


# Tests that share what takes long to make: they stay on one core.
TOGETHER = {
    "tests/attacks/": "the attacked ledger",
    "tests/aws/": "a DynamoDB server",
    "tests/races/": "a DynamoDB server",
    "tests/deployed/": "the emulator",
    "tests/infra/": "templates",
    "tests/local/": "templates, deployed",
    "tests/demo/": "the demo",
    "tests/interop/": "the demo",
    "tests/cli/test_hostile_input.py": "the demo",
    "tests/test_readme.py": "the demo",
}


class BySharedSetup(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Distribute files over the cores, together those that share a long setup."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((name for start, name in TOGETHER.items() if file.startswith(start)), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> BySharedSetup:
    """Say to xdist how to share out tests (its own groups do not see marks with pytest 9.2)."""
    return BySharedSetup(config, log)


def pytest_configure() -> None:
    """Make botocore and moto quicker before any module makes a client."""
    quicken_botocore()


def pytest_collection_finish() -> None:
    """From here on, modules and tests stay until the end."""
    spare_collections()


def skip_unless_ci(reason: str) -> None:
    """Skip on a user's machine; on CI a missing prerequisite is a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"not available on CI: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Others' test vectors and real FHIR samples, beside the repository of its makers."""
    if not (MATERIAL / "vectors").is_dir():
        skip_unless_ci(f"no test material at {MATERIAL}")
    return MATERIAL


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """One ledger on moto, with the environment that its functions get."""
    with made_world(monkeypatch) as made:
        yield made


@dataclass(frozen=True)
class DemoRun:
    """What `make demo` left behind and said, of a shorter day."""

    build: Path
    exit_status: int
    output: str


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """The demo, run once for all tests that look at what it publishes."""
    build = tmp_path_factory.mktemp("demo")
    ran = subprocess.run(
        [sys.executable, "-m", "infra.demo", "--events", "1800", "--build", str(build)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    return DemoRun(build, ran.returncode, ran.stdout + ran.stderr)


@pytest.fixture(scope="session")
def dynamodb_program() -> Path:
    """The DynamoDB server's program, installed; skipped where it cannot be had, not on CI."""
    try:
        return install(REPOSITORY / "build" / "dynamodb_server")
    except NotInstalledError as error:
        skip_unless_ci(f"no DynamoDB server: {error}")
        raise
