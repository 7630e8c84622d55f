"""Tokens of elements with a required value set: a code that no event can have is refused.

It would find nothing, and an empty page would look like a result: `action=read` instead of `R`, or
`outcome=failure` instead of `4,8,12`.
"""

from typing import Final

from audit_ledger.search.criteria import Token
from audit_ledger.search.errors import RejectedSearchError
from audit_ledger.search.values import parse_token

ACTION_SYSTEM: Final = "http://hl7.org/fhir/audit-event-action"
OUTCOME_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/audit-event-outcome"
R4_OUTCOMES: Final = ("0", "4", "8", "12")  # AuditEvent.outcome, which has them without a system
R5_OUTCOMES: Final = ("success", "information", "warning", "error", "fatal")
SEVERITY_SYSTEM: Final = "http://hl7.org/fhir/issue-severity"

_ACTIONS: Final = ("C", "R", "U", "D", "E")
_ACTION_FORM: Final = "C (create), R (read), U (update), D (delete) or E (execute)"
_OUTCOME_FORM: Final = (
    "0, 4, 8 or 12 (R4; not 0 is a failure), or success, information, warning, error or fatal (R5)"
)
_OUTCOMES: Final = {
    None: (*R4_OUTCOMES, *R5_OUTCOMES),
    "": (*R4_OUTCOMES, *R5_OUTCOMES),
    OUTCOME_SYSTEM: R4_OUTCOMES,
    SEVERITY_SYSTEM: R5_OUTCOMES,
}


def parse_action(parameter: str, text: str) -> Token:
    """Read a code of AuditEvent.action (required binding)."""
    token = parse_token(parameter, text)
    if token.system not in (None, "", ACTION_SYSTEM) or token.code not in (None, *_ACTIONS):
        raise RejectedSearchError(parameter, _ACTION_FORM)
    return token


def parse_outcome(parameter: str, text: str) -> Token:
    """Read an outcome: R4's (required binding), R5's, or a code of a system of the sender's own."""
    token = parse_token(parameter, text)
    codes = _OUTCOMES.get(token.system)
    if codes is not None and token.code not in (None, *codes):
        raise RejectedSearchError(parameter, _OUTCOME_FORM)
    return token
