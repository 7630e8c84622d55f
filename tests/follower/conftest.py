"""The API of one ledger, as in the tests of query: views are read through it."""

from tests.query.conftest import ledger_api

__all__ = ["ledger_api"]
