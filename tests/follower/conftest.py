"""The same stage as query's: what is followed is asked for there."""

from tests.query.conftest import assembly, stage

__all__ = ["assembly", "stage"]
