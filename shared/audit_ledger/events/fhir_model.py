"""The elements of R4 and R5 AuditEvents that are parsed.

Elements that name people must have the shape of FHIR, or the event is rejected: someone could be
overlooked. Codes may have any shape (`Any`): releases differ there and senders mix them up. All
other elements are stored without being interpreted.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec

from audit_ledger.events.errors import RejectedEventError
from audit_ledger.events.strict_json import JsonObject

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
    id: Any = None
    extension: Any = None

    @property
    def is_empty(self) -> bool:
        """Whether it has no member that FHIR defines, as `{}`."""
        return (
            self.reference is None
            and self.identifier is None
            and self.display is None
            and self.type is None
            and self.id is None
            and self.extension is None
        )


class Extension(msgspec.Struct, rename="camel", gc=False):
    """FHIR Extension; only an identifier as its value is parsed."""

    url: Any = None
    value_identifier: Identifier | None = None


class AgentElement(msgspec.Struct, rename="camel"):
    """`AuditEvent.agent`; `altId`, `name` and `media` are R4's."""

    who: Reference | None = None
    type: Any = None
    role: Any = None
    alt_id: str | None = None
    name: str | None = None
    requestor: bool | None = None
    extension: list[Extension] | None = None
    network: Any = None
    media: Any = None
    policy: Any = None
    reference: Any = None  # with user_id, what named an agent before R4
    user_id: Any = None


class EntityElement(msgspec.Struct):
    """`AuditEvent.entity`; `type` is R4's."""

    what: Reference | None = None
    type: Any = None
    role: Any = None
    query: Any = None
    reference: Any = None  # with identifier, what named an entity before R4
    identifier: Any = None


class AuditEventElements(msgspec.Struct, rename="camel"):
    """An AuditEvent; `type` and `subtype` are R4's, `code` and `patient` are R5's."""

    resource_type: Any = None
    meta: Any = None
    type: Any = None
    subtype: Any = None
    code: Any = None
    action: Any = None
    outcome: Any = None
    recorded: str | None = None
    agent: list[AgentElement] | None = None
    source: JsonObject | None = None
    entity: list[EntityElement] | None = None
    patient: Reference | None = None
    contained: list[JsonObject] | None = None


class ElementCodes(msgspec.Struct, gc=False):
    """The codes of an event's agents and entities, in order, computed once for all readers."""

    agent_types: list[Sequence[Code]]
    entity_types: list[Sequence[Code]]
    entity_roles: list[Sequence[Code]]


_Elements = TypeVar("_Elements", bound=msgspec.Struct)

# msgspec's message for a wrong shape: types and a path, no content.
_SHAPE_ERROR: Final = re.compile(r"Expected `(\w+).*?(?: - at `\$(.*)`)?")
_SHAPES: Final = {
    "str": "a string",
    "bool": "true or false",
    "object": "an object",
    "array": "a list of objects",
}


def read_elements(document: object, kind: type[_Elements], place: str) -> _Elements:
    """Return the elements of decoded JSON; raise RejectedEventError (422) for a malformed one."""
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        shape = _SHAPE_ERROR.fullmatch(str(error))
        expected = _SHAPES.get(shape[1]) if shape else None
        raise RejectedEventError(
            422,
            "structure",
            place + (shape[2] or "" if shape else ""),
            expected or "the shape that FHIR defines",
        ) from None


def codes(value: Any) -> Sequence[Code]:
    """Return the codes of a Coding (R4), a CodeableConcept (R5), or a list of such; else none."""
    if type(value) is list:
        return [code for item in value for code in codes(item)]
    if type(value) is not dict:
        return ()
    codings = value.get("coding")
    if type(codings) is list and len(codings) == 1 and "code" not in value:
        return codes(codings[0])
    code, system = value.get("code"), value.get("system")
    own = ((system if type(system) is str else "", code),) if type(code) is str else ()
    return own if codings is None else (*codes(codings), *own)


def codes_of(event: AuditEventElements) -> ElementCodes:
    """Return the codes of an event's agents and entities."""
    agents, entities = event.agent or (), event.entity or ()
    return ElementCodes(
        [codes(agent.type) for agent in agents],
        [codes(entity.type) for entity in entities],
        [codes(entity.role) for entity in entities],
    )
