"""Third-party verifiers, built once per session, and the ledgers that they verify."""

import os
import shutil
import subprocess

import pytest

from tests.conftest import REPOSITORY, DemoRun, skip_unless_ci
from tests.interop.go_tools import GO_MODULE, GoTools
from tests.interop.published_ledger import PublishedLedger, publish

BUILD_SECONDS = 900  # the first build downloads the modules

# Of a size that has full tiles on two levels and partial ones on three.
GENERATED_SIZE = 65_536 + 300


@pytest.fixture(scope="session")
def go_tools() -> GoTools:
    """Build the Go programs from pinned modules; skip if Go is missing, except on CI."""
    go = shutil.which("go") or ""
    if not go:
        skip_unless_ci("no go on this machine: Go's verifiers do not verify the ledger")
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


@pytest.fixture(scope="session", params=["generated", "st-elsewhere", "riverside-lab"])
def ledger(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> PublishedLedger:
    """Return a published ledger: a large generated one, and both of the demo."""
    if request.param == "generated":
        return publish(tmp_path_factory.mktemp("ledger"), GENERATED_SIZE)
    demo: DemoRun = request.getfixturevalue("demo")
    assert demo.exit_status == 0, demo.output
    folder = demo.build / "published" / request.param
    return PublishedLedger(folder, demo.build / f"{request.param}.policy")
