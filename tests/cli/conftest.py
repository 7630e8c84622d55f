"""Environments of commands: a published ledger, a stub of the API, and the API of a local cloud."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from audit_ledger.client import http_client
from infra.local.cloud import LocalCloud, local_cloud
from tests.assemblies import synthesized
from tests.cli.api_user import LEDGER, LEDGERS, ApiUser
from tests.cli.published_ledger import Workspace, make_workspace
from tests.cli.stub_server import StubServer, stub_server
from tests.cli.stubbed_command import StubbedCommand, make_stubbed_command


@pytest.fixture
def workspace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Workspace:
    """A fresh ledger, its policy, and no remembered checkpoint."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("AUDIT_LEDGER_TOKEN", raising=False)
    return make_workspace(tmp_path, capsys)


@pytest.fixture
def stub() -> Iterator[StubServer]:
    """A server that responds as a test sets."""
    with stub_server() as made:
        yield made


@pytest.fixture
def runner(
    stub: StubServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> StubbedCommand:
    """Runs commands against the stub, without pauses."""
    made = make_stubbed_command(tmp_path, capsys, monkeypatch)
    made.url = stub.url
    return made


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """One ledger, whose tests only add to it."""
    with local_cloud(synthesized({"ledgers": LEDGERS})) as running:
        yield running


@pytest.fixture
def user(
    cloud: LocalCloud,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> ApiUser:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(http_client, "sleep", lambda _: None)
    return ApiUser(cloud, capsys)


@pytest.fixture
def policy(cloud: LocalCloud, user: ApiUser) -> Path:
    Path("policy").write_bytes(cloud.policy(LEDGER))
    return Path("policy")
