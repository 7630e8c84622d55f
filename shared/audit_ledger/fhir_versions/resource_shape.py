"""The elements of an AuditEvent in each release, with their form and cardinality.

From HL7's StructureDefinitions of AuditEvent (R4 4.0.1, R5 5.0.0). The result of a conversion is
checked against them: an event that violates its own release may violate the other one too.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from audit_ledger.events.fhir_version import Release
from audit_ledger.events.strict_json import JsonObject

PRIMITIVE, CODING, CONCEPT, OBJECT = "primitive", "Coding", "CodeableConcept", "object"
MANY: Final = "*"
_ROOT: Final = "AuditEvent"

_R4: Final[Mapping[str, Mapping[str, str]]] = {
    _ROOT: {
        "type": CODING,
        "subtype": CODING + MANY,
        "action": PRIMITIVE,
        "period": OBJECT,
        "recorded": PRIMITIVE,
        "outcome": PRIMITIVE,
        "outcomeDesc": PRIMITIVE,
        "purposeOfEvent": CONCEPT + MANY,
        "agent": "agent" + MANY,
        "source": "source",
        "entity": "entity" + MANY,
    },
    "agent": {
        "type": CONCEPT,
        "role": CONCEPT + MANY,
        "who": OBJECT,
        "altId": PRIMITIVE,
        "name": PRIMITIVE,
        "requestor": PRIMITIVE,
        "location": OBJECT,
        "policy": PRIMITIVE + MANY,
        "media": CODING,
        "network": "network",
        "purposeOfUse": CONCEPT + MANY,
    },
    "network": {"address": PRIMITIVE, "type": PRIMITIVE},
    "source": {"site": PRIMITIVE, "observer": OBJECT, "type": CODING + MANY},
    "entity": {
        "what": OBJECT,
        "type": CODING,
        "role": CODING,
        "lifecycle": CODING,
        "securityLabel": CODING + MANY,
        "name": PRIMITIVE,
        "description": PRIMITIVE,
        "query": PRIMITIVE,
        "detail": "detail" + MANY,
    },
    "detail": {"type": PRIMITIVE, "valueString": PRIMITIVE, "valueBase64Binary": PRIMITIVE},
}
_R5: Final[Mapping[str, Mapping[str, str]]] = {
    _ROOT: {
        "category": CONCEPT + MANY,
        "code": CONCEPT,
        "action": PRIMITIVE,
        "severity": PRIMITIVE,
        "occurredPeriod": OBJECT,
        "occurredDateTime": PRIMITIVE,
        "recorded": PRIMITIVE,
        "outcome": "outcome",
        "authorization": CONCEPT + MANY,
        "basedOn": OBJECT + MANY,
        "patient": OBJECT,
        "encounter": OBJECT,
        "agent": "agent" + MANY,
        "source": "source",
        "entity": "entity" + MANY,
    },
    "outcome": {"code": CODING, "detail": CONCEPT + MANY},
    "agent": {
        "type": CONCEPT,
        "role": CONCEPT + MANY,
        "who": OBJECT,
        "requestor": PRIMITIVE,
        "location": OBJECT,
        "policy": PRIMITIVE + MANY,
        "networkReference": OBJECT,
        "networkUri": PRIMITIVE,
        "networkString": PRIMITIVE,
        "authorization": CONCEPT + MANY,
    },
    "source": {"site": OBJECT, "observer": OBJECT, "type": CONCEPT + MANY},
    "entity": {
        "what": OBJECT,
        "role": CONCEPT,
        "securityLabel": CONCEPT + MANY,
        "query": PRIMITIVE,
        "detail": "detail" + MANY,
        "agent": "agent" + MANY,
    },
    "detail": {
        "type": CONCEPT,
        "valueQuantity": OBJECT,
        "valueCodeableConcept": CONCEPT,
        "valueString": PRIMITIVE,
        "valueBoolean": PRIMITIVE,
        "valueInteger": PRIMITIVE,
        "valueRange": OBJECT,
        "valueRatio": OBJECT,
        "valueTime": PRIMITIVE,
        "valueDateTime": PRIMITIVE,
        "valuePeriod": OBJECT,
        "valueBase64Binary": PRIMITIVE,
    },
}
ELEMENTS: Final[Mapping[Release, Mapping[str, Mapping[str, str]]]] = {
    "fhir-r4": _R4,
    "fhir-r5": _R5,
}
"""Release → kind of object → element → form, with MANY if it is a list."""

_CHOICES: Final = (  # one of each at most
    ("occurredPeriod", "occurredDateTime"),
    ("networkReference", "networkUri", "networkString"),
    tuple(name for name in _R5["detail"] if name.startswith("value")),
)
OF_ALL: Final = {"id": PRIMITIVE, "extension": OBJECT + MANY, "modifierExtension": OBJECT + MANY}
OF_RESOURCES: Final = {
    "resourceType": PRIMITIVE,
    "meta": OBJECT,
    "implicitRules": PRIMITIVE,
    "language": PRIMITIVE,
    "text": OBJECT,
    "contained": OBJECT + MANY,
}
_OF_CODING: Final = {"system", "version", "code", "display", "userSelected", "extension", "id"}
_OF_CONCEPT: Final = {"coding", "text", "extension", "id"}


def has_shape_of(event: JsonObject, release: Release) -> bool:
    """Return whether all elements of an AuditEvent have the shape of its release."""
    return _is_object(event, _ROOT, ELEMENTS[release], OF_RESOURCES)


def _is_object(
    value: Any,
    kind: str,
    elements: Mapping[str, Mapping[str, str]],
    more: Mapping[str, str] | None = None,
) -> bool:
    if not isinstance(value, dict):
        return False
    forms = {**elements[kind], **OF_ALL, **(more or {})}
    names = {name.removeprefix("_") for name in value}
    if any(len(names.intersection(choice)) > 1 for choice in _CHOICES):
        return False
    for name, one in value.items():
        form = forms.get(name.removeprefix("_"))
        if form is None:
            return False
        if name.startswith("_"):
            if not form.startswith(PRIMITIVE):
                return False
        elif not _is_element(one, form, elements):
            return False
    return True


def _is_element(value: Any, form: str, elements: Mapping[str, Mapping[str, str]]) -> bool:
    one = form.removesuffix(MANY)
    if one == form:
        values = [value]
    elif isinstance(value, list) and value:
        values = value
    else:
        return False
    check = _FORMS.get(one)
    if check is not None:
        return all(map(check, values))
    return all(_is_object(each, one, elements) for each in values)


def _is_coding(value: Any) -> bool:
    return isinstance(value, dict) and {name.removeprefix("_") for name in value} <= _OF_CODING


def _is_concept(value: Any) -> bool:
    if not isinstance(value, dict) or not {n.removeprefix("_") for n in value} <= _OF_CONCEPT:
        return False
    codings = value.get("coding", [])
    return isinstance(codings, list) and all(map(_is_coding, codings))


_FORMS: Final[Mapping[str, Callable[[Any], bool]]] = {
    PRIMITIVE: lambda value: not isinstance(value, dict | list),
    OBJECT: lambda value: isinstance(value, dict),
    CODING: _is_coding,
    CONCEPT: _is_concept,
}
