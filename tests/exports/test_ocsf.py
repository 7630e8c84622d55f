"""OCSF: every event conforms to the published schema, of 1.5 and of later versions."""

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
    """Return the published schema of a version, as JSON Schemas and as published."""
    published = get_ocsf_schema(version=version)
    return OcsfJsonSchemaEmbedded(published), published


@cache
def validator(version: str, class_uid: int) -> Any:
    """Return the validator of one class."""
    schemas, _ = schema(version)
    name = schemas.lookup_class_name_from_uid(class_uid)
    return jsonschema_rs.validator_for(schemas.get_class_schema(name, []))


def checked(event: OpenedEvent, versions: tuple[str, ...] = VERSIONS) -> dict[str, Any]:
    """Return the event in OCSF, after comparing it with the schema and numbers with captions."""
    file, line = ocsf_line(event, ORIGIN)
    ocsf: dict[str, Any] = json.loads(line)
    assert line.count(b"\n") == 1
    assert ocsf == ocsf_event(event, ORIGIN)
    assert file == f"{FILES[ocsf['class_uid']]}.ndjson"
    for version in versions:
        faults = [
            f"{version} {list(error.instance_path)}: {error.message}"
            for error in validator(version, ocsf["class_uid"]).iter_errors(ocsf)
        ]
        assert faults == []
    _, published = schema("1.5.0")
    attributes = published["classes"][FILES[ocsf["class_uid"]]]["attributes"]
    captions = (
        ("category_uid", "category_name"),
        ("class_uid", "class_name"),
        ("type_uid", "type_name"),
        ("activity_id", "activity_name"),
        ("severity_id", "severity"),
        ("status_id", "status"),
    )
    for number, caption in captions:
        is_other = ocsf["activity_id"] == 99 and number in ("activity_id", "type_uid")
        if not is_other and ocsf[number] != 99:
            assert attributes[number]["enum"][str(ocsf[number])]["caption"] == ocsf[caption]
    return ocsf


def test_samples_conform_to_the_schema(shared_dir: Path) -> None:
    """Of 1.5 and of later versions."""
    classes = set()
    for event in opened_samples(shared_dir):
        ocsf = checked(event)
        classes.add(ocsf["class_uid"])
        assert ocsf["type_uid"] == ocsf["class_uid"] * 100 + ocsf["activity_id"]
        assert ocsf["category_uid"] == ocsf["class_uid"] // 1000
        assert ocsf["metadata"] == {
            **ocsf["metadata"],
            "version": "1.5.0",
            "uid": event.event_id,
            "sequence": event.seq,
            "log_name": ORIGIN,
            "log_provider": "ehr",
        }
        assert ocsf["time"] == event.time_ms
    assert classes == set(FILES)


@pytest.mark.parametrize("fault", ["missing", "unknown", "type", "enum"])
def test_schema_detects_faults(fault: str) -> None:
    """Otherwise conformance would prove nothing."""
    ocsf = ocsf_event(opened(r4()), ORIGIN)
    if fault == "missing":
        del ocsf["src_endpoint"]
    elif fault == "unknown":
        ocsf["actor"]["extra"] = 1
    elif fault == "type":
        ocsf["time"] = "now"
    else:
        ocsf["activity_id"] = 17
    assert list(validator("1.5.0", 6003).iter_errors(ocsf))


def test_line_contains_all_of_a_sample(shared_dir: Path) -> None:
    """All codes, names and addresses of agents and entities."""
    for event in opened_samples(shared_dir):
        document = json.loads(event.resource)
        line = ocsf_line(event, ORIGIN)[1].decode()
        for agent in document["agent"]:
            address = (agent.get("network") or {}).get("address") or agent.get("networkString")
            texts = [agent.get("name"), agent.get("who", {}).get("display"), address]
            texts += codes_in(agent.get("type")) + codes_in(agent.get("role"))
            for text in filter(None, texts):
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


def at(value: Any, path: str) -> Any:
    """Return the value at `a.b`."""
    for name in path.split("."):
        value = value[name]
    return value


def test_classifies_samples_as_a_reader_does(shared_dir: Path) -> None:
    """Class, activity and endpoints, determined by hand."""
    by_content = {event.resource: event for event in opened_samples(shared_dir)}
    for name, (class_uid, activity_id, more) in SAMPLES.items():
        event = by_content[(shared_dir / "samples" / f"{name}.json").read_bytes()]
        ocsf = checked(event, ("1.5.0",))
        assert (ocsf["class_uid"], ocsf["activity_id"]) == (class_uid, activity_id), name
        for path, value in more.items():
            assert at(ocsf, path) == value, (name, path)


def dicom(code: str) -> dict[str, str]:
    """Return a code of DICOM."""
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
def test_class_and_activity_follow_the_tables(
    document: Any, class_uid: int, activity_id: int
) -> None:
    """Those in the docstring of the module."""
    ocsf = checked(opened(document))
    assert (ocsf["class_uid"], ocsf["activity_id"]) == (class_uid, activity_id)


@pytest.mark.parametrize(
    ("r4_code", "r5_code", "status_id", "severity_id"),
    [
        ("0", "success", 1, 1),
        ("0", "information", 1, 1),
        ("4", "warning", 2, 2),
        ("8", "error", 2, 3),
        ("12", "fatal", 2, 4),
        ("nonsense", "nonsense", 99, 0),
        (None, None, 0, 0),
    ],
)
def test_maps_outcomes(
    r4_code: str | None, r5_code: str | None, status_id: int, severity_id: int
) -> None:
    """`status_code` is the code, `status_detail` the text."""
    r5_outcome = {"code": {"code": r5_code}, "detail": [{"text": "why"}]} if r5_code else None
    for document, code, detail in (
        (r4(outcome=r4_code, outcomeDesc="why"), r4_code, "why"),
        (r5(outcome=r5_outcome), r5_code, "why" if r5_code else None),
    ):
        ocsf = checked(opened(document))
        assert (ocsf["status_id"], ocsf["severity_id"]) == (status_id, severity_id)
        assert (ocsf.get("status_code"), ocsf.get("status_detail")) == (code, detail)


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
def test_maps_addresses_to_endpoints(address: str, endpoint: dict[str, Any]) -> None:
    """Every form that FHIR calls an address."""
    agent = {"type": {"coding": [dicom("110153")]}, "network": {"address": address}}
    ocsf = checked(opened(r4(agent=[agent])))
    assert ocsf["src_endpoint"] == endpoint


def test_actor_is_the_requesting_person_at_the_client() -> None:
    """Without a person, it is the application."""
    person = {"who": {"reference": "Practitioner/1"}, "name": "One", "requestor": True}
    other = {"who": {"reference": "Practitioner/2"}, "requestor": False}
    client = {
        "who": {"reference": "Device/3", "display": "App"},
        "type": {"coding": [dicom("110153")]},
        "requestor": False,
    }
    ocsf = checked(opened(r4(agent=[client, other, person])))
    assert ocsf["actor"] == {
        "user": {"name": "One", "uid": "Practitioner/1", "type_id": 1, "type": "User"},
        "app_name": "App",
        "app_uid": "Device/3",
    }
    assert checked(opened(r4(agent=[client])))["actor"] == {
        "app_name": "App",
        "app_uid": "Device/3",
    }


def test_missing_required_attributes_are_unknown() -> None:
    """They are neither omitted nor invented."""
    ocsf = checked(opened(r4(agent=[], source=None, type=dicom("110103"), action=None)))
    assert ocsf["actor"] == {"app_name": "Unknown"}
    assert ocsf["src_endpoint"] == {"name": "Unknown"}
    assert ocsf["database"] == {"name": "ehr", "type_id": 0, "type": "Unknown"}
    ocsf = checked(opened(r4(agent=[], type=dicom("110114"))))
    assert ocsf["user"] == {"name": "Unknown", "type_id": 0, "type": "Unknown"}
    checked(opened(r4(type=None, agent=[{}], entity=[{}], source={})))


def test_flags_and_conflict_are_labels() -> None:
    """A SIEM can filter by them."""
    event = opened(r4(), flags=("fhir.no-source",), conflict=True)
    assert checked(event)["metadata"]["labels"] == ["fhir.no-source", "conflict"]


def test_query_is_decoded_and_also_exported_as_sent() -> None:
    """Its text in `query_info`, as submitted in the resource."""
    entity = [{"query": "bmFtZT1Nw7xsbGVy"}, {"query": "not base64"}]
    ocsf = checked(opened(r4(type=dicom("110112"), entity=entity)))
    assert ocsf["query_info"]["query_string"] == "name=Müller"
    assert ocsf["unmapped"]["resources"][0]["data"] == {"query": "bmFtZT1Nw7xsbGVy"}
    ocsf = checked(opened(r4(type=dicom("110112"), entity=entity[1:])))
    assert ocsf["query_info"]["query_string"] == "not base64"


EVENTS: list[tuple[Callable[[], dict[str, Any]], int]] = [
    (lambda: with_json({"action": "R"}, type="record.note.viewed"), 6005),
    (lambda: with_json({"patient": {"reference": "Patient/1"}}, type="record.note.signed"), 6005),
    (lambda: with_json(r5(), subject="Patient/1"), 6003),
    (lambda: with_json("anything"), 6003),
]


@pytest.mark.parametrize(("event", "class_uid"), EVENTS)
def test_classifies_cloudevents(event: Callable[[], dict[str, Any]], class_uid: int) -> None:
    """Record events concern data; the operation of unknown events is their type."""
    ocsf = checked(opened(event()))
    assert ocsf["class_uid"] == class_uid
    if event is EVENTS[-1][0]:
        assert ocsf["api"]["operation"] == "org.example.fhir"
        assert ocsf["activity_id"] == 0
