"""Every error of the ledger. A message says what was found, what was expected and where.

No message ever carries an identifier or free text of an event.
"""

from collections.abc import Mapping
from types import MappingProxyType

from audit_ledger.tlog.errors import FormatError, LedgerError, NotFoundError, VerificationError

__all__ = [
    "FormatError",
    "FrozenError",
    "LedgerError",
    "LostRaceError",
    "NotFoundError",
    "RefusedError",
    "ThrottledError",
    "TooLargeError",
    "UnreachableError",
    "VerificationError",
]


class RefusedError(LedgerError):
    """A request that is refused for what it says.

    `status` is the HTTP status; `headers` are further ones of the answer.
    """

    status: int
    headers: Mapping[str, str] = MappingProxyType({})

    def operation_outcome(self) -> dict[str, object]:
        """Return the FHIR OperationOutcome that answers this."""
        raise NotImplementedError


class ThrottledError(LedgerError):
    """Who asks has sent more than its limit allows: all is well again after `retry_seconds`."""

    def __init__(self, retry_seconds: int) -> None:
        super().__init__(f"more requests than your limit allows: try again in {retry_seconds} s")
        self.retry_seconds = retry_seconds


class TooLargeError(LedgerError):
    """More bytes than the ledger takes: ask for less at a time."""


class UnreachableError(LedgerError):
    """A place that should answer does not: nothing can be said about what it holds."""


class FrozenError(LedgerError):
    """Published history and tables disagree: nothing is written until a command lifts it."""


class LostRaceError(LedgerError):
    """Another writer was first: nothing was written; try again from the new state."""
