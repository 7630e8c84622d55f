"""Reports and exports are recorded in the ledger as uses."""

import re
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.demo.hospital.identifiers import MRN_SYSTEM
from tests.query.ledger_api import LedgerApi
from tests.query.report_api import HOSPITAL, access_of, disclosure_of

Json = dict[str, Any]


def request_line(use: Json) -> str:
    """Return the recorded request line of a use."""
    return next(b64decode(e["query"]).decode() for e in use["entity"] if "query" in e)


def patients_of(use: Json) -> set[str]:
    """Return the references to the patients of a use."""
    return {
        entity["what"].get("reference", "")
        for entity in use["entity"]
        if entity.get("role", {}).get("code") == "1"
    }


def test_a_report_is_recorded_with_requester_and_patients(report_api: LedgerApi) -> None:
    """Patients then see who requested a report that shows them, and that they did so themselves."""
    report_api.send(disclosure_of("rose", "Organization/court", ago=timedelta(hours=2)))
    report_api.send(access_of("martha"))
    report_api.settle()
    by_office = {
        "/accounting?patient=rose&_format=html": {"Patient/rose"},
        "/accesses?patient=rose&patient=Patient/rosemary": {"Patient/rose", "Patient/rosemary"},
        "/reports/privacy?user=Practitioner/nurse&patient=rose": {"Patient/rose"},
        "/reports/privacy?from=2020-01-01": {"Patient/rose", "Patient/martha"},
        "/export?format=csv&date=ge2020&patient=rose": {"Patient/rose"},
    }
    by_rose = ("/accounting", "/accesses", "/export?format=fhir")
    rose = report_api.patient("rose")
    for path in by_office:
        assert report_api.get(path).status_code == 200
    for path in by_rose:
        assert report_api.get(path, rose).status_code == 200
    report_api.settle()
    today = f"date=ge{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    uses = report_api.events(f"type=110101&{today}").values()
    recorded: dict[str, set[str]] = {}
    for use in uses:
        recorded.setdefault(request_line(use), set()).update(patients_of(use))
    for path, patients in by_office.items():
        masked = re.sub("(user|patient)=[^&]*", r"\1=***", path)
        assert recorded[f"GET {masked}"] == patients
    for path in by_rose:
        own = [use for use in uses if request_line(use) == f"GET {path}"]
        assert [use["agent"][0]["who"]["reference"] for use in own] == ["Patient/rose"]
        assert [patients_of(use) for use in own] == [{"Patient/rose"}]
    accesses = report_api.json("/accesses", rose)["accesses"]
    assert len(accesses) == 1 + 5 + 3 + 2  # the disclosure; uses by office, rose; exports
    assert {line["who"] for line in accesses} >= {"you"}
    martha = report_api.json("/accesses", report_api.patient("martha"))
    assert len(martha["accesses"]) == 1 + 1  # and that a report showed it


def test_an_export_of_a_record_is_accounted_as_a_disclosure(report_api: LedgerApi) -> None:
    """If the office receives it; to the patient, it is excluded."""
    report_api.send(access_of("ruth"))
    report_api.settle()
    report_api.json("/export?format=csv&patient=ruth&date=ge2020")
    report_api.json("/export?format=csv", report_api.patient("ruth"))
    report_api.settle()
    accounting = report_api.json("/accounting?patient=ruth")
    assert len(accounting["disclosures"]) == 1
    excluded = {row["exclusion"]: row["number"] for row in accounting["exclusions"]}
    assert excluded["to you"] == 1


def test_a_patient_named_by_an_identifier_is_recorded_by_it(report_api: LedgerApi) -> None:
    """It is sealed under the patient's secret."""
    claim = f"{MRN_SYSTEM}|MRN1"
    report_api.send(access_of("rose"), HOSPITAL)
    report_api.settle()
    report_api.json("/accesses", report_api.patient(claim, HOSPITAL))
    report_api.settle()
    (use,) = report_api.events("type=110101&date=ge2020", report_api.officer(HOSPITAL)).values()
    assert use["agent"][0]["who"] == {
        "type": "Patient",
        "identifier": {"system": MRN_SYSTEM, "value": "MRN1"},
    }
    report = report_api.json("/accesses", report_api.patient(claim, HOSPITAL))
    assert [line["who"] for line in report["accesses"]] == ["you"]
