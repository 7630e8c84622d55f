"""The OCSF class, activity and outcome of an event.

| the event's types and subtypes (the first that matches)        | class                     |
|----------------------------------------------------------------|---------------------------|
| DICOM 110114 User Authentication, 110122 Login, 110123 Logout,  | Authentication (3002)     |
| 110126 Node Authentication                                     |                           |
| DICOM events about data: 110101 to 110112 but Application       | Datastore Activity (6005) |
| Activity and Network Entry; a record's life cycle (ISO 21089);  |                           |
| CloudEvents `record.…`                                         |                           |
| FHIR RESTful interactions, and all others                      | API Activity (6003)       |

| action       | Datastore                             | API                                       |
|--------------|---------------------------------------|-------------------------------------------|
| C, R, U, D   | Create, Read, Update, Delete          | the same                                  |
| E, or none   | Query (110112)                        | Read (search, history, capabilities)      |
| else         | Other (E), Unknown (none)             | the same                                  |

Authentication: Logon (110122), Logoff (110123), else Other.

| outcome (R4, R5)         | status  | severity      |
|--------------------------|---------|---------------|
| 0, success, information  | Success | Informational |
| 4, warning               | Failure | Low           |
| 8, error                 | Failure | Medium        |
| 12, fatal                | Failure | High          |
| another code             | Other   | Unknown       |
| none                     | Unknown | Unknown       |

FHIR's own map from R4 to R5 has the same pairs.
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

import msgspec

from audit_ledger.events.code_systems import DICOM, LIFECYCLE, RESTFUL
from audit_ledger.events.codings import Coded
from audit_ledger.events.event_details import EventDetails
from audit_ledger.events.outcome import EventOutcome, event_outcome, severity_of

_LIFE_CYCLES: Final = (LIFECYCLE, "http://hl7.org/fhir/iso-21089-lifecycle")
_LOGIN, _LOGOUT, _QUERY = "110122", "110123", "110112"
_AUTHENTICATION: Final = {"110114", _LOGIN, _LOGOUT, "110126"}
_DATA: Final = {
    "110101",  # Audit Log Used
    "110102",  # Begin Transferring DICOM Instances
    "110103",  # DICOM Instances Accessed
    "110104",  # DICOM Instances Transferred
    "110105",  # DICOM Study Deleted
    "110106",  # Export
    "110107",  # Import
    "110109",  # Order Record
    "110110",  # Patient Record
    "110111",  # Procedure Record
    _QUERY,
}
_READING: Final = ("search", "history", "capabilities", "read", "vread")


class OcsfClass(IntEnum):
    """OCSF classes; the thousands are their category."""

    AUTHENTICATION = 3002
    API_ACTIVITY = 6003
    DATASTORE_ACTIVITY = 6005


CLASS_NAMES: Final = {
    OcsfClass.AUTHENTICATION: "Authentication",
    OcsfClass.API_ACTIVITY: "API Activity",
    OcsfClass.DATASTORE_ACTIVITY: "Datastore Activity",
}
CATEGORY_NAMES: Final = {3: "Identity & Access Management", 6: "Application Activity"}
SEVERITIES: Final = ("Unknown", "Informational", "Low", "Medium", "High")
STATUSES: Final = {0: "Unknown", 1: "Success", 2: "Failure"}
_STATUS_OF: Final = {EventOutcome.SUCCESS: 1, EventOutcome.FAILURE: 2}

_OTHER: Final = 99
_UNKNOWN: Final = (0, "Unknown")
_API_ACTIVITIES: Final = {
    "C": (1, "Create"),
    "R": (2, "Read"),
    "U": (3, "Update"),
    "D": (4, "Delete"),
}
_DATASTORE_ACTIVITIES: Final = {
    "C": (6, "Create"),
    "R": (1, "Read"),
    "U": (2, "Update"),
    "D": (7, "Delete"),
}


class OcsfActivity(msgspec.Struct, frozen=True, gc=False):
    """Class, activity and operation of an event, as numbers and names of OCSF."""

    class_uid: OcsfClass
    activity_id: int
    activity_name: str
    operation: str


class OcsfOutcome(msgspec.Struct, frozen=True, gc=False):
    """The outcome. `code` is the event's own, None if it has none."""

    status_id: int
    status: str
    severity_id: int
    code: str | None


def classify(details: EventDetails) -> OcsfActivity:
    """Return class and activity of an event, by the tables of this module."""
    codes = (*details.types, *details.subtypes)
    dicom = {c.code for c in codes if c.system == DICOM}
    operation = _operation(details)
    if dicom & _AUTHENTICATION:
        activity = _authentication_activity(dicom, operation)
        return OcsfActivity(OcsfClass.AUTHENTICATION, *activity, operation)
    if dicom & _DATA or _is_of_life_cycle(codes) or _is_record_event(details):
        query = (4, "Query") if _QUERY in dicom else None
        activity = _activity(details.action, _DATASTORE_ACTIVITIES, query, operation)
        return OcsfActivity(OcsfClass.DATASTORE_ACTIVITY, *activity, operation)
    is_reading = any(c.system == RESTFUL and c.code.startswith(_READING) for c in codes)
    reading = _API_ACTIVITIES["R"] if is_reading else None
    activity = _activity(details.action, _API_ACTIVITIES, reading, operation)
    return OcsfActivity(OcsfClass.API_ACTIVITY, *activity, operation)


def outcome_of(details: EventDetails) -> OcsfOutcome:
    """Return the outcome as in `events.outcome`; of several codes, the worst."""
    if not details.outcome:
        return OcsfOutcome(0, STATUSES[0], 0, None)
    end = event_outcome(details)
    if end is EventOutcome.UNKNOWN:
        coded = details.outcome[0]
        return OcsfOutcome(_OTHER, coded.display or coded.token, 0, coded.code)
    codes = [(severity_of(c.system, c.code), c.code) for c in details.outcome]
    severity, code = max(((s, c) for s, c in codes if s is not None), default=(0, None))
    status_id = _STATUS_OF[end]
    return OcsfOutcome(status_id, STATUSES[status_id], 1 + severity, code)


def is_read_by_rest(details: EventDetails) -> bool:
    """Return whether it is a FHIR read, whose source is the server (BALP, Read)."""
    codes = (*details.types, *details.subtypes)
    return details.action == "R" and any(c.system == RESTFUL for c in codes)


def _operation(details: EventDetails) -> str:
    """Return the interaction (`vread`), else the display of the most specific code."""
    for coded in (*details.subtypes, *details.types):
        if coded.system == RESTFUL:
            return coded.code
    for coded in (*details.subtypes, *details.types):
        return coded.display or coded.code
    return "Unknown"


def _authentication_activity(dicom: set[str], operation: str) -> tuple[int, str]:
    if _LOGIN in dicom:
        return 1, "Logon"
    if _LOGOUT in dicom:
        return 2, "Logoff"
    return _OTHER, operation


def _activity(
    action: str | None,
    by_action: dict[str, tuple[int, str]],
    without: tuple[int, str] | None,
    operation: str,
) -> tuple[int, str]:
    """Return the activity of an action; `without`: of an event without one of these actions."""
    if action in by_action:
        return by_action[action]
    if without is not None:
        return without
    return _UNKNOWN if action is None else (_OTHER, operation)


def _is_of_life_cycle(codes: Iterable[Coded]) -> bool:
    return any(c.system in _LIFE_CYCLES for c in codes)


def _is_record_event(details: EventDetails) -> bool:
    """Return whether it is a CloudEvent about a document."""
    return any(not c.system and c.code.startswith("record.") for c in details.types)
