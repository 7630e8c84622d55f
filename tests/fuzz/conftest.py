"""The real app with two ledgers, once for each module that asks it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.cloud import LocalCloud
from tests.fuzz.api_cases import PublishedCloud, published_cloud


@pytest.fixture(scope="module")
def published(assembly: Path) -> Iterator[PublishedCloud]:
    """Deployed and served on loopback; a module's tests add to it and change nothing."""
    with published_cloud(assembly) as published:
        yield published


@pytest.fixture(scope="module")
def cloud(published: PublishedCloud) -> LocalCloud:
    """The same, for those who need not know what is in it."""
    return published.cloud
