"""Environments of commands: a published ledger, a stub of the API, and the API of a local cloud."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import requests

from audit_ledger.client import http_client
from infra.local.cloud import LocalCloud, local_cloud
from tests.assemblies import synthesized
from tests.cli.api_user import LEDGER, LEDGERS, ApiUser, event
from tests.cli.published_ledger import Workspace, make_workspace
from tests.cli.stub_ledger import StubLedger
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
    with stub_server() as server:
        yield server


@pytest.fixture
def runner(
    stub: StubServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> StubbedCommand:
    """Runs commands against the stub, without pauses."""
    command = make_stubbed_command(tmp_path, capsys, monkeypatch)
    command.url = stub.url
    return command


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """A local cloud with one ledger, to which tests only add."""
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


@pytest.fixture(scope="module")
def accessed_patient(cloud: LocalCloud) -> str:
    """A patient with three published accesses, which the tests of a module share."""
    patient = f"Patient/{uuid4()}"
    token = cloud.tokens.portal(LEDGER, "ehr")
    for number in range(3):
        recorded = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        response = requests.post(
            f"{cloud.url}/AuditEvent",
            json=event(number, recorded=recorded, entity=[{"what": {"reference": patient}}]),
            headers={"authorization": f"Bearer {token}", "content-type": "application/fhir+json"},
            timeout=60,
        )
        assert response.status_code == 201, response.text
    cloud.drain()
    cloud.publish()
    return patient


@pytest.fixture
def officer(user: ApiUser, accessed_patient: str) -> ApiUser:
    """A security officer, with the patient whose record was accessed."""
    user.patient = accessed_patient
    return user


@pytest.fixture
def ledger(stub: StubServer) -> StubLedger:
    """A ledger behind the stub server: it accepts events as the API does."""
    stub_ledger = StubLedger()
    stub.respond = stub_ledger.answer
    return stub_ledger
