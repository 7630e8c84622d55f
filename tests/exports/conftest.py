"""What the tests of exports share."""

from pathlib import Path

import pytest

from tests.exports.exported import SampleLedger, sample_ledger

# Property tests say what holds, not how fast this machine is just now.


@pytest.fixture(scope="session")
def ledger(shared_dir: Path) -> SampleLedger:
    """The samples in a published ledger."""
    return sample_ledger(shared_dir)
