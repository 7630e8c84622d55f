"""The API of one ledger: a new one for each test, or one that the tests of a module share."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.local.cloud import local_cloud
from tests.builders.audit_event import audit_event_samples
from tests.query.ledger_api import LedgerApi
from tests.query.report_api import deployed_report_api


@contextmanager
def deployed_ledger_api(assembly: Path) -> Iterator[LedgerApi]:
    """Deploy two ledgers; afterwards, check that no call of a function was refused."""
    with local_cloud(assembly) as cloud:
        yield LedgerApi(cloud)
        assert cloud.permissions.refusals == []


def with_samples(api: LedgerApi, shared_dir: Path) -> LedgerApi:
    """Send all samples to a ledger, and publish it."""
    for path in audit_event_samples(shared_dir):
        api.send(path.read_bytes())
    api.settle()
    return api


@pytest.fixture
def ledger_api(assembly: Path) -> Iterator[LedgerApi]:
    """An empty ledger of one test."""
    with deployed_ledger_api(assembly) as api:
        yield api


@pytest.fixture(scope="module")
def module_api(assembly: Path) -> Iterator[LedgerApi]:
    """A ledger that the tests of a module share: they only read it."""
    with deployed_ledger_api(assembly) as api:
        yield api


@pytest.fixture(scope="module")
def samples_api(module_api: LedgerApi, shared_dir: Path) -> LedgerApi:
    """The ledger of the module, with all samples."""
    return with_samples(module_api, shared_dir)


@pytest.fixture(scope="module")
def report_api() -> Iterator[LedgerApi]:
    """Empty ledgers that report differently; the tests of a module share them."""
    with deployed_report_api() as api:
        yield api


@pytest.fixture(scope="module")
def report_samples_api(report_api: LedgerApi, shared_dir: Path) -> LedgerApi:
    """Ledgers that report differently; the first contains all samples."""
    return with_samples(report_api, shared_dir)
