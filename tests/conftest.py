"""What every test may use."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.assemblies import LEDGERS, RUN_FOLDER, locked, run_folder, synthesized
from tests.dynamodb_server.server import NotInstalledError, install
from tests.process_setup import quicken_botocore, spare_collections
from tests.world import World, made_world

# Powertools reads these when a handler is first imported; Lambda has them before.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "test")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "AuditLedger")

REPOSITORY = Path(__file__).resolve().parent.parent
MATERIAL = REPOSITORY.parent / "shared"


# Tests that use the demo stay on one core, which runs it once.
OF_THE_DEMO = (
    "tests/demo/",
    "tests/interop/",
    "tests/cli/test_hostile_input.py",
    "tests/test_readme.py",
)
# What takes longest starts first, so that no core is left with a long file at the end.
LONGEST_FIRST = (
    "tests/races/test_any_interleaving.py",
    "tests/crashes/test_every_call.py",
    "tests/query/test_search_samples.py",
    "tests/recovery/",
    "tests/query/",
    "tests/follower/",
    "tests/journeys/",
    *OF_THE_DEMO,
    "tests/races/",
    "tests/crashes/",
    "tests/attacks/",
    "tests/infra/",
    "tests/local/",
    "tests/functions/",
    "tests/aws/",
    "tests/cli/",
)


class LongestFirst(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Distribute files over the cores in the order of the collected tests."""

    def __init__(self, config: pytest.Config, log: object) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # else the file with most tests is first

    def _split_scope(self, nodeid: str) -> str:
        return "the demo" if nodeid.startswith(OF_THE_DEMO) else nodeid.partition("::")[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first."""

    def place(item: pytest.Item) -> int:
        matching = (i for i, start in enumerate(LONGEST_FIRST) if item.nodeid.startswith(start))
        return next(matching, len(LONGEST_FIRST))

    items.sort(key=place)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LongestFirst:
    """Return the scheduler that xdist uses (its own groups do not see marks with pytest 9.2)."""
    return LongestFirst(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Make botocore and moto quicker before any module makes a client; set up Hypothesis."""
    quicken_botocore()
    hypothesis.settings.register_profile("untimed", deadline=None)  # facts, not speed, are tested
    hypothesis.settings.load_profile("untimed")
    if not hasattr(config, "workerinput"):  # a worker has its folder from who started it
        folder = os.environ[RUN_FOLDER] = mkdtemp(prefix="audit-ledger-tests-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


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


@pytest.fixture(scope="session")
def assembly() -> Path:
    """The app of cdk.json with the two ledgers `north` and `south` instead of its own."""
    return synthesized({"ledgers": LEDGERS})


@dataclass(frozen=True)
class DemoRun:
    """What `make demo` left behind and said, of a shorter day."""

    build: Path
    exit_status: int
    output: str


@pytest.fixture(scope="session")
def demo() -> DemoRun:
    """Run the demo once for all processes of this run; its files are not to be changed."""
    build = run_folder() / "demo"
    output = run_folder() / "demo.json"
    with locked("demo"):
        if not output.is_file():
            ran = subprocess.run(
                [sys.executable, "-m", "infra.demo", "--events", "1800", "--build", str(build)],
                cwd=REPOSITORY,
                capture_output=True,
                text=True,
                check=False,
                timeout=600,
            )
            output.write_text(json.dumps([ran.returncode, ran.stdout + ran.stderr]))
    return DemoRun(build, *json.loads(output.read_text()))


@pytest.fixture(scope="session")
def dynamodb_program() -> Path:
    """The DynamoDB server's program, installed; skipped where it cannot be had, not on CI."""
    try:
        with locked("dynamodb_server"):
            return install(REPOSITORY / "build" / "dynamodb_server")
    except NotInstalledError as error:
        skip_unless_ci(f"no DynamoDB server: {error}")
        raise
