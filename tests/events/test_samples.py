"""Every AuditEvent that HL7 (R4, R5) and IHE (BALP) publish as an example is accepted unchanged."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from audit_ledger.events import (
    PatientRule,
    canonical_agent,
    canonical_patient,
    parse_audit_event,
)
from tests.builders.audit_event import audit_event_samples

BY_REFERENCE = PatientRule(namespace="portal:ehr")


@pytest.fixture(scope="session")
def samples(shared_dir: Path) -> list[Path]:
    """Return the paths of all samples of R4, R5 and BALP."""
    return audit_event_samples(shared_dir)


def test_there_are_samples_of_every_kind(samples: list[Path]) -> None:
    """9 of R4, 9 of R5 and 46 of BALP 1.1.4."""
    folders = [path.parent.name for path in samples]
    assert {name: folders.count(name) for name in set(folders)} == {
        "r4": 9,
        "r5": 9,
        "balp-1.1.4": 46,
    }


def test_each_sample_is_stored_byte_for_byte(samples: list[Path]) -> None:
    """Its only part is the file; nothing is cut."""
    for path in samples:
        (part,) = parse_audit_event(path.read_bytes()).parts
        assert part.resource == path.read_bytes(), path.name
        assert part.cut == (), path.name


def test_each_sample_has_the_release_of_its_folder(samples: list[Path]) -> None:
    """The content alone determines it, and a matching media type changes nothing."""
    for path in samples:
        release, version = ("fhir-r5", "5.0") if path.parent.name == "r5" else ("fhir-r4", "4.0")
        assert parse_audit_event(path.read_bytes()).format == release, path.name
        assert parse_audit_event(path.read_bytes(), version).format == release, path.name


def test_no_balp_sample_has_a_balp_fault(samples: list[Path]) -> None:
    """IHE's examples conform to IHE's profiles."""
    for path in samples:
        faults = [f for f in parse_audit_event(path.read_bytes()).flags if f.startswith("balp.")]
        assert faults == [], path.name


def test_the_only_flags_are_those_of_agents_without_identity(samples: list[Path]) -> None:
    """Users with only a display (BALP's, one of R5's), one user with only a token."""
    flagged: dict[str, list[str]] = {}
    for path in samples:
        for flag in parse_audit_event(path.read_bytes()).flags:
            flagged.setdefault(flag, []).append(path.name)
    assert set(flagged) == {"agent.display-only", "agent.unidentified"}
    assert flagged["agent.unidentified"] == ["AuditEvent-ex-auditBasicReadOServerMin.json"]
    for path in samples:
        users = [
            agent
            for agent in json.loads(path.read_bytes())["agent"]
            if agent.get("requestor") and set(agent.get("who", {})) == {"display"}
        ]
        is_flagged = path.name in flagged["agent.display-only"]
        assert is_flagged == bool(users), path.name


def test_patients_are_those_that_a_text_search_finds(samples: list[Path]) -> None:
    """Each sample with `Patient/…` anywhere but in its narrative is about that patient."""
    for path in samples:
        document = json.loads(path.read_bytes())
        document.pop("text", None)
        expected = None
        for candidate in ("Patient/ex-patient", "Patient/example"):
            if f'"{candidate}' in json.dumps(document):
                expected = f"portal:ehr/{candidate}"
        (part,) = parse_audit_event(path.read_bytes()).parts
        found = part.patient and canonical_patient(BY_REFERENCE, part.patient)
        assert found == expected, path.name


def test_a_patient_with_only_an_identifier_is_found_by_system(samples: list[Path]) -> None:
    """The PIX query and the media export name one as `id^^^&oid&ISO`, which is parsed."""
    rule = PatientRule(system="urn:oid:2.16.840.1.113883.4.2")
    by_name = {path.name: path for path in samples}
    for name in ("AuditEvent-example-pixQuery.json", "AuditEvent-example-media.json"):
        (part,) = parse_audit_event(by_name[name].read_bytes()).parts
        assert part.patient is not None
        assert canonical_patient(rule, part.patient) == f"{rule.system}|e3cdfc81a0d24bd"


STAFF_95 = ("identifier||95", True, True)
WORKSTATION = (
    "identifier|urn:oid:2.16.840.1.113883.4.2|2.16.840.1.113883.4.2",
    False,
    False,
)
EX_DEVICE = ("reference|Device/ex-device", False, False)
READ_BY_EYE: dict[str, tuple[str | None, list[tuple[str | None, bool, bool]]]] = {
    # name: patient; canonical identifier, requestor and person of each agent
    "AuditEvent-example.json": (None, [("identifier||Grahame", False, True), WORKSTATION]),
    "AuditEvent-example-rest.json": ("portal:ehr/Patient/example", [STAFF_95, WORKSTATION]),
    "AuditEvent-example-disclosure.json": (
        "portal:ehr/Patient/example",
        [
            ("reference|Practitioner/example", False, True),
            ("identifier||SomeIdiot@nowhere", True, False),
        ],
    ),
    "audit-event-example-search.json": (None, [STAFF_95, WORKSTATION]),
    "audit-event-example-create-traceID.json": (
        "portal:ehr/Patient/example",
        [STAFF_95, WORKSTATION],
    ),
    "auditevent-example-consent-authz.json": (
        "portal:ehr/Patient/example",
        [("identifier|https://github.com/synthetichealth/synthea|Org1", True, False)],
    ),
    "auditevent-example-advanced-create.json": (
        "portal:ehr/Patient/example",
        [
            ("display|Betty Jones", True, True),
            ("display|myMachine.example.org", False, False),
            ("reference|Device/example", False, False),
        ],
    ),
    "AuditEvent-ex-auditPrivacyDisclosure-recipient.json": (
        "portal:ehr/Patient/ex-patient",
        [
            ("reference|Patient/ex-patient", True, True),
            ("display|myMachine.example.org", False, False),
            EX_DEVICE,
        ],
    ),
    "AuditEvent-ex-auditBasicReadOServerMin.json": (
        "portal:ehr/Patient/ex-patient",
        [(None, True, True), EX_DEVICE, ("display|myMachine.example.org", False, False)],
    ),
    "AuditEvent-ex-auditBasicUpdateNoPatient.json": (
        None,
        [("display|myMachine.example.org", False, False), EX_DEVICE],
    ),
}


def test_patients_and_agents_of_samples_are_indexed_as_read_by_eye(samples: list[Path]) -> None:
    """Agents without `who`, with only a display, and agents who are patients among them."""
    by_name = {path.name: path for path in samples}
    for name, (patient, agents) in READ_BY_EYE.items():
        event = parse_audit_event(by_name[name].read_bytes())
        found = event.parts[0].patient
        assert (found and canonical_patient(BY_REFERENCE, found)) == patient, name
        assert [(canonical_agent(a), a.requestor, a.is_person) for a in event.agents] == agents


def test_times_and_actions_are_those_of_the_samples(samples: list[Path]) -> None:
    """`recorded` in milliseconds, parsed by Python; `action` unchanged."""
    for path in samples:
        document = json.loads(path.read_bytes())
        event = parse_audit_event(path.read_bytes())
        moment = datetime.fromisoformat(document["recorded"])
        assert event.time_ms == round(moment.timestamp() * 1000), path.name
        assert event.action == document.get("action"), path.name
