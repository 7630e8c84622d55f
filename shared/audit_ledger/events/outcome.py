"""How an event ended: success, failure or unknown. All readers use this one rule.

| outcome (R4; R5)              | result  |
|-------------------------------|---------|
| 0; success, information       | SUCCESS |
| 4, 8, 12; warning, error, fatal | FAILURE |
| another code, or none; both of the above | UNKNOWN |

R4's 4 is a minor failure: "the action was not successful". HL7's map between the releases, which
`fhir_versions` follows, pairs it with R5's `warning`, so that both are failures. A code counts
only without a system or with one of FHIR's: in another system `4` may mean anything.
"""

from enum import Enum
from typing import Final

from audit_ledger.events.codings import Coded
from audit_ledger.events.event_details import EventDetails
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


class EventOutcome(Enum):
    """The result of an event."""

    SUCCESS = "success"
    FAILURE = "failure"
    UNKNOWN = "unknown"


def event_outcome(details: EventDetails) -> EventOutcome:
    """Return how an event ended; UNKNOWN if it has no outcome, or one that FHIR does not define.

    The type of a CloudEvent states it too: `record.viewed` succeeded and `record.view.denied`
    failed; the result is unknown for another last word (`record.order.cancelled`).
    """
    severities = [severity_of(coded.system, coded.code) for coded in details.outcome]
    known = {severity > 0 for severity in severities if severity is not None}
    if len(known) == 1:
        return EventOutcome.FAILURE if known.pop() else EventOutcome.SUCCESS
    if details.outcome or details.outcome_text:
        return EventOutcome.UNKNOWN
    return next((_by_type(c.code) for c in details.types if _is_record(c)), EventOutcome.UNKNOWN)


def _is_record(coded: Coded) -> bool:
    return not coded.system and coded.code.startswith("record.")


def _by_type(type_: str) -> EventOutcome:
    word = type_.rpartition(".")[2].lower()
    if word in REFUSED_WORDS:
        return EventOutcome.FAILURE
    return EventOutcome.SUCCESS if word in ACTION_OF_WORD else EventOutcome.UNKNOWN


def severity_of(system: str, code: str) -> int | None:
    """Return the severity of an outcome's code, 0 to 3; None if FHIR does not define the code."""
    return SEVERITIES.get(code) if system in _SYSTEMS else None
