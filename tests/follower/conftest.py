"""The same stage as query's: what is followed is asked for there."""

from tests.query.conftest import stage

__all__ = ["stage"]
