"""Other people's verifiers, built once per session, and the ledgers that they are given."""

import os
import shutil
import subprocess

import pytest

from tests.conftest import REPOSITORY, DemoRun, skip_unless_ci
from tests.interop.go_tools import GO_MODULE, GoTools
from tests.interop.published_ledger import PublishedLedger, publish

BUILD_SECONDS = 900  # the first build downloads the modules

# Of a size that has full tiles on two levels and partial ones on three.
MADE_HERE_SIZE = 65_536 + 300


@pytest.fixture(scope="session")
def go_tools() -> GoTools:
    """The Go programs, built from pinned modules; skipped where Go is missing, not on CI."""
    go = shutil.which("go") or ""
    if not go:
        skip_unless_ci("no go on this machine: the ledger is not shown to Go's verifiers")
    folder = REPOSITORY / "build" / "interop"
    folder.mkdir(parents=True, exist_ok=True)
    built = subprocess.run(
        [go, "build", "-o", f"{folder}{os.sep}", "./...", "tool"],
        cwd=GO_MODULE,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    if built.returncode:
        pytest.fail(f"the Go programs do not build:\n{built.stderr}")
    return GoTools(go, folder)


@pytest.fixture(scope="session", params=["made here", "st-elsewhere", "riverside-lab"])
def ledger(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> PublishedLedger:
    """A published ledger: a large one made here, and both that the demo published."""
    if request.param == "made here":
        return publish(tmp_path_factory.mktemp("ledger"), MADE_HERE_SIZE)
    demo: DemoRun = request.getfixturevalue("demo")
    assert demo.exit_status == 0, demo.output
    folder = demo.build / "published" / request.param
    return PublishedLedger(folder, demo.build / f"{request.param}.policy")
