"""The errors of the ledger. A message states what was found, what was expected and where.

No message contains an identifier or free text of an event.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

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
    "operation_outcome",
]


def operation_outcome(
    severity: Literal["fatal", "error", "warning", "information"],
    code: str,
    diagnostics: str,
    expression: str | None = None,
) -> dict[str, object]:
    """Return a FHIR OperationOutcome (the same in R4 and R5) of one issue.

    `code` is a FHIR IssueType; `expression` the FHIRPath of the fault, if it has one.
    """
    issue: dict[str, object] = {"severity": severity, "code": code, "diagnostics": diagnostics}
    if expression is not None:
        issue["expression"] = [expression]
    return {"resourceType": "OperationOutcome", "issue": [issue]}


class RefusedError(LedgerError):
    """A request that is rejected because of its content.

    `status` is the HTTP status, `code` a FHIR IssueType; `headers` are additional response headers.
    """

    status: int
    code: str = "not-supported"
    headers: Mapping[str, str] = MappingProxyType({})

    def operation_outcome(self) -> dict[str, object]:
        """Return the FHIR OperationOutcome of this error."""
        return operation_outcome("error", self.code, str(self))


class ThrottledError(LedgerError):
    """The caller exceeded its rate limit: retry after `retry_seconds`."""

    def __init__(self, retry_seconds: int) -> None:
        super().__init__(f"more requests than your limit allows: try again in {retry_seconds} s")
        self.retry_seconds = retry_seconds


class TooLargeError(LedgerError):
    """More bytes than the ledger accepts: send or request less at a time."""


class UnreachableError(LedgerError):
    """A service or file system does not do what was requested: the state of its data is unknown."""


class FrozenError(LedgerError):
    """Published history and tables disagree: nothing is written until `ledger unfreeze`."""


class LostRaceError(LedgerError):
    """Another writer was first: nothing was written; retry from the new state."""
