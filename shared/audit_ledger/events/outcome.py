"""How an event ended: it succeeded, it failed, or that is not known. One rule for every reader.

| outcome (R4; R5)              | ended   |
|-------------------------------|---------|
| 0; success, information       | SUCCESS |
| 4, 8, 12; warning, error, fatal | FAILURE |
| another code, or none; both of the above | UNKNOWN |

R4's 4 is a minor failure: "the action was not successful". HL7's map between the releases, which
our own conversions follow, pairs it with R5's `warning`, so that both are failures. A code counts
only without a system or with one of FHIR's: of another system `4` may mean anything.
"""

from enum import Enum
from typing import Final

from audit_ledger.events.event_details import Coded, EventDetails
from audit_ledger.events.record_event import ACTION_OF_WORD, REFUSED_WORDS

_SYSTEMS: Final = frozenset(
    {
        "",  # R4's element is a code
        "http://terminology.hl7.org/CodeSystem/audit-event-outcome",
        "http://hl7.org/fhir/audit-event-outcome",  # before R4
        "http://hl7.org/fhir/issue-severity",
    }
)
SEVERITIES: Final = {
    "0": 0,
    "success": 0,
    "information": 0,
    "4": 1,
    "warning": 1,
    "8": 2,
    "error": 2,
    "12": 3,
    "fatal": 3,
}
"""0: none; 1 to 3: a minor, serious or major failure."""


class Ended(Enum):
    """How an event ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    UNKNOWN = "unknown"


def ended(details: EventDetails) -> Ended:
    """Say how an event ended. UNKNOWN where it does not say, or says what FHIR does not define.

    A CloudEvent `record.viewed` tells by its type that it was done, `record.view.denied` that it
    was not; of another last word (`record.order.cancelled`) that is not known.
    """
    severities = [severity_of(coded.system, coded.code) for coded in details.outcome]
    known = {severity > 0 for severity in severities if severity is not None}
    if len(known) == 1:
        return Ended.FAILURE if known.pop() else Ended.SUCCESS
    if details.outcome or details.outcome_text:
        return Ended.UNKNOWN
    return next((_by_type(c.code) for c in details.types if _is_record(c)), Ended.UNKNOWN)


def _is_record(coded: Coded) -> bool:
    return not coded.system and coded.code.startswith("record.")


def _by_type(type_: str) -> Ended:
    word = type_.rpartition(".")[2].lower()
    if word in REFUSED_WORDS:
        return Ended.FAILURE
    return Ended.SUCCESS if word in ACTION_OF_WORD else Ended.UNKNOWN


def severity_of(system: str, code: str) -> int | None:
    """Return the severity of an outcome's code, 0 to 3; None where FHIR does not define it."""
    return SEVERITIES.get(code) if system in _SYSTEMS else None
