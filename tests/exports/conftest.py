"""What the tests of exports share."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.exports.exported import SampleLedger, sample_ledger

# Property tests say what holds, not how fast this machine is just now.
settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def ledger(shared_dir: Path) -> SampleLedger:
    """The samples in a published ledger."""
    return sample_ledger(shared_dir)
