"""Environments of commands: a published ledger, a stub of the API, and the API of a local cloud."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from audit_ledger.client import http_client
from infra.local.cloud import LocalCloud, local_cloud
from tests.assemblies import synthesized
from tests.cli.asking import Asker, make_asker
from tests.cli.ledger_command import Desk, make_desk
from tests.cli.local_api import LEDGER, LEDGERS, Person
from tests.cli.stub_server import StubServer, stub_server


@pytest.fixture
def desk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Desk:
    """A fresh ledger, its policy, and nothing remembered."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("AUDIT_LEDGER_TOKEN", raising=False)
    return make_desk(tmp_path, capsys)


@pytest.fixture
def stub() -> Iterator[StubServer]:
    """A server that answers as a test says."""
    with stub_server() as made:
        yield made


@pytest.fixture
def asker(
    stub: StubServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Asker:
    """Asks the stub, and pauses for no time."""
    made = make_asker(tmp_path, capsys, monkeypatch)
    made.url = stub.url
    return made


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """One ledger, whose tests only add to it."""
    with local_cloud(synthesized({"ledgers": LEDGERS})) as running:
        yield running


@pytest.fixture
def person(
    cloud: LocalCloud,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Person:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(http_client, "sleep", lambda _: None)
    return Person(cloud, capsys)


@pytest.fixture
def policy(cloud: LocalCloud, person: Person) -> Path:
    Path("policy").write_bytes(cloud.policy(LEDGER))
    return Path("policy")
