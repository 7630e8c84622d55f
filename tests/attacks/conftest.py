"""The ledger under attack, made once for all tests here."""

from collections.abc import Iterator

import pytest

from tests.attacks.ledger import Ledger, made_ledger


@pytest.fixture(scope="package")
def made() -> Iterator[Ledger]:
    """The ledger; whoever attacks it renews it before."""
    with made_ledger() as ledger:
        yield ledger


@pytest.fixture
def ledger(made: Ledger) -> Ledger:
    """The ledger, whole."""
    made.renew()
    return made
