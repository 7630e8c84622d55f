"""The elements of an AuditEvent that are read, R4 and R5 alike.

What names people must have the shape that FHIR gives it, or the event is refused: someone could be
overlooked. Codes may have any (`Any`): releases differ there and senders mix them up. All that is
not listed here is kept and not looked at.
"""

import re
from typing import Any, Final, TypeVar

import msgspec

from audit_ledger.events.json_document import JsonObject
from audit_ledger.events.rejected import RejectedEvent

ACTIONS: Final = ("C", "R", "U", "D", "E")  # FHIR AuditEventAction

Code = tuple[str, str]  # (system, code), system "" where absent


class Identifier(msgspec.Struct, gc=False):
    """FHIR Identifier."""

    system: str | None = None
    value: str | None = None


class Reference(msgspec.Struct, gc=False):
    """FHIR Reference."""

    reference: str | None = None
    type: str | None = None
    identifier: Identifier | None = None
    display: str | None = None


class Extension(msgspec.Struct, rename="camel", gc=False):
    """An extension, where it carries an identifier."""

    url: Any = None
    value_identifier: Identifier | None = None


class AgentElement(msgspec.Struct, rename="camel"):
    """`AuditEvent.agent`; `altId` and `name` are R4's."""

    who: Reference | None = None
    type: Any = None
    role: Any = None
    alt_id: str | None = None
    name: str | None = None
    requestor: bool | None = None
    extension: list[Extension] | None = None
    reference: Any = None  # with user_id, what named an agent before R4
    user_id: Any = None


class EntityElement(msgspec.Struct):
    """`AuditEvent.entity`; `type` is R4's."""

    what: Reference | None = None
    type: Any = None
    role: Any = None
    reference: Any = None  # with identifier, what named an entity before R4
    identifier: Any = None


class AuditEventElements(msgspec.Struct, rename="camel"):
    """An AuditEvent; `type` is R4's, `code` and `patient` are R5's."""

    resource_type: Any = None
    type: Any = None
    code: Any = None
    action: Any = None
    recorded: str | None = None
    agent: list[AgentElement] | None = None
    source: JsonObject | None = None
    entity: list[EntityElement] | None = None
    patient: Reference | None = None
    contained: list[JsonObject] | None = None


_Elements = TypeVar("_Elements", bound=msgspec.Struct)

# How msgspec says where a shape is wrong: types and a path, nothing of the content.
_SHAPE_ERROR: Final = re.compile(r"Expected `(\w+).*?(?: - at `\$(.*)`)?")
_SHAPES: Final = {
    "str": "a string",
    "bool": "true or false",
    "object": "an object",
    "array": "a list of objects",
}


def read_elements(document: object, kind: type[_Elements], place: str) -> _Elements:
    """Give the elements of decoded JSON; RejectedEvent (422) names the one of another shape."""
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        shape = _SHAPE_ERROR.fullmatch(str(error))
        expected = _SHAPES.get(shape[1]) if shape else None
        raise RejectedEvent(
            422,
            "structure",
            place + (shape[2] or "" if shape else ""),
            expected or "the shape that FHIR gives it",
        ) from None


def codes(value: Any) -> list[Code]:
    """Give the codes of a Coding (R4), a CodeableConcept (R5), or a list of such; else none."""
    found: list[Code] = []
    waiting = value if type(value) is list else (value,)
    for item in waiting:
        if type(item) is dict:
            if "coding" in item:
                found += codes(item["coding"])
            if type(code := item.get("code")) is str:
                system = item.get("system")
                found.append((system if type(system) is str else "", code))
    return found
