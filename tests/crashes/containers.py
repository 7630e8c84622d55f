"""Containers of the functions, as many as a test needs, and the platform around them."""

from functools import cache
from types import ModuleType
from typing import Any

import pytest

from audit_ledger.aws.clients import AwsError
from audit_ledger.errors import LedgerError
from functions.dead_letters import handler as dead_letters
from functions.ingest import handler as ingest
from functions.publisher import handler as publishing
from functions.sequencer import handler as sequencing
from tests.crashes.faults import Killed
from tests.functions.pipeline import Context
from tests.functions.publishing import Clock

CONTEXT: Any = Context()
HANDLERS: dict[str, tuple[ModuleType, str]] = {
    "ingest": (ingest, "acceptor"),
    "sequencer": (sequencing, "sequencer"),
    "publisher": (publishing, "publisher"),
    "dead_letters": (dead_letters, "objects"),
}
ANSWERED_WITH_AN_ERROR = "error"
KILLED = "killed"


class Container:
    """One container of a function: it has its warm state until it is killed."""

    def __init__(self, function: str) -> None:
        self._module, self._name = HANDLERS[function]
        self._made = self._fresh()
        self.died = ""

    def __call__(self, event: dict[str, Any]) -> Any:
        """Run the handler; return None if it raised an error or was killed: see `died`.

        A container whose handler raised is used again; one that was killed lost its warm state.
        """
        setattr(self._module, self._name, self._made)
        self.died = ""
        try:
            return self._module.handler(event, CONTEXT)
        except Killed:
            self._made = self._fresh()
            self.died = KILLED
        except (*AwsError, LedgerError):
            self.died = ANSWERED_WITH_AN_ERROR
        return None

    def _fresh(self) -> Any:
        return cache(getattr(self._module, self._name).__wrapped__)


def separate_containers(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Restore the handlers when the test ends; return the clock that all containers read."""
    clock = Clock()
    for module, name in HANDLERS.values():
        monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.setattr(dead_letters, "_s3", cache(dead_letters._s3.__wrapped__))
    for module in (publishing, sequencing, dead_letters):
        monkeypatch.setattr(module, "time", clock)
    return clock
