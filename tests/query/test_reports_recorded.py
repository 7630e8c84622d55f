"""Reports and exports are uses of the ledger, and are found in it afterwards."""

import re
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.demo.hospital.identifiers import MRN_SYSTEM
from tests.query.ledger_api import LedgerApi
from tests.query.report_api import deployed_report_api, disclosure_of, read_of

HOSPITAL = "st-elsewhere"

Json = dict[str, Any]


@pytest.fixture
def report_api() -> Iterator[LedgerApi]:
    """Ledgers of one test."""
    with deployed_report_api() as report_api:
        yield report_api


def query_of(event: Json) -> str:
    return next(b64decode(e["query"]).decode() for e in event["entity"] if "query" in e)


def whom(event: Json) -> set[str]:
    return {
        entity["what"].get("reference", "")
        for entity in event["entity"]
        if entity.get("role", {}).get("code") == "1"
    }


def test_each_use_is_found_in_the_ledger_afterwards(report_api: LedgerApi) -> None:
    """What was asked, by whom and whom about; the patient sees who asked for the own record."""
    report_api.send(disclosure_of("rose", "Organization/court", ago=timedelta(hours=2)))
    report_api.send(read_of("martha"))
    report_api.settle()
    asked = {
        "/accounting?patient=rose&_format=html": {"Patient/rose"},
        "/accesses?patient=rose&patient=Patient/rosemary": {"Patient/rose", "Patient/rosemary"},
        "/reports/privacy?user=Practitioner/nurse&patient=rose": {"Patient/rose"},
        "/reports/privacy?from=2020-01-01": {"Patient/rose", "Patient/martha"},
        "/export?format=csv&date=ge2020&patient=rose": {"Patient/rose"},
    }
    for path in asked:
        assert report_api.get(path, report_api.security).status_code == 200
    rose = report_api.patient("rose")
    for path in ("/accounting", "/accesses", "/export?format=fhir"):
        assert report_api.get(path, rose).status_code == 200
    report_api.settle()
    today = f"date=ge{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    uses = report_api.events(f"type=110101&{today}", report_api.security)
    found: dict[str, set[str]] = {}
    for event in uses.values():
        found.setdefault(query_of(event), set()).update(whom(event))
    for path, patients in asked.items():
        kept = re.sub("(user|patient)=[^&]*", r"\1=***", path)
        assert found[f"GET {kept}"] == patients
    for path in ("/accounting", "/accesses", "/export?format=fhir"):
        own = [e for e in uses.values() if query_of(e) == f"GET {path}"]
        assert [event["agent"][0]["who"]["reference"] for event in own] == ["Patient/rose"]
        assert [whom(event) for event in own] == [{"Patient/rose"}]
    told = report_api.json("/accesses", rose)
    assert len(told["accesses"]) == 1 + 5 + 3 + 2  # the disclosure; uses by office, rose; exports
    assert {line["who"] for line in told["accesses"]} >= {"you"}
    martha = report_api.json("/accesses", report_api.patient("martha"))
    assert len(martha["accesses"]) == 1 + 1  # and that a report showed it


def test_an_export_of_ones_record_is_a_disclosure_to_who_exported(report_api: LedgerApi) -> None:
    """To the office, it is accounted for; to the patient, the rule excludes it."""
    report_api.send(read_of("rose"))
    report_api.settle()
    report_api.json("/export?format=csv&patient=rose&date=ge2020", report_api.security)
    report_api.json("/export?format=csv", report_api.patient("rose"))
    report_api.settle()
    told = report_api.json("/accounting?patient=rose", report_api.security)
    assert len(told["disclosures"]) == 1
    left_out = {row["exclusion"]: row["number"] for row in told["exclusions"]}
    assert left_out["to you"] == 1


def test_a_patient_named_by_an_identifier_asks_as_that_patient(report_api: LedgerApi) -> None:
    """The record of the use names them by it, and falls with their secret."""
    claim = f"{MRN_SYSTEM}|MRN1"
    report_api.send(read_of("rose"), HOSPITAL)
    report_api.settle()
    report_api.json("/accesses", report_api.patient(claim, HOSPITAL))
    report_api.settle()
    (event,) = report_api.events("type=110101&date=ge2020", report_api.officer(HOSPITAL)).values()
    assert event["agent"][0]["who"] == {
        "type": "Patient",
        "identifier": {"system": MRN_SYSTEM, "value": "MRN1"},
    }
    told = report_api.json("/accesses", report_api.patient(claim, HOSPITAL))
    assert [line["who"] for line in told["accesses"]] == ["you"]
