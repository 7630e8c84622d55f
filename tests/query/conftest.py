"""One stage with all samples for tests that only ask; another for those that write."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.cloud import local_cloud
from tests.builders.audit_event import audit_event_samples
from tests.query.stage import Stage, send_samples


@pytest.fixture(scope="module")
def asked(assembly: Path, shared_dir: Path) -> Iterator[Stage]:
    """A ledger that holds the samples; tests of a module share it."""
    with local_cloud(assembly) as cloud:
        stage = Stage(cloud)
        send_samples(stage, audit_event_samples(shared_dir))
        yield stage
        assert cloud.permissions.refusals == []


@pytest.fixture
def stage(assembly: Path) -> Iterator[Stage]:
    """An empty ledger of one test."""
    with local_cloud(assembly) as cloud:
        yield Stage(cloud)
