"""The ledger under attack, made once for the matrix; and a small one for each other test."""

from collections.abc import Iterator

import pytest

from tests.attacks.asking import asked, clock
from tests.attacks.ledger import AttackedLedger, made_ledger

__all__ = ["asked", "clock", "ledger", "made"]


@pytest.fixture(scope="module")  # moto is one a process: the next module has a world of its own
def made() -> Iterator[AttackedLedger]:
    """The ledger; whoever attacks it renews it before."""
    with made_ledger() as ledger:
        yield ledger


@pytest.fixture
def ledger(made: AttackedLedger) -> AttackedLedger:
    """The ledger, whole."""
    made.renew()
    return made
