"""The AuditEvent that is shown of a record: the sender's bytes, or one made as FHIR demands."""

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
from tests.builders.audit_event import encoded, r4, r5
from tests.builders.cloudevent import enveloped
from tests.builders.opened_event import accepted
from tests.search.fhir_shape import faults
from tests.search.samples import samples

DIGEST = "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk"
RELEASES: dict[Release, str] = {"fhir-r4": "R4", "fhir-r5": "R5"}
BOTH = pytest.mark.parametrize("release", list(RELEASES))


def cloudevent(type_: str = "record.prescription.issued", **attributes: Any) -> OpenedEvent:
    """A CloudEvent that carries no AuditEvent."""
    envelope = {"specversion": "1.0", "id": "1", "source": "urn:lab", "type": type_}
    return accepted(encoded(envelope | attributes))


FULL = {
    "patient": {"reference": "Patient/1", "identifier": {"system": "urn:mrn", "value": "7"}},
    "actor": {"reference": "https://a.example/Practitioner/2", "display": "Dr Two"},
    "action": "U",
    "document": {"reference": "DocumentReference/3", "display": "Letter", "digest": DIGEST},
}
MADE = {
    "all of it": cloudevent(time="2026-11-22T06:59:00.5+01:00", data=FULL),
    "nothing": cloudevent(),
    "nobody in it": cloudevent(data={"patient": {}, "actor": {}, "document": {}}),
    "a subject": cloudevent("record.result.filed", subject="Patient/9"),
    "an identifier without system": cloudevent(data={"patient": {"identifier": {"value": "7"}}}),
    "a CX": cloudevent(data={"patient": {"identifier": {"value": "7^^^&1.2.3&ISO"}}}),
    "a document by identifier": cloudevent(data={"document": {"identifier": {"value": "d"}}}),
    "other data": cloudevent("door.opened", subject="Patient/9", data={"door": 1}),
    "bytes": cloudevent("door.opened", data_base64="AAEC", datacontenttype="image/png"),
}


def represented(event: OpenedEvent, release: Release) -> dict[str, Any]:
    """The AuditEvent made of it."""
    shown = shown_event(event, release)
    assert shown.is_represented
    assert shown.release == release
    document: dict[str, Any] = json.loads(shown.body)
    return document


@BOTH
def test_the_check_itself_sees_faults(shared_dir: Path, release: Release) -> None:
    """HL7's definition, read by us: each element that it demands is missed, and none is made up."""
    profiles = shared_dir / "samples" / "profiles"
    event = represented(MADE["all of it"], release)
    demanded = {"recorded", "agent", "source", "type" if release == "fhir-r4" else "code"}
    for name in demanded:
        rest = {n: value for n, value in event.items() if n != name}
        assert faults(rest, profiles, RELEASES[release]) == [f"AuditEvent.{name}: missing"]
    event["agent"][0] = {"made": "up"}
    missing = "requestor" if release == "fhir-r4" else "who"
    assert faults(event, profiles, RELEASES[release]) == [
        "AuditEvent.agent.made: unknown",
        f"AuditEvent.agent.{missing}: missing",
    ]


@BOTH
@pytest.mark.parametrize("name", list(MADE))
def test_one_that_is_made_is_valid(shared_dir: Path, name: str, release: Release) -> None:
    """All that HL7's StructureDefinition demands, nothing that it does not know; we accept it."""
    event = represented(MADE[name], release)
    assert faults(event, shared_dir / "samples" / "profiles", RELEASES[release]) == []
    accepted = parse_audit_event(encoded(event))
    assert accepted.format == release
    assert accepted.time_ms == MADE[name].time_ms
    assert not [flag for flag in accepted.flags if flag.startswith("fhir.")]


@BOTH
def test_nobody_takes_it_for_the_senders_words(release: Release) -> None:
    """Two tags: ours, and HL7's for what was transformed; and the id that it has here."""
    event = represented(MADE["all of it"], release)
    tags = [(tag["system"], tag["code"]) for tag in event["meta"]["tag"]]
    assert tags == [
        ("urn:audit-ledger:tag", "represented"),
        ("http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "MAPPED"),
    ]
    assert event["id"] == MADE["all of it"].event_id


def said(details: EventDetails) -> Any:
    """What both forms of an event must say alike, but for who did it."""
    return (
        details.action,
        [coded.code for coded in details.types],
        details.subtypes,
        details.patients,
        details.digests,
        details.source,
    )


@BOTH
@pytest.mark.parametrize("name", [name for name in MADE if name != "a CX"])
def test_it_says_what_the_cloudevent_says(name: str, release: Release) -> None:
    """Read again by the reader of AuditEvents: nothing more and nothing else."""
    details = MADE[name].details
    again = read_details(shown_event(MADE[name], release).body, release)
    assert said(again) == said(details)
    agents = [(agent.who, agent.agent) for agent in details.agents]
    nobody = [(Target(), Agent((), requestor=False, is_person=False))]  # FHIR demands an agent
    assert [(agent.who, agent.agent) for agent in again.agents] == (agents or nobody)


@BOTH
def test_of_several_identifiers_the_one_with_a_system_remains(release: Release) -> None:
    """FHIR has one a Reference; a CX is taken apart into two."""
    again = read_details(shown_event(MADE["a CX"], release).body, release)
    (patient,) = again.patients
    assert patient.identifiers == (("urn:oid:1.2.3", "7"),)


def test_a_whole_record_event_in_r4() -> None:
    """Read by eye."""
    event = represented(MADE["all of it"], "fhir-r4")
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


def test_of_nothing_there_is_what_is_known_in_r5() -> None:
    """Type, time of receipt, source; and an agent whom nobody knows."""
    event = represented(MADE["nothing"], "fhir-r5")
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


def test_what_a_sender_wrote_is_shown_byte_for_byte(shared_dir: Path) -> None:
    """But for the id: alone, in a CloudEvent, in base64; where its own release was asked for."""
    for body in samples(shared_dir):
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
            there = convert(with_id(body, event.event_id), other)
            assert json.loads(converted.body) == json.loads(there)


@pytest.mark.parametrize("event", [r4(), r5()])
def test_members_around_the_data_do_not_mislead(event: dict[str, Any]) -> None:
    """Escaped names, a null beside it, the same word within."""
    inside = json.dumps(event | {"data": {"data": 1}}).encode()
    body = b'{"data_base64": null, "specversion":"1.0","id":"1","source":"data","type":"data",'
    body += b'"\\u0064ata" :\n' + inside + b" }"
    sent = accepted(body)
    shown = shown_event(sent, "fhir-r4" if "type" in event else "fhir-r5")
    assert shown.body == with_id(inside, sent.event_id)
    assert not shown.is_represented


def test_no_repr_shows_what_is_inside() -> None:
    """An event may end up in a message by mistake."""
    assert "Practitioner" not in repr(shown_event(accepted(encoded(r4())), "fhir-r4"))
