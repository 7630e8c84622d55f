"""OCSF: every event holds to the published schema, of 1.5 and of what came after."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from audit_ledger.exports.ocsf import ocsf_event, ocsf_line
from audit_ledger.records.opened_event import OpenedEvent
from tests.builders.audit_event import r4, r5
from tests.builders.cloudevent import with_json
from tests.builders.opened_event import opened, opened_samples
from tests.events.test_event_details import codes_in
from tests.verify.writer import ORIGIN

VERSIONS = ("1.5.0", "1.6.0", "1.7.0", "1.8.0")
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
RESTFUL = "http://hl7.org/fhir/restful-interaction"
FILES = {3002: "authentication", 6003: "api_activity", 6005: "datastore_activity"}


@cache
def schema(version: str) -> tuple[OcsfJsonSchemaEmbedded, Any]:
    """The published schema of one version, as JSON Schemas and as it is."""
    published = get_ocsf_schema(version=version)
    return OcsfJsonSchemaEmbedded(published), published


@cache
def validator(version: str, class_uid: int) -> Any:
    """What checks events of one class."""
    schemas, _ = schema(version)
    name = schemas.lookup_class_name_from_uid(class_uid)
    return jsonschema_rs.validator_for(schemas.get_class_schema(name, []))


def checked(event: OpenedEvent, versions: tuple[str, ...] = VERSIONS) -> dict[str, Any]:
    """The event in OCSF, held against the schema, and captions against their numbers."""
    file, line = ocsf_line(event, ORIGIN)
    found: dict[str, Any] = json.loads(line)
    assert line.count(b"\n") == 1
    assert found == ocsf_event(event, ORIGIN)
    assert file == f"{FILES[found['class_uid']]}.ndjson"
    for version in versions:
        faults = [
            f"{version} {list(error.instance_path)}: {error.message}"
            for error in validator(version, found["class_uid"]).iter_errors(found)
        ]
        assert faults == []
    _, published = schema("1.5.0")
    attributes = published["classes"][FILES[found["class_uid"]]]["attributes"]
    captions = (
        ("category_uid", "category_name"),
        ("class_uid", "class_name"),
        ("type_uid", "type_name"),
        ("activity_id", "activity_name"),
        ("severity_id", "severity"),
        ("status_id", "status"),
    )
    for number, caption in captions:
        is_other = found["activity_id"] == 99 and number in ("activity_id", "type_uid")
        if not is_other and found[number] != 99:
            assert attributes[number]["enum"][str(found[number])]["caption"] == found[caption]
    return found


def test_every_sample_holds_to_the_schema(shared_dir: Path) -> None:
    """Also to those after 1.5; the schema itself would see a fault (see the next test)."""
    classes = set()
    for event in opened_samples(shared_dir):
        found = checked(event)
        classes.add(found["class_uid"])
        assert found["type_uid"] == found["class_uid"] * 100 + found["activity_id"]
        assert found["category_uid"] == found["class_uid"] // 1000
        assert found["metadata"] == {
            **found["metadata"],
            "version": "1.5.0",
            "uid": event.event_id,
            "sequence": event.seq,
            "log_name": ORIGIN,
            "log_provider": "ehr",
        }
        assert found["time"] == event.time_ms
    assert classes == set(FILES)


@pytest.mark.parametrize("fault", ["missing", "unknown", "type", "enum"])
def test_the_schema_sees_faults(fault: str) -> None:
    """A check that cannot fail is none."""
    found = ocsf_event(opened(r4()), ORIGIN)
    if fault == "missing":
        del found["src_endpoint"]
    elif fault == "unknown":
        found["actor"]["extra"] = 1
    elif fault == "type":
        found["time"] = "now"
    else:
        found["activity_id"] = 17
    assert list(validator("1.5.0", 6003).iter_errors(found))


def test_samples_lose_nothing(shared_dir: Path) -> None:
    """All codes, names and addresses of agents and entities of each sample are in its line."""
    for event in opened_samples(shared_dir):
        document = json.loads(event.resource)
        line = ocsf_line(event, ORIGIN)[1].decode()
        for agent in document["agent"]:
            address = (agent.get("network") or {}).get("address") or agent.get("networkString")
            said = [agent.get("name"), agent.get("who", {}).get("display"), address]
            said += codes_in(agent.get("type")) + codes_in(agent.get("role"))
            for text in filter(None, said):
                assert json.dumps(text, ensure_ascii=False) in line
        for entity in document.get("entity", []):
            for text in filter(None, [entity.get("name"), entity.get("query")]):
                assert json.dumps(text, ensure_ascii=False) in line
        for code in codes_in([document.get(n) for n in ("type", "subtype", "category", "code")]):
            assert f'"{code}"' in line


SAMPLES: dict[str, tuple[int, int, dict[str, Any]]] = {
    # name: class, activity, and what else a reader of the sample expects
    "r4/AuditEvent-example-login": (3002, 1, {"user.name": "Grahame Grieve"}),
    "r4/AuditEvent-example-logout": (3002, 2, {"status_id": 1}),
    "r5/audit-event-example-login": (3002, 1, {}),
    "r4/AuditEvent-example-rest": (
        6003,
        2,
        {"api.operation": "vread", "src_endpoint.hostname": "Workstation1.ehr.familyclinic.com"},
    ),
    "r4/AuditEvent-example-search": (6003, 2, {"api.operation": "search"}),
    "r4/AuditEvent-example-error": (6003, 1, {"status_id": 2, "severity_id": 3}),
    "r5/auditevent-example-error": (6003, 1, {"status_id": 2, "severity_id": 3}),
    "r4/AuditEvent-example-pixQuery": (6005, 4, {}),
    "r4/AuditEvent-example-media": (
        6005,
        1,
        {"unmapped.operation": "Distribute Document Set on Media"},
    ),
    "r4/AuditEvent-example-disclosure": (
        6005,
        1,
        {"src_endpoint.hostname": "custodian.net", "dst_endpoint.hostname": "marketing.land"},
    ),
    "r4/AuditEvent-example": (6003, 99, {"api.operation": "Application Start"}),
    "r5/auditevent-example-advanced-create": (
        6003,
        1,
        {
            "api.operation": "create",
            "src_endpoint.ip": "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
            "dst_endpoint.hostname": "server.example.com",
        },
    ),
    "balp-1.1.4/AuditEvent-ex-auditBasicReadServer": (
        6003,
        2,
        {
            # the client of a read is where the data goes to
            "src_endpoint.ip": "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
            "dst_endpoint.hostname": "server.example.com",
        },
    ),
    "balp-1.1.4/AuditEvent-ex-auditBasicDelete2": (
        6003,
        4,
        {
            "src_endpoint.ip": "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
            "dst_endpoint.hostname": "server.example.com",
        },
    ),
    "balp-1.1.4/AuditEvent-ex-auditPrivacyDisclosure-source": (6005, 1, {}),
    "balp-1.1.4/AuditEvent-ex-auditPrivacyDisclosure-recipient": (6005, 6, {}),
    "balp-1.1.4/AuditEvent-ex-auditAuthZconsent-deny": (6003, 99, {"severity_id": 3}),
    "balp-1.1.4/AuditEvent-ex-auditPoke-SAML-Min": (6003, 2, {"api.operation": "Boredom poke"}),
}


def at(found: Any, path: str) -> Any:
    """What stands at `a.b`."""
    for name in path.split("."):
        found = found[name]
    return found


def test_samples_are_what_a_reader_takes_them_for(shared_dir: Path) -> None:
    """Class, activity and endpoints, read off the samples by eye."""
    by_content = {event.resource: event for event in opened_samples(shared_dir)}
    for name, (class_uid, activity_id, more) in SAMPLES.items():
        event = by_content[(shared_dir / "samples" / f"{name}.json").read_bytes()]
        found = checked(event, ("1.5.0",))
        assert (found["class_uid"], found["activity_id"]) == (class_uid, activity_id), name
        for path, value in more.items():
            assert at(found, path) == value, (name, path)


def dicom(code: str) -> dict[str, str]:
    """A code of DICOM."""
    return {"system": DICOM, "code": code}


CLASSES: list[tuple[dict[str, Any], int, int]] = [
    (r4(type=dicom("110114"), action="E"), 3002, 99),
    (r4(type=dicom("110114"), subtype=[dicom("110122")], action="E"), 3002, 1),
    (r4(subtype=[dicom("110126")]), 3002, 99),
    (r4(type={"code": "110114"}), 6003, 2),  # of no system: not DICOM's
    (r4(type=dicom("110112"), action="E"), 6005, 4),
    (r4(type=dicom("110112"), action=None), 6005, 4),
    (r4(type=dicom("110107"), action="C"), 6005, 6),
    (r4(type=dicom("110110"), action="U"), 6005, 2),
    (r4(type=dicom("110105"), action="D"), 6005, 7),
    (r4(type=dicom("110103"), action="E"), 6005, 99),
    (r4(type=dicom("110103"), action=None), 6005, 0),
    (r4(type=dicom("110108"), action="E"), 6003, 99),
    (r4(action="C"), 6003, 1),
    (r4(action="R"), 6003, 2),
    (r4(action="U"), 6003, 3),
    (r4(action="D"), 6003, 4),
    (r4(action="E"), 6003, 99),
    (r4(action=None), 6003, 0),
    (r4(action="E", subtype=[{"system": RESTFUL, "code": "history-type"}]), 6003, 2),
    (r4(action="E", subtype=[{"system": RESTFUL, "code": "transaction"}]), 6003, 99),
]


@pytest.mark.parametrize(("document", "class_uid", "activity_id"), CLASSES)
def test_class_and_activity(document: Any, class_uid: int, activity_id: int) -> None:
    """As the tables of the module have it."""
    found = checked(opened(document))
    assert (found["class_uid"], found["activity_id"]) == (class_uid, activity_id)


@pytest.mark.parametrize(
    ("outcome", "status_id", "severity_id"),
    [("0", 1, 1), ("4", 2, 2), ("8", 2, 3), ("12", 2, 4), ("nonsense", 99, 0), (None, 0, 0)],
)
def test_outcomes_of_r4(outcome: str | None, status_id: int, severity_id: int) -> None:
    """`status_code` keeps the code."""
    found = checked(opened(r4(outcome=outcome, outcomeDesc="why")))
    assert (found["status_id"], found["severity_id"]) == (status_id, severity_id)
    assert found.get("status_code") == outcome


@pytest.mark.parametrize(
    ("code", "status_id", "severity_id"),
    [("success", 1, 1), ("information", 1, 1), ("warning", 2, 2), ("error", 2, 3), ("fatal", 2, 4)],
)
def test_outcomes_of_r5(code: str, status_id: int, severity_id: int) -> None:
    """Issue severities, and their text as detail."""
    outcome = {"code": {"code": code}, "detail": [{"text": "why"}]}
    found = checked(opened(r5(outcome=outcome)))
    assert (found["status_id"], found["severity_id"]) == (status_id, severity_id)
    assert found["status_detail"] == "why"


@pytest.mark.parametrize(
    ("address", "endpoint"),
    [
        ("10.0.0.1", {"ip": "10.0.0.1"}),
        ("urn:ipv6:2001:db8::1", {"ip": "2001:db8::1"}),
        ("fe80::1%eth0", {"ip": "fe80::1%eth0"}),
        ("ward-7", {"hostname": "ward-7"}),
        ("http://a.example:8080/fhir", {"hostname": "a.example", "port": 8080}),
        ("https://[2001:db8::1]/fhir", {"ip": "2001:db8::1"}),
        ("http://a.example:99999/", {"hostname": "http://a.example:99999/"}),
        ("fe80::1%" + "e" * 40, {"hostname": "fe80::1%" + "e" * 40}),
        ("http://[broken", {"hostname": "http://[broken"}),
        ("mailto:a@b", {"hostname": "mailto:a@b"}),
    ],
)
def test_addresses(address: str, endpoint: dict[str, Any]) -> None:
    """Whatever FHIR calls an address becomes what OCSF has for it."""
    agent = {"type": {"coding": [dicom("110153")]}, "network": {"address": address}}
    found = checked(opened(r4(agent=[agent])))
    assert found["src_endpoint"] == endpoint


def test_who_acted() -> None:
    """The person who asked, and the application at the client."""
    person = {"who": {"reference": "Practitioner/1"}, "name": "One", "requestor": True}
    other = {"who": {"reference": "Practitioner/2"}, "requestor": False}
    client = {
        "who": {"reference": "Device/3", "display": "App"},
        "type": {"coding": [dicom("110153")]},
        "requestor": False,
    }
    found = checked(opened(r4(agent=[client, other, person])))
    assert found["actor"] == {
        "user": {"name": "One", "uid": "Practitioner/1", "type_id": 1, "type": "User"},
        "app_name": "App",
        "app_uid": "Device/3",
    }
    assert checked(opened(r4(agent=[client])))["actor"] == {
        "app_name": "App",
        "app_uid": "Device/3",
    }


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    """Never left out where OCSF requires it, never made up."""
    found = checked(opened(r4(agent=[], source=None, type=dicom("110103"), action=None)))
    assert found["actor"] == {"app_name": "Unknown"}
    assert found["src_endpoint"] == {"name": "Unknown"}
    assert found["database"] == {"name": "ehr", "type_id": 0, "type": "Unknown"}
    found = checked(opened(r4(agent=[], type=dicom("110114"))))
    assert found["user"] == {"name": "Unknown", "type_id": 0, "type": "Unknown"}
    checked(opened(r4(type=None, agent=[{}], entity=[{}], source={})))


def test_flags_and_conflict_are_labels() -> None:
    """So that a SIEM filters by them."""
    event = opened(r4(), flags=("fhir.no-source",), conflict=True)
    assert checked(event)["metadata"]["labels"] == ["fhir.no-source", "conflict"]


def test_a_query_is_read_and_kept() -> None:
    """Its text in `query_info`, as submitted in the resource."""
    entity = [{"query": "bmFtZT1Nw7xsbGVy"}, {"query": "not base64"}]
    found = checked(opened(r4(type=dicom("110112"), entity=entity)))
    assert found["query_info"]["query_string"] == "name=Müller"
    assert found["unmapped"]["resources"][0]["data"] == {"query": "bmFtZT1Nw7xsbGVy"}
    found = checked(opened(r4(type=dicom("110112"), entity=entity[1:])))
    assert found["query_info"]["query_string"] == "not base64"


EVENTS: list[tuple[Callable[[], dict[str, Any]], int]] = [
    (lambda: with_json({"action": "R"}, type="record.note.viewed"), 6005),
    (lambda: with_json({"patient": {"reference": "Patient/1"}}, type="record.note.signed"), 6005),
    (lambda: with_json(r5(), subject="Patient/1"), 6003),
    (lambda: with_json("anything"), 6003),
]


@pytest.mark.parametrize(("event", "class_uid"), EVENTS)
def test_cloudevents(event: Callable[[], dict[str, Any]], class_uid: int) -> None:
    """Record events are about data; what nobody read has its type as operation."""
    found = checked(opened(event()))
    assert found["class_uid"] == class_uid
    if event is EVENTS[-1][0]:
        assert found["api"]["operation"] == "org.example.fhir"
        assert found["activity_id"] == 0
