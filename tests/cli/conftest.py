"""Where commands are tried: a desk with a published ledger, an asker with a server to ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.asking import Asker, make_asker
from tests.cli.ledger_command import Desk, make_desk
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
