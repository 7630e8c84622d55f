"""The error of a rejected search: the parameter, and what is expected there."""

from audit_ledger.errors import RefusedError
from audit_ledger.events.errors import IssueType


class RejectedSearchError(RefusedError):
    """A search that is rejected as a whole.

    `parameter` is its name, `code` a FHIR IssueType, `status` the HTTP status (400, 406, 413 or
    414). The message states what is expected there and never repeats a value.
    """

    def __init__(
        self, parameter: str, expectation: str, code: IssueType = "value", status: int = 400
    ) -> None:
        super().__init__(f"{parameter}: expected {expectation}")
        self.status = status
        self.code: IssueType = code
        self.parameter = parameter
        self.expectation = expectation
