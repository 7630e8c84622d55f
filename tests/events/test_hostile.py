"""Parsers raise only RejectedEventError for any input, and accepted events are complete."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.events import (
    Event,
    PatientRule,
    RejectedEventError,
    canonical_agent,
    canonical_patient,
    parse_audit_event,
    parse_bundle,
    parse_cloudevent_binary,
    parse_cloudevent_structured,
    parse_cloudevents_batch,
)
from audit_ledger.events.limits import MAX_PATIENTS
from tests.builders.audit_event import audit_event_samples, r4, r5

Outcomes = Iterable[Event | RejectedEventError]

ATTRIBUTES = {"specversion": "1.0", "id": "1", "source": "s", "type": "record.created"}
HEADERS = {f"ce-{name}": value for name, value in ATTRIBUTES.items()}
PARSERS: dict[str, Callable[[bytes], Outcomes]] = {
    "AuditEvent": lambda body: [parse_audit_event(body)],
    "AuditEvent R4": lambda body: [parse_audit_event(body, "4.0")],
    "Bundle": lambda body: parse_bundle(body).entries,
    "CloudEvent": lambda body: [parse_cloudevent_structured(body)],
    "CloudEvents": parse_cloudevents_batch,
    "binary": lambda body: [
        parse_cloudevent_binary({**HEADERS, "content-type": "application/json"}, body)
    ],
}


def check(parser: Callable[[bytes], Outcomes], body: bytes) -> None:
    """Parse `body`, and use each accepted event to the end."""
    try:
        outcomes = list(parser(body))
    except RejectedEventError as rejected:
        outcomes = [rejected]
    for outcome in outcomes:
        if isinstance(outcome, RejectedEventError):
            assert outcome.status in (400, 413, 415, 422)
            assert outcome.expression
            json.dumps(outcome.operation_outcome())
            continue
        assert outcome.parts
        for part in outcome.parts:
            json.loads(part.resource)
            if part.patient is not None:
                canonical_patient(PatientRule("urn:mrn", "portal:ehr"), part.patient)
        for agent in outcome.agents:
            canonical_agent(agent)
        assert all(len(flag) <= 64 for flag in outcome.flags)


# Names that a parser reads, and values that are invalid or almost valid.
NAMES = [
    "resourceType", "type", "code", "recorded", "agent", "entity", "source", "patient", "contained",
    "who", "what", "role", "requestor", "reference", "identifier", "system", "value", "display",
    "name", "altId", "extension", "url", "valueIdentifier", "coding", "meta", "profile", "text",
    "id", "action", "outcome", "subtype", "query", "detail", "network", "policy", "observer",
    "encounter", "entry", "resource", "request", "method", "specversion", "time", "subject", "data",
    "data_base64", "datacontenttype", "actor", "document", "digest", "given", "family",
]  # fmt: skip
SCALARS = st.sampled_from(
    [
        None, True, False, 0, 1, -1, 2**40, 2**70, 1.5, 1e300, "", "1", "Patient", "Patient/1",
        "Patient/2", "#1", "#", "Practitioner/1", "urn:uuid:1", "?", "Patient?identifier=a|b", "/",
        "//", "http://", "rest", "R", "AuditEvent", "Bundle", "batch", "POST", "e30=", "\0", "é",
        "1.0", "application/json", "record.created", "2026-11-22T05:59:00Z", "1^^^&1.2&ISO",
        "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead",
    ]
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)
ELEMENTS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6)


@pytest.mark.parametrize("parser", PARSERS)
@given(body=st.binary(max_size=40))
def test_parsers_survive_any_bytes(parser: str, body: bytes) -> None:
    """At most 40 of them."""
    check(PARSERS[parser], body)


@pytest.mark.parametrize("parser", PARSERS)
@given(document=VALUES)
def test_parsers_survive_any_json_with_known_names(parser: str, document: Any) -> None:
    """Valid names, invalid shapes."""
    check(PARSERS[parser], json.dumps(document).encode())


@given(st.sampled_from([r4, r5]), ELEMENTS)
def test_parsers_survive_any_elements_in_a_valid_event(
    make: Callable[[], dict[str, Any]], elements: dict[str, Any]
) -> None:
    """Alone, in a Bundle, and in a CloudEvent of each kind."""
    event = make() | {n: v for n, v in elements.items() if n not in ("resourceType", "recorded")}
    request = {"method": "POST", "url": "AuditEvent"}
    entry = {"resource": event, "request": request}
    check(PARSERS["AuditEvent"], json.dumps(event).encode())
    check(PARSERS["binary"], json.dumps(event).encode())
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [entry]}
    check(PARSERS["Bundle"], json.dumps(bundle).encode())
    for more in ({}, {"subject": "Patient/2"}):
        check(PARSERS["CloudEvent"], json.dumps({**ATTRIBUTES, **more, "data": event}).encode())


ENTITY = st.fixed_dictionaries(
    {},
    optional={
        "what": st.fixed_dictionaries(
            {},
            optional={
                "reference": st.sampled_from(["Patient/1", "Patient/2", "#1", "#2", "List/1", "x"]),
                "identifier": st.fixed_dictionaries(
                    {}, optional={"value": st.sampled_from(["1", "22", "4444", "4444^^^&1.2&ISO"])}
                ),
                "display": st.sampled_from(["4444", "1", "Patient/2", "Jane Roe"]),
            },
        ),
        "role": st.just({"code": "1"}),
        "name": st.sampled_from(["Jane Roe", "Roe, Jane", "", " ", "1"]),
        "detail": VALUES,
        "extension": VALUES,
    },
)


@given(st.lists(ENTITY, max_size=5), ELEMENTS, st.sampled_from([None, 1]))
def test_every_part_names_its_own_patient(
    entities: list[dict[str, Any]], elements: dict[str, Any], indent: int | None
) -> None:
    """Among elements of any shape, every part retains the element that names its patient."""
    contained = [{"resourceType": "Patient", "id": "1"}, {"id": "2", "name": [{"text": "4444"}]}]
    fixed = {"resourceType", "type", "code", "recorded", "agent", "entity", "contained"}
    event = {n: v for n, v in elements.items() if n not in fixed}
    event |= r4(entity=entities, contained=contained)
    body = json.dumps(event, indent=indent).encode()
    check(PARSERS["AuditEvent"], body)
    try:
        parts = parse_audit_event(body).parts
    except RejectedEventError:
        return
    if len(parts) < 2:
        return
    for part in parts:
        document = json.loads(part.resource)
        naming = [document.get("patient"), *(e.get("what", e) for e in document.get("entity", []))]
        assert part.patient is not None
        if part.patient.reference is not None:
            assert any(
                part.patient.reference in str((element or {}).get("reference"))
                for element in naming
            )


@given(st.data())
def test_parsers_survive_damaged_samples(shared_dir: Path, data: st.DataObject) -> None:
    """With one byte changed, removed or inserted, or with the end cut off."""
    path = data.draw(st.sampled_from(audit_event_samples(shared_dir)))
    body = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(body) - 1))
    how = data.draw(st.sampled_from(["change", "remove", "insert", "truncate"]))
    byte = data.draw(st.sampled_from(b'"{}[]:,\\ 0x\xff\x00'))
    if how == "change":
        body[at] = byte
    elif how == "remove":
        del body[at]
    elif how == "insert":
        body.insert(at, byte)
    else:
        del body[at:]
    check(PARSERS["AuditEvent"], bytes(body))


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b'{"entry":[' * 50_000,
        b'[{"data":' * 50_000,
        b'{"resourceType":"AuditEvent","x":' + b"9" * 100_000 + b"}",
        b'{"resourceType":"AuditEvent","x":1e999999999}',
        b"\xff\xfe" * 1000,
        b'"' + b"\\" * 100_001,
        b'{"resourceType":"AuditEvent","type":{"coding":' + b"[" * 900 + b"]" * 900 + b"}}",
    ],
)
def test_parsers_survive_bombs(parser: str, body: bytes) -> None:
    """Deep nesting, long numbers, many escapes."""
    check(PARSERS[parser], body)


def test_mentions_of_the_most_patients_are_divided_among_parts() -> None:
    """Another element mentions each of them too."""
    entities: list[dict[str, Any]] = [
        {"what": {"reference": f"Patient/{n:04d}"}} for n in range(MAX_PATIENTS)
    ]
    tags = [{"code": "x", "display": f"{n:04d}"} for n in range(MAX_PATIENTS)]
    event = r4(entity=entities, meta={"tag": tags})
    parts = parse_audit_event(json.dumps(event).encode()).parts
    assert len(parts) == MAX_PATIENTS
    for number, part in enumerate(parts):
        displays = [tag["display"] for tag in json.loads(part.resource)["meta"]["tag"]]
        assert displays == [f"{number:04d}"]
