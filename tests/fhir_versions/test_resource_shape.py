"""A conversion of any event is valid in the other release and loses nothing, or is refused.

`Profile` reads HL7's definitions independently.
"""

import json
from typing import Any

import pytest

from audit_ledger.errors import FormatError
from audit_ledger.events.fhir_version import Release
from audit_ledger.fhir_versions import convert
from audit_ledger.fhir_versions.convert import TAG_SYSTEM
from audit_ledger.fhir_versions.resource_shape import ELEMENTS
from tests.fhir_versions.profile import Profile

CROSS = "http://hl7.org/fhir/{}/StructureDefinition/extension-AuditEvent.{}"
MASKED = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "masked",
        }
    ]
}
IMITATED_MARK = {"extension": [{"url": "urn:audit-ledger:made", "valueBoolean": True}]}
OF_ALL = {"id", "extension", "modifierExtension"}
OF_RESOURCES = {"meta", "implicitRules", "language", "text", "contained"}


def form_of(element: dict[str, Any], kind: str | None) -> str:
    """Return the form of an element by HL7's definition."""
    if kind is None:
        form = str(element["contentReference"].rpartition(".")[2])
    elif kind == "BackboneElement":
        form = str(element["path"].rpartition(".")[2])
    elif kind in ("Coding", "CodeableConcept"):
        form = kind
    else:
        form = "primitive" if kind[0].islower() else "object"
    return form + ("*" if element["max"] == "*" else "")


@pytest.mark.parametrize(("release", "name"), [("fhir-r4", "R4"), ("fhir-r5", "R5")])
def test_the_elements_are_those_of_hl7(
    release: Release, name: str, profiles: dict[str, Profile]
) -> None:
    """All of them, and no others."""
    expected: dict[str, dict[str, str]] = {}
    for path, element in profiles[name].elements.items():
        parent, element_name = path.split(".")[-2:]
        if element_name in OF_ALL or (parent == "AuditEvent" and element_name in OF_RESOURCES):
            continue
        kinds = [str(type_["code"]) for type_ in element.get("type", [])]
        of_parent = expected.setdefault(parent, {})
        if element_name.endswith("[x]"):
            for kind in kinds:
                chosen = element_name.removesuffix("[x]") + kind[0].upper() + kind[1:]
                of_parent[chosen] = form_of(element, kind)
        else:
            of_parent[element_name] = form_of(element, kinds[0] if kinds else None)
    assert expected == ELEMENTS[release]


def agent(**more: Any) -> dict[str, Any]:
    return {"agent": [{"who": {"display": "A"}, "requestor": True, **more}]}


def entity(**more: Any) -> dict[str, Any]:
    return {"entity": [more]}


def source(**more: Any) -> dict[str, Any]:
    return {"source": {"observer": {"display": "B"}, **more}}


def detail(**more: Any) -> dict[str, Any]:
    return entity(detail=[more])


def extension(release: str, path: str, **value: Any) -> list[dict[str, Any]]:
    return [{"url": CROSS.format(release, path), **value}]


OF_R4: list[dict[str, Any]] = [
    {"outcome": "0", "_outcome": MASKED},
    {"outcome": "8", "_outcomeDesc": MASKED},
    {"_outcome": MASKED},
    agent(name="X", _name=MASKED),
    agent(_name=MASKED),
    agent(_altId={"id": "a"}),
    agent(network={"_address": MASKED, "type": "2"}),
    agent(network={"address": "1", "modifierExtension": [{"url": "urn:x", "valueCode": "y"}]}),
    agent(network={"address": "1", "id": "n", "extension": [{"url": "urn:x", "valueCode": "y"}]}),
    agent(
        network={"address": "10.0.0.1"},
        extension=extension("5.0", "agent.network", valueReference={"reference": "Endpoint/1"}),
    ),
    source(_site=MASKED),
    source(site="x", _site=MASKED),
    source(
        site="Ward 3",
        extension=extension("5.0", "source.site", valueReference={"reference": "Location/3"}),
    ),
    entity(_name=MASKED),
    entity(name="n", description="d", _description={"id": "x"}),
    entity(securityLabel=[MASKED]),
    entity(role=MASKED),
    entity(
        role={"code": "1"},
        extension=extension("5.0", "entity.role", valueCodeableConcept={"text": "z"}),
    ),
    detail(_type=MASKED, valueString="x"),
    detail(type="t", _valueString=MASKED),
    {"subtype": [MASKED]},
    {"type": MASKED},
    {
        "outcome": "4",
        "outcomeDesc": "words",
        "extension": extension(
            "5.0", "outcome", extension=[{"url": "code", "valueCoding": {"code": "4"}}]
        ),
    },
    {"extension": extension("5.0", "occurred", valuePeriod={"start": "2026-01-01"})},
    {
        "period": {"start": "2026-01-01"},
        "extension": extension("5.0", "occurred", valueDateTime="2026-01-01"),
    },
    {"extension": [{"id": "e", **extension("5.0", "severity", valueCode="error")[0]}]},
    {"extension": extension("5.0", "patient")},
    {"agent": [{"who": {"display": "x"}, "_requestor": IMITATED_MARK}]},
    {"agent": [{"who": {"display": "x"}, "requestor": True, "_requestor": IMITATED_MARK}]},
    {"agent": [{"who": {"display": "x"}, "requestor": False, "_requestor": IMITATED_MARK}]},
    {"agent": [{"who": {"display": "x", **IMITATED_MARK}, "requestor": True}]},
    {"agent": [7, None]},
    {"source": []},
    {"extension": {}},
    {"meta": 7},
]
OF_R5: list[dict[str, Any]] = [
    {"severity": "error", "_severity": MASKED},
    {"_severity": MASKED},
    {"_occurredDateTime": MASKED},
    {"outcome": {"code": {"code": "0"}, "modifierExtension": [{"url": "urn:x", "valueCode": "y"}]}},
    {"outcome": {"code": {"display": "ok"}}},
    {"outcome": {"code": {"code": "0"}, "detail": [{"_text": MASKED}]}},
    {"outcome": {"code": MASKED}},
    source(type=[MASKED]),
    source(type=[MASKED, {"coding": [{"code": "1"}]}]),
    source(type=[{"_text": MASKED}]),
    source(site=MASKED),
    entity(role=MASKED),
    entity(securityLabel=[MASKED]),
    entity(agent=[{"who": {"display": "x"}, "requestor": True, "_requestor": {"id": "q"}}]),
    entity(extension=extension("4.0", "entity.name", valueString="n")),
    agent(_networkString=MASKED),
    agent(networkString="x", _networkString={"id": "1"}),
    agent(networkUri="x", _networkUri={"id": "1"}),
    agent(networkUri="u", extension=extension("4.0", "agent.network.type", valueCode="5")),
    agent(
        networkString="h1",
        extension=extension(
            "4.0", "agent.network", extension=[{"url": "address", "valueString": "h2"}]
        ),
    ),
    detail(type={"text": "t"}, valueInteger=3, _valueInteger={"id": "i"}),
    detail(type={"text": "t"}, _valueBoolean=MASKED),
    detail(type=MASKED, valueString="x"),
    {"category": [MASKED]},
    {"code": MASKED},
    {"code": {"coding": [{"code": "a", "id": "q"}]}},
    {"agent": [{"who": {"display": "x"}, "_requestor": MASKED}]},
    {"agent": [{"who": {"display": "x"}, "_requestor": IMITATED_MARK}]},
    {"agent": [{"who": {"display": "x", **IMITATED_MARK}}]},
    {"entity": [{"agent": [7]}]},
    {"basedOn": {}},
]


def event_of(release: str, elements: dict[str, Any]) -> dict[str, Any]:
    concept = {"system": "urn:test", "code": "rest"}
    return {
        "resourceType": "AuditEvent",
        "recorded": "2026-11-26T05:59:00Z",
        **agent(),
        **source(),
        **({"type": concept} if release == "R4" else {"code": {"coding": [concept]}}),
        **elements,
    }


CASES = [("R4", each) for each in OF_R4] + [("R5", each) for each in OF_R5]


@pytest.mark.parametrize(("release", "elements"), CASES)
def test_no_event_is_converted_in_part(
    release: str, elements: dict[str, Any], profiles: dict[str, Profile]
) -> None:
    """Extensions of primitives, HL7's own for conversions, and imitations of the ledger's marks."""
    event = event_of(release, elements)
    here: Release = "fhir-r4" if release == "R4" else "fhir-r5"
    there: Release = "fhir-r5" if release == "R4" else "fhir-r4"
    try:
        other = json.loads(convert(json.dumps(event).encode(), there))
    except FormatError:
        return  # it is returned as submitted
    target = "R5" if release == "R4" else "R4"
    assert other["meta"]["tag"].pop()["system"] == TAG_SYSTEM
    back = json.loads(convert(json.dumps(untagged(other)).encode(), here))
    assert untagged(back) == event
    assert profiles[target].faults(other) == []


@pytest.mark.parametrize(
    ("release", "elements"),
    [
        ("R4", agent(name="X", _name=MASKED)),
        ("R4", agent(_name=MASKED)),
        ("R4", source(_site=MASKED)),
        ("R4", {"outcome": "8", "_outcomeDesc": MASKED}),
        ("R4", detail(_type=MASKED, valueString="x")),
        ("R4", agent(network={"_address": MASKED, "type": "2"})),
        ("R5", {"severity": "error", "_severity": MASKED}),
        ("R5", agent(_networkString=MASKED)),
        ("R5", detail(type={"text": "t"}, _valueBoolean=MASKED)),
    ],
)
def test_masked_elements_are_converted(release: str, elements: dict[str, Any]) -> None:
    """A sender may state that a value exists and is withheld."""
    event = event_of(release, elements)
    there: Release = "fhir-r5" if release == "R4" else "fhir-r4"
    assert b"masked" in convert(json.dumps(event).encode(), there)


def untagged(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event without the tag of a conversion."""
    tags = [tag for tag in event["meta"]["tag"] if tag["system"] != TAG_SYSTEM]
    meta = {**event["meta"], "tag": tags} if tags else {}
    return {n: v for n, v in event.items() if n != "meta"} | ({"meta": meta} if meta else {})
