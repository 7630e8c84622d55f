"""The AuditEvent that is shown of a record: the sender's bytes, or a valid representation."""

import json
from pathlib import Path
from typing import Any

import pytest

from audit_ledger.events import parse_audit_event
from audit_ledger.events.event import Agent
from audit_ledger.events.event_details import EventDetails, Target, read_details
from audit_ledger.events.fhir_version import Release
from audit_ledger.events.resource_id import with_id
from audit_ledger.fhir_versions import convert
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.search.resource_view import shown_event
from tests.builders.audit_event import audit_event_samples, encoded, r4, r5
from tests.builders.cloudevent import cloudevent, enveloped
from tests.builders.opened_event import accepted
from tests.fhir_versions.profile import Profile

DIGEST = "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk"
RELEASES: dict[Release, str] = {"fhir-r4": "R4", "fhir-r5": "R5"}
BOTH = pytest.mark.parametrize("release", list(RELEASES))


FULL = {
    "patient": {"reference": "Patient/1", "identifier": {"system": "urn:mrn", "value": "7"}},
    "actor": {"reference": "https://a.example/Practitioner/2", "display": "Dr Two"},
    "action": "U",
    "document": {"reference": "DocumentReference/3", "display": "Letter", "digest": DIGEST},
}
ATTRIBUTES: dict[str, dict[str, Any]] = {
    "all members": {"time": "2026-11-22T06:59:00.5+01:00", "data": FULL},
    "no member": {},
    "empty members": {"data": {"patient": {}, "actor": {}, "document": {}}},
    "a subject": {"type": "record.result.filed", "subject": "Patient/9"},
    "an identifier without system": {"data": {"patient": {"identifier": {"value": "7"}}}},
    "a CX": {"data": {"patient": {"identifier": {"value": "7^^^&1.2.3&ISO"}}}},
    "a document by identifier": {"data": {"document": {"identifier": {"value": "d"}}}},
    "other data": {"type": "door.opened", "subject": "Patient/9", "data": {"door": 1}},
    "bytes": {"type": "door.opened", "data_base64": "AAEC", "datacontenttype": "image/png"},
}
CLOUDEVENTS = {
    name: accepted(encoded(cloudevent(**{"type": "record.prescription.issued"} | attributes)))
    for name, attributes in ATTRIBUTES.items()
}
"""CloudEvents that carry no AuditEvent, by what they contain."""


def represented(event: OpenedEvent, release: Release) -> dict[str, Any]:
    """Return the AuditEvent that represents a CloudEvent."""
    shown = shown_event(event, release)
    assert shown.is_represented
    assert shown.release == release
    document: dict[str, Any] = json.loads(shown.body)
    return document


def profile_of(shared_dir: Path, release: Release) -> Profile:
    """Return HL7's definition of AuditEvents in a release."""
    return Profile(shared_dir / "samples" / "profiles", RELEASES[release])


@BOTH
def test_the_profile_detects_faults(shared_dir: Path, release: Release) -> None:
    """Each required element that is missing, and one that does not exist."""
    profile = profile_of(shared_dir, release)
    event = represented(CLOUDEVENTS["all members"], release)
    required = {"recorded", "agent", "source", "type" if release == "fhir-r4" else "code"}
    for name in required:
        rest = {n: value for n, value in event.items() if n != name}
        assert profile.faults(rest) == [f"AuditEvent.{name}: missing"]
    event["agent"][0] = {"unknown": "element"}
    missing = "requestor" if release == "fhir-r4" else "who"
    assert profile.faults(event) == [
        "AuditEvent.agent.unknown: unknown",
        f"AuditEvent.agent.{missing}: missing",
    ]


@BOTH
@pytest.mark.parametrize("name", list(CLOUDEVENTS))
def test_a_representation_is_valid(shared_dir: Path, name: str, release: Release) -> None:
    """By HL7's StructureDefinition, and by our parser of AuditEvents, without a flag."""
    event = represented(CLOUDEVENTS[name], release)
    assert profile_of(shared_dir, release).faults(event) == []
    accepted = parse_audit_event(encoded(event))
    assert accepted.format == release
    assert accepted.time_ms == CLOUDEVENTS[name].time_ms
    assert not [flag for flag in accepted.flags if flag.startswith("fhir.")]


@BOTH
def test_a_representation_is_tagged_as_such(release: Release) -> None:
    """By a tag of this project and by HL7's for transformed content; its id is the event's."""
    event = represented(CLOUDEVENTS["all members"], release)
    tags = [(tag["system"], tag["code"]) for tag in event["meta"]["tag"]]
    assert tags == [
        ("urn:audit-ledger:tag", "represented"),
        ("http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "MAPPED"),
    ]
    assert event["id"] == CLOUDEVENTS["all members"].event_id


def common_details(details: EventDetails) -> Any:
    """Return the details that both forms of an event have in common, without agents."""
    return (
        details.action,
        [coded.code for coded in details.types],
        details.subtypes,
        details.patients,
        details.digests,
        details.source,
    )


@BOTH
@pytest.mark.parametrize("name", [name for name in CLOUDEVENTS if name != "a CX"])
def test_a_representation_has_the_details_of_its_cloudevent(name: str, release: Release) -> None:
    """As the reader of AuditEvents reads them."""
    details = CLOUDEVENTS[name].details
    again = read_details(shown_event(CLOUDEVENTS[name], release).body, release)
    assert common_details(again) == common_details(details)
    agents = [(agent.who, agent.agent) for agent in details.agents]
    unknown = [(Target(), Agent((), requestor=False, is_person=False))]  # FHIR requires an agent
    assert [(agent.who, agent.agent) for agent in again.agents] == (agents or unknown)


@BOTH
def test_of_several_identifiers_the_first_with_a_system_is_shown(release: Release) -> None:
    """A Reference has one identifier; a CX is read as two."""
    again = read_details(shown_event(CLOUDEVENTS["a CX"], release).body, release)
    (patient,) = again.patients
    assert patient.identifiers == (("urn:oid:1.2.3", "7"),)


def test_a_representation_in_r4_is_complete() -> None:
    """Written out here."""
    event = represented(CLOUDEVENTS["all members"], "fhir-r4")
    del event["meta"], event["id"]
    assert event == {
        "resourceType": "AuditEvent",
        "type": {"code": "record.prescription.issued"},
        "action": "U",
        "recorded": "2026-11-22T05:59:00.500Z",
        "agent": [{"who": {"reference": "Practitioner/2", "display": "Dr Two"}, "requestor": True}],
        "source": {"observer": {"display": "urn:lab"}},
        "entity": [
            {
                "what": {
                    "reference": "Patient/1",
                    "identifier": {"system": "urn:mrn", "value": "7"},
                },
                "type": {
                    "system": "http://terminology.hl7.org/CodeSystem/audit-entity-type",
                    "code": "1",
                    "display": "Person",
                },
                "role": {
                    "system": "http://terminology.hl7.org/CodeSystem/object-role",
                    "code": "1",
                    "display": "Patient",
                },
            },
            {
                "what": {
                    "reference": "DocumentReference/3",
                    "identifier": {"system": "urn:ietf:rfc:6920", "value": DIGEST},
                    "display": "Letter",
                }
            },
        ],
    }


def test_a_representation_of_an_empty_cloudevent_has_the_required_elements() -> None:
    """In R5: type, time of receipt, source, and an unknown agent."""
    event = represented(CLOUDEVENTS["no member"], "fhir-r5")
    del event["meta"], event["id"]
    unknown = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
    assert event == {
        "resourceType": "AuditEvent",
        "category": [{"coding": [{"code": "record.prescription.issued"}]}],
        "code": {"text": "record.prescription.issued"},
        "action": "C",
        "recorded": "2026-11-26T05:59:00.456Z",
        "agent": [
            {"who": {"extension": [{"url": unknown, "valueCode": "unknown"}]}, "requestor": False}
        ],
        "source": {"observer": {"display": "urn:lab"}},
    }


def test_an_event_is_shown_byte_for_byte_in_its_release(shared_dir: Path) -> None:
    """With its id; alone, in a CloudEvent, and in base64; converted in the other release."""
    for path in audit_event_samples(shared_dir):
        body = path.read_bytes()
        own: Release = "fhir-r5" if "code" in json.loads(body) else "fhir-r4"
        for sent in (body, enveloped(body, is_base64=False), enveloped(body, is_base64=True)):
            event = accepted(sent)
            shown = shown_event(event, own)
            expected = with_id(body, event.event_id)
            if sent.startswith(b'{"specversion"') and b'"data": ' in sent:
                expected = expected.strip()
            assert shown.body == expected
            assert (shown.release, shown.is_represented) == (own, False)
            assert shown.converted_from is None
            other: Release = "fhir-r5" if own == "fhir-r4" else "fhir-r4"
            converted = shown_event(event, other)
            assert (converted.release, converted.converted_from) == (other, own)
            expected = convert(with_id(body, event.event_id), other)
            assert json.loads(converted.body) == json.loads(expected)


@pytest.mark.parametrize("event", [r4(), r5()])
def test_the_data_of_an_unusual_cloudevent_is_shown(event: dict[str, Any]) -> None:
    """Escaped names, a null beside it, the same name within."""
    inside = json.dumps(event | {"data": {"data": 1}}).encode()
    body = b'{"data_base64": null, "specversion":"1.0","id":"1","source":"data","type":"data",'
    body += b'"\\u0064ata" :\n' + inside + b" }"
    sent = accepted(body)
    shown = shown_event(sent, "fhir-r4" if "type" in event else "fhir-r5")
    assert shown.body == with_id(inside, sent.event_id)
    assert not shown.is_represented


def test_no_repr_shows_an_events_content() -> None:
    """It may be logged by mistake."""
    assert "Practitioner" not in repr(shown_event(accepted(encoded(r4())), "fhir-r4"))
