"""Read the sequence number that a portal assigns to an event, and its stream.

Either the CloudEvents extension "sequence" with `sequencetype` Integer (the numbers of one
CloudEvents source):

    {"specversion":"1.0","source":"urn:lab","sequence":"0000000042","sequencetype":"Integer",…}

or an extension of the AuditEvent (the numbers of one `source.observer`), also in a CloudEvent:

    "extension": [{"url": "urn:audit-ledger:audit-sequence", "valueInteger": 42}]

with `valueInteger64` (R5, whose JSON form is a string) or `valueString` of digits beyond 31 bits. A
`sequence` of another type has an order but no successor: it cannot show gaps.
"""

import re
from typing import Any, Final, Literal

import msgspec

from audit_ledger.events.event_details import Target
from audit_ledger.events.strict_json import JsonObject
from audit_ledger.private_repr import PrivateRepr
from audit_ledger.records.opened_event import OpenedEvent

SEQUENCE_URL: Final = "urn:audit-ledger:audit-sequence"
FIRST_NUMBER, LAST_NUMBER = -(2**31), 2**63 - 1

_DIGITS: Final = re.compile(r"-?[0-9]{1,32}")  # CloudEvents pads them with zeros

Counter = Literal["cloudevents-source", "fhir-observer"]


class SequenceNumber(PrivateRepr, msgspec.Struct, frozen=True, gc=False):
    """An event's number in the stream `source`; `number` is None if it cannot be counted."""

    SHOWN = ("counter", "number")
    counter: Counter
    source: str
    number: int | None


def read_number(opened: OpenedEvent) -> SequenceNumber | None:
    """Return an event's sequence number; None if it has none.

    A part from which the number was cut has none: another patient's part of the event contains it.
    """
    if opened.format == "cloudevents":
        document = opened.document.root
        if "sequence" in document:
            source = document.get("source")
            if not isinstance(source, str):
                return None
            is_integer = document.get("sequencetype") == "Integer"
            number = _whole(document["sequence"]) if is_integer else None
            return SequenceNumber("cloudevents-source", source, number)
    event = opened.document.audit_event
    extensions = None if event is None else event.get("extension")
    if not isinstance(extensions, list):
        return None
    numbered = [e for e in extensions if isinstance(e, dict) and e.get("url") == SEQUENCE_URL]
    if not numbered:
        return None
    number = _value(numbered[0]) if len(numbered) == 1 else None
    return SequenceNumber("fhir-observer", _name_of(opened.details.source), number)


def _value(extension: JsonObject) -> int | None:
    values = [value for name, value in extension.items() if name.startswith("value")]
    names = ("valueInteger", "valueInteger64", "valueString")
    if len(values) != 1 or not any(name in extension for name in names):
        return None
    return _whole(values[0])


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if type(value) is not int or not FIRST_NUMBER <= value <= LAST_NUMBER:
        return None
    return value


def _name_of(observer: Target) -> str:
    """Return the best name of the observer; "" if it has none: the portal then is the stream."""
    if observer.reference is not None:
        return observer.reference
    if observer.identifiers:
        return "|".join(observer.identifiers[0])
    return observer.display or ""
