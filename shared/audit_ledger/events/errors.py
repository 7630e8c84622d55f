"""The errors of rejected events: where, and what was expected there; never the content."""

from typing import Literal

from audit_ledger.errors import RefusedError, operation_outcome

IssueType = Literal[
    "structure",  # not JSON, or JSON of another shape
    "required",  # an element that the specification requires is missing
    "value",  # an element's value is not of its type
    "invalid",  # well formed, but contradicts itself
    "duplicate",
    "not-supported",
    "too-long",
    "too-costly",
]


class RejectedEventError(RefusedError):
    """Rejection of an event, or of a whole request.

    `status` is the HTTP status (400, 413, 415 or 422), `code` a FHIR IssueType, `expression` the
    FHIRPath of the fault, e.g. `Bundle.entry[3].resource.recorded`. The message states what is
    expected there and never repeats the content.
    """

    def __init__(self, status: int, code: IssueType, expression: str, expectation: str) -> None:
        super().__init__(f"{expression}: expected {expectation}")
        self.status = status
        self.code = code
        self.expression = expression
        self.expectation = expectation

    def operation_outcome(self) -> dict[str, object]:
        """Return the FHIR OperationOutcome of this error."""
        return operation_outcome(
            "error", self.code, f"expected {self.expectation}", self.expression
        )
