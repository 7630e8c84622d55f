"""The API of one ledger: views are read through it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.cloud import local_cloud
from tests.query.ledger_api import LedgerApi


@pytest.fixture
def ledger_api(assembly: Path) -> Iterator[LedgerApi]:
    """An empty ledger of one test, in which IAM must refuse nothing."""
    with local_cloud(assembly) as cloud:
        yield LedgerApi(cloud)
        assert cloud.permissions.refusals == []
