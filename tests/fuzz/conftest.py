"""The deployed app with two ledgers, once for each module that uses it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.cloud import LocalCloud
from tests.fuzz.api_cases import PublishedCloud, published_cloud


@pytest.fixture(scope="module")
def published(assembly: Path) -> Iterator[PublishedCloud]:
    """Deploy and serve it on loopback; a module's tests add events and change nothing else."""
    with published_cloud(assembly) as published:
        yield published


@pytest.fixture(scope="module")
def cloud(published: PublishedCloud) -> LocalCloud:
    """Return the same app, for tests that need no event of it."""
    return published.cloud
