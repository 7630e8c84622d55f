"""The details of a record agree with the JSON of the samples."""

import json
from pathlib import Path
from typing import Any

import pytest

from audit_ledger.events import parse_audit_event
from audit_ledger.events.event import Format
from audit_ledger.events.event_details import parse_document, read_details
from audit_ledger.events.ni_uri import digest_of_ni
from tests.builders.audit_event import audit_event_samples


def codes_in(value: Any) -> list[str]:
    """Return every `code` that is a string, at any depth, in order."""
    if isinstance(value, list):
        return [code for item in value for code in codes_in(item)]
    if isinstance(value, dict):
        own = [value["code"]] if isinstance(value.get("code"), str) else []
        return own + [code for item in value.values() for code in codes_in(item)]
    return []


def test_details_contain_all_codes_agents_and_entities_of_the_samples(shared_dir: Path) -> None:
    """Expected values come from the JSON of each sample."""
    for path in audit_event_samples(shared_dir):
        check_sample(path)


def check_sample(path: Path) -> None:
    """Compare the details of one sample with its JSON."""
    event = json.loads(path.read_bytes())
    is_r5 = "code" in event
    format_: Format = "fhir-r5" if is_r5 else "fhir-r4"
    details = read_details(path.read_bytes(), format_)
    assert details.action == event.get("action")
    assert details.time == event["recorded"]
    kinds = ("category", "code") if is_r5 else ("type", "subtype")
    assert [c.code for c in details.types] == codes_in(event.get(kinds[0]))
    assert [c.code for c in details.subtypes] == codes_in(event.get(kinds[1]))
    outcome = event.get("outcome")
    expected = [outcome] if isinstance(outcome, str) else codes_in((outcome or {}).get("code"))
    assert [c.code for c in details.outcome] == expected
    assert len(details.agents) == len(event["agent"])
    for details_of_agent, agent in zip(details.agents, event["agent"], strict=True):
        addresses = [
            agent.get("network", {}).get("address"),
            agent.get("networkString"),
            agent.get("networkUri"),
        ]
        assert details_of_agent.address == next(filter(None, addresses), None)
        assert details_of_agent.agent.requestor == agent.get("requestor", False)
        assert details_of_agent.name == (agent.get("name") or agent.get("who", {}).get("display"))
    assert len(details.entities) == len(event.get("entity", []))
    for thing, entity in zip(details.entities, event.get("entity", []), strict=True):
        assert [c.code for c in thing.roles] == codes_in(entity.get("role"))
        assert [c.code for c in thing.types] == codes_in(entity.get("type"))
        assert thing.query == entity.get("query")
    assert parse_document(path.read_bytes(), format_).audit_event == event


def test_a_record_event_names_actor_action_patient_and_document() -> None:
    """In the shape of docs/events.md."""
    digest = "f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk"
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "urn:lab",
        "type": "record.result.filed",
        "time": "2026-11-22T05:59:00Z",
        "data": {
            "patient": {"reference": "Patient/1"},
            "actor": {"reference": "Practitioner/2", "display": "Dr Two"},
            "document": {
                "reference": "DocumentReference/3",
                "digest": f"ni:///sha-256;{digest}",
            },
        },
    }
    details = read_details(json.dumps(event).encode(), "cloudevents")
    assert details.action == "C"
    assert [p.reference for p in details.patients] == ["Patient/1"]
    assert [a.name for a in details.agents] == ["Dr Two"]
    assert [e.what.reference for e in details.entities] == ["DocumentReference/3"]
    # SHA-256 of "Hello World!", as RFC 6920, Section 8.1, has it.
    assert [d.hex() for d in details.digests] == [
        "7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069"
    ]
    assert "Two" not in repr(details.agents)
    assert parse_document(json.dumps(event).encode(), "cloudevents").audit_event is None


def test_an_audit_event_in_a_cloudevent_is_read_like_any_other() -> None:
    """The time is its own, the patient the envelope's."""
    event = {
        "resourceType": "AuditEvent",
        "type": {"code": "rest"},
        "action": "R",
        "recorded": "2026-11-22T05:59:00Z",
        "agent": [{"who": {"reference": "Practitioner/2"}, "requestor": True}],
    }
    envelope = {
        "specversion": "1.0",
        "id": "1",
        "source": "urn:lab",
        "type": "fhir",
        "time": "2020-01-01T00:00:00Z",
        "subject": "Patient/1",
        "data": event,
    }
    details = read_details(json.dumps(envelope).encode(), "cloudevents")
    assert (details.format, details.action, details.time) == (
        "cloudevents",
        "R",
        "2026-11-22T05:59:00Z",
    )
    assert [p.reference for p in details.patients] == ["Patient/1"]
    assert parse_document(json.dumps(envelope).encode(), "cloudevents").audit_event == event


@pytest.mark.parametrize("uri", ["", "ni:///sha-256;short", "ni:///sha-512;" + "A" * 43])
def test_an_invalid_digest_is_ignored(uri: str) -> None:
    """Of another length or algorithm, or empty."""
    assert digest_of_ni(uri) is None


def test_the_patient_of_the_details_is_the_indexed_patient() -> None:
    """If only agents are patients, it is the one who made the request, in any position."""
    event = {
        "resourceType": "AuditEvent",
        "type": {"code": "rest"},
        "recorded": "2026-11-22T05:59:00Z",
        "agent": [
            {"who": {"reference": "Patient/a"}, "requestor": False},
            {"who": {"reference": "Patient/b"}, "requestor": True},
        ],
    }
    body = json.dumps(event).encode()
    (part,) = parse_audit_event(body).parts
    assert read_details(body, "fhir-r4").patients == (part.patient,)
