"""Limits of one event and one request: rejections state place, count and limit."""

import json
from pathlib import Path
from typing import Any

import pytest

from audit_ledger.events import RejectedEventError, limits, parse_audit_event, parse_bundle
from tests.builders.audit_event import audit_event_samples, encoded, patient_entity, r4


def rejection_of(event: dict[str, Any]) -> RejectedEventError:
    """Return the rejection of an event, encoded without white space."""
    with pytest.raises(RejectedEventError) as refused:
        parse_audit_event(json.dumps(event, separators=(",", ":")).encode())
    assert refused.value.status == 413
    return refused.value


def person(identifiers: list[dict[str, str]]) -> dict[str, Any]:
    """Return a contained patient."""
    return {"resourceType": "Patient", "id": "p", "identifier": identifiers}


IDENTIFIERS = "AuditEvent.entity[0].what.resolve().identifier"
TOO_MANY = {
    "agents": (r4(agent=[{}] * 79_158), "AuditEvent.agent", "at most 256 agents, not 79,158"),
    "one agent": (r4(agent=[{}] * 257), "AuditEvent.agent", "at most 256 agents, not 257"),
    "entities": (r4(entity=[{}] * 2001), "AuditEvent.entity", "at most 2,000 entities, not 2,001"),
    "contained resources": (
        r4(contained=[{}] * 7_000),
        "AuditEvent.contained",
        "at most 512 contained resources, not 7,000",
    ),
    "elements of an extension": (
        r4(extension=[{}] * 40_000),
        "AuditEvent",
        "at most 32,768 JSON values, not 40,015",
    ),
    "nested values": (
        r4(extension=[[[0] * 100] * 100] * 10),
        "AuditEvent",
        "at most 32,768 JSON values, not 101,025",
    ),
    "identifiers": (
        r4(entity=[patient_entity("#p")], contained=[person([{"value": "1"}] * 65)]),
        IDENTIFIERS,
        "at most 64 identifiers, not 65",
    ),
    "long identifiers": (
        r4(entity=[patient_entity("#p")], contained=[person([{"value": "1" * 17_000}])]),
        IDENTIFIERS,
        "identifiers of at most 16 KB together",
    ),
    "identifiers in a search": (
        r4(
            entity=[
                {
                    "what": {
                        "reference": "Patient?" + "".join(f"&identifier={n}" for n in range(200))
                    }
                }
            ]
        ),
        "AuditEvent.entity[0].what",
        "at most 64 identifiers, not 200",
    ),
    "names": (
        r4(
            entity=[patient_entity("#p"), patient_entity("Patient/q")],
            contained=[{**person([{"value": "1"}]), "name": [{"text": "Ada Roe"}] * 65}],
        ),
        "AuditEvent.contained[0].name",
        "at most 64 names, not 65",
    ),
    "patients": (
        r4(entity=[patient_entity(f"Patient/{n}") for n in range(300)]),
        "AuditEvent",
        "at most 256 patients an event, not 300",
    ),
    "what patients share": (
        r4(entity=[patient_entity(f"Patient/{n}") for n in range(100)], outcomeDesc="x " * 40_000),
        "AuditEvent",
        "at most 4 MB in the records of its 100 patients",
    ),
}


@pytest.mark.parametrize("name", TOO_MANY)
def test_a_rejection_states_place_count_and_limit(name: str) -> None:
    """One case for each limit."""
    event, place, expectation = TOO_MANY[name]
    refused = rejection_of(event)
    assert refused.expression == place
    assert refused.expectation == expectation


def test_an_event_at_a_limit_is_accepted() -> None:
    """Agents, entities, contained resources, values, identifiers, names."""
    parse_audit_event(encoded(r4(agent=[{}] * limits.MAX_AGENTS)))
    parse_audit_event(encoded(r4(entity=[{}] * limits.MAX_ENTITIES)))
    parse_audit_event(encoded(r4(contained=[{}] * limits.MAX_CONTAINED)))
    body = json.dumps(r4(x=[0] * (limits.MAX_VALUES - 16)), separators=(",", ":")).encode()
    parse_audit_event(body)
    identifiers = [{"value": f"{n}"} for n in range(limits.MAX_IDENTIFIERS)]
    ada = {**person(identifiers), "name": [{"text": "Ada Roe"}] * limits.MAX_NAMES}
    entities = [patient_entity("#p"), patient_entity("Patient/q")]
    assert len(parse_audit_event(encoded(r4(contained=[ada], entity=entities))).parts) == 2


def test_an_event_about_a_whole_ward_is_accepted() -> None:
    """256 patients of 600 bytes each; 100 patients who share 100 documents."""
    coded = {"system": "http://terminology.hl7.org/CodeSystem/audit-entity-type", "code": "1"}

    def patient(number: int) -> dict[str, Any]:
        what = {
            "reference": f"Patient/{number:04}",
            "display": f"Person {number}",
            "type": "Patient",
        }
        identifier = {"system": "urn:oid:1.2.3", "value": f"mrn-{number:05}", "use": "official"}
        return patient_entity(what={**what, "identifier": identifier}, type=coded, name="N. N.")

    event = r4(entity=[patient(n) for n in range(limits.MAX_PATIENTS)])
    assert len(parse_audit_event(encoded(event, 2)).parts) == limits.MAX_PATIENTS
    documents = [
        {"what": {"reference": f"DocumentReference/{n}"}, "role": {"code": "3"}} for n in range(100)
    ]
    event = r4(entity=[*(patient(n) for n in range(100)), *documents])
    assert len(parse_audit_event(encoded(event)).parts) == 100


def test_every_sample_is_far_below_the_limits(shared_dir: Path) -> None:
    """Below a hundredth of the values, a tenth of agents, entities and contained resources."""

    def values(document: Any) -> int:
        below = document.values() if isinstance(document, dict) else document
        return len(document) + sum(values(v) for v in below if isinstance(v, dict | list))

    for path in audit_event_samples(shared_dir):
        document = json.loads(path.read_bytes())
        assert values(document) < limits.MAX_VALUES / 100, path.name
        assert len(document.get("agent", [])) <= 10, path.name
        assert len(document.get("entity", [])) <= 10, path.name
        assert len(document.get("contained", [])) <= 5, path.name


def bundle(*resources: dict[str, Any]) -> bytes:
    """Return a collection."""
    entries = [{"resource": resource} for resource in resources]
    return encoded({"resourceType": "Bundle", "type": "collection", "entry": entries})


def shared_by(patients: int, kilobytes: int, prefix: str) -> dict[str, Any]:
    """Return an event about several patients, with so much text in each part."""
    entities = [patient_entity(f"Patient/{prefix}-{n}") for n in range(patients)]
    return r4(entity=entities, outcomeDesc="x " * (kilobytes * 512))


def test_the_records_of_a_request_have_a_common_limit() -> None:
    """Two events with records of 3 MB each are accepted, three are not."""
    events = [shared_by(100, 28, prefix) for prefix in "abc"]
    assert len(parse_bundle(bundle(*events[:2])).entries) == 2
    with pytest.raises(
        RejectedEventError, match="at most 8 MB in the records of all events"
    ) as refused:
        parse_bundle(bundle(*events))
    assert (refused.value.status, refused.value.expression) == (413, "Bundle.entry")


def test_entries_with_too_large_records_are_limited_in_number() -> None:
    """Each is rejected alone, after 4 MB of work; the third rejects the request."""
    large = [shared_by(100, 60, prefix) for prefix in "abc"]
    two = parse_bundle(bundle(*large[:2], r4())).entries
    assert [isinstance(entry, RejectedEventError) for entry in two] == [True, True, False]
    with pytest.raises(RejectedEventError):
        parse_bundle(bundle(*large))


def test_a_rejected_entry_references_nothing_that_was_read() -> None:
    """Thousands of rejections stay in memory until the response is written."""
    (refused,) = parse_bundle(bundle(r4(recorded="x"))).entries
    assert isinstance(refused, RejectedEventError)
    assert refused.__traceback__ is None
    assert refused.__context__ is None


def test_members_beside_the_resource_of_an_entry_have_a_limit() -> None:
    """And a resource larger than an event is not decoded."""
    entry = {"fullUrl": "x" * 70_000, "resource": r4()}
    document = {"resourceType": "Bundle", "type": "collection", "entry": [entry]}
    (refused,) = parse_bundle(encoded(document)).entries
    assert isinstance(refused, RejectedEventError)
    assert (refused.status, refused.expression) == (413, "Bundle.entry[0]")
    (refused,) = parse_bundle(bundle(r4(x="x" * 300_000))).entries
    assert isinstance(refused, RejectedEventError)
    assert (refused.status, refused.expression) == (413, "Bundle.entry[0].resource")
