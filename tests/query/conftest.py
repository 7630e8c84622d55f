"""The API of one ledger: a new one for each test, or one with all samples for a module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.cloud import local_cloud
from tests.builders.audit_event import audit_event_samples
from tests.query.ledger_api import LedgerApi


@pytest.fixture(scope="module")
def samples_api(assembly: Path, shared_dir: Path) -> Iterator[LedgerApi]:
    """A ledger that contains the samples; tests of a module share it, and only read."""
    with local_cloud(assembly) as cloud:
        api = LedgerApi(cloud)
        for path in audit_event_samples(shared_dir):
            api.send(path.read_bytes())
        api.settle()
        yield api
        assert cloud.permissions.refusals == []


@pytest.fixture
def ledger_api(assembly: Path) -> Iterator[LedgerApi]:
    """An empty ledger of one test."""
    with local_cloud(assembly) as cloud:
        yield LedgerApi(cloud)
