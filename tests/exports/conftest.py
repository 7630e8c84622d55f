"""A published ledger of the samples."""

from pathlib import Path

import pytest

from tests.exports.exported import SampleLedger, sample_ledger


@pytest.fixture(scope="session")
def ledger(shared_dir: Path) -> SampleLedger:
    """The samples in a published ledger."""
    return sample_ledger(shared_dir)
