"""Accountings, accesses and privacy reports over HTTP, recounted from the JSON that was sent."""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

import pytest

from audit_ledger.events.instant import parse_instant_ms
from infra.demo.hospital import ClinicalEvent, ScheduledScenario, hospital_day, world_of
from infra.demo.hospital.anomalies import copied_out
from infra.demo.hospital.identifiers import MRN_SYSTEM
from infra.demo.hospital.population import World
from tests.builders.audit_event import audit_event_samples
from tests.demo.hospital.recount import codes_in, patients_of, resources
from tests.query.ledger_api import LedgerApi
from tests.query.report_api import HOSPITAL, MASKED, PLAIN, YESTERDAY

SEED, EVENTS = 7, 400
DAYS = f"from={YESTERDAY}&to={YESTERDAY}"
EVER = "from=1990-01-01"
OF_EX_PATIENT = f"/accesses?patient=ex-patient&{EVER}"

Json = dict[str, Any]


def copies_at_request(world: World, random: Random, time_ms: int) -> Iterator[ClinicalEvent]:
    """Disclose summaries to recipients whom patients named: such disclosures are not excluded."""
    clerk = world.someone(random, time_ms, "clerk")
    for number, encounter in enumerate(world.encounters[:5]):
        for copy in range(1 + number % 3):
            yield ClinicalEvent(
                time_ms + copy * 1000,
                "ehr",
                "export",
                clerk,
                (encounter.patient,),
                encounter,
                f"DocumentReference/{number}-{copy}",
                purpose="PATRQT",
            )


DAY = list(
    hospital_day(
        SEED,
        EVENTS,
        day=YESTERDAY,
        also=[
            ScheduledScenario(9, 0, copies_at_request),
            ScheduledScenario(11, 0, copied_out(patients=6)),
        ],
    )
)
PATIENTS = world_of(SEED, EVENTS, YESTERDAY).patients


@pytest.fixture(scope="module")
def api(report_samples_api: LedgerApi) -> LedgerApi:
    """The samples in one ledger, a hospital's day in another."""
    for submission in DAY:
        token = report_samples_api.portal_token(submission.ledger, submission.portal)
        response = report_samples_api.post(
            submission.path, token, data=submission.body, headers=submission.headers
        )
        assert response.status_code < 300, response.text
    report_samples_api.settle()
    return report_samples_api


def sent_to_hospital() -> list[Json]:
    """Return every distinct event of the day in the hospital's ledger."""
    return [
        resource
        for submission in DAY
        if submission.ledger == HOSPITAL and not submission.is_resent
        for resource in resources(submission)
    ]


def of_hospital(api: LedgerApi, path: str, mrn: str | None = None) -> Json:
    """Return a report of the day for the hospital's privacy office, of one patient or all."""
    patient = "" if mrn is None else f"&patient={MRN_SYSTEM}%7C{mrn}"
    path += "&" if "?" in path else "?"
    return api.json(f"{path}{DAYS}{patient}", api.officer(HOSPITAL))


def patient_token(api: LedgerApi, mrn: str) -> str:
    """Return the token of a patient of the hospital."""
    return api.patient(f"{MRN_SYSTEM}|{mrn}", HOSPITAL)


def test_an_accounting_contains_exactly_the_disclosures_of_a_patient(api: LedgerApi) -> None:
    """Those for operations, or to the patient, are excluded and counted."""
    expected: dict[str, Counter[int]] = {}
    operations: Counter[str] = Counter()
    to_the_patient: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for event in sent_to_hospital():
        for mrn in patients_of(event) or ():
            if "110106" not in codes_in(event):
                others[mrn] += 1
            elif "RECORDMGT" in codes_in(event):
                operations[mrn] += 1
            elif any(mrn in json.dumps(agent) for agent in event["agent"]):
                to_the_patient[mrn] += 1
            else:
                expected.setdefault(mrn, Counter())[parse_instant_ms(event["recorded"])] += 1
    assert len(expected) >= 5
    assert sum(operations.values()) >= 6
    recipients = set()
    for mrn in [*expected, *sorted(operations)[:4], PATIENTS[-1].mrn]:
        accounting = of_hospital(api, "/accounting", mrn)
        lines = accounting["disclosures"]
        times = Counter(parse_instant_ms(line["date"]) for line in lines if line["number"] == 1)
        assert times == expected.get(mrn, Counter())
        recipients |= {line["recipient"] for line in lines}
        excluded = {row["exclusion"]: row["number"] for row in accounting["exclusions"]}
        assert excluded["to carry out health care operations"] == operations[mrn]
        assert excluded["to you"] == to_the_patient[mrn]
        assert accounting["other_entries"] == others[mrn]
        assert accounting["disclosures_outside"] == 0
    requested_copy = next(e for e in sent_to_hospital() if {"PATRQT", "110106"} <= set(codes_in(e)))
    assert requested_copy["agent"][-1]["who"]["display"] in recipients


def is_disclosure(event: Json) -> bool:
    """Return whether a code of an event is one of disclosures."""
    text = json.dumps([event.get(name) for name in ("type", "subtype", "category", "code")])
    return '"110106"' in text or "isclos" in text


@pytest.mark.parametrize(
    ("patient", "requested"),
    [("ex-patient", "2021-01-01"), ("example", "2016-01-01"), ("example", "2026-01-01")],
)
def test_a_disclosure_counts_when_the_ledger_received_it(
    api: LedgerApi, shared_dir: Path, patient: str, requested: str
) -> None:
    """The samples state times of years ago: each is listed, with the stated time."""
    expected = Counter[int]()
    for path in audit_event_samples(shared_dir):
        event = json.loads(path.read_bytes())
        targets = [event.get("patient"), *(e.get("what") for e in event.get("entity", []))]
        if is_disclosure(event) and f'"Patient/{patient}"' in json.dumps(targets):
            expected[parse_instant_ms(event["recorded"])] += 1
    accounting = api.json(f"/accounting?patient={patient}&{EVER}&requested={requested}")
    lines = accounting["disclosures"]
    assert Counter(parse_instant_ms(line["stated"]) for line in lines) == expected
    assert {line["date"][:10] for line in lines} == {accounting["made"][:10]}
    assert accounting["disclosures_outside"] == 0
    assert expected.total() > 1
    assert accounting["about"] == f"Patient/{patient}"


@pytest.mark.parametrize(
    ("route", "table"), [("/accounting", "disclosures"), ("/accesses", "accesses")]
)
def test_the_office_sees_a_patients_report_as_the_patient(
    api: LedgerApi, route: str, table: str
) -> None:
    """Word for word; CSV and HTML have as many rows."""
    mrn = PATIENTS[2].mrn
    token = patient_token(api, mrn)
    own = api.json(f"{route}?{DAYS}", token)
    office = of_hospital(api, route, mrn)
    assert {**own, "made": ""} == {**office, "made": ""}
    assert own["entries"] > 0
    response = api.get(f"{route}?{DAYS}", token, accept="text/csv")
    assert response.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(StringIO(response.content.decode(), newline="")))
    assert len(rows) == len(own[table])
    page = api.get(f"{route}?{DAYS}", token, accept="text/html,application/xml;q=0.9")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-store"
    assert page.text.count("<tr>") >= len(own[table])


def test_a_patient_sees_all_own_events_and_no_other_patient(api: LedgerApi) -> None:
    """As many as were sent; no other patient's number or name."""
    patients_by_event = [patients_of(event) for event in sent_to_hospital()]
    for patient in PATIENTS[:8]:
        response = api.get(f"/accesses?{DAYS}", patient_token(api, patient.mrn))
        lines = response.json()["accesses"]
        assert len(lines) == sum(patient.mrn in mrns for mrns in patients_by_event)
        assert len({line["entry"] for line in lines}) == len(lines)
        for other in PATIENTS:
            if other is not patient:
                assert other.mrn not in response.text
                assert other.name not in response.text


@pytest.mark.parametrize(
    "path", [f"/accounting?{DAYS}", f"/accesses?{DAYS}", "/export?format=fhir&receipts=none"]
)
def test_a_token_of_another_ledger_sees_nothing(api: LedgerApi, path: str) -> None:
    """A name that no portal uses is refused; a patient unknown to the ledger has no events."""
    mrn = PATIENTS[0].mrn
    for token in (
        api.patient(f"{MRN_SYSTEM}|{mrn}", PLAIN if "export" in path else MASKED),
        api.patient(f"https://other.example|{mrn}", HOSPITAL),
    ):
        assert api.get(path, token).status_code == 403
    report = api.json(path, patient_token(api, "nobody"))
    assert report["entries"] in (0, [])
    assert report.get("disclosures", report.get("accesses", [])) == []
    for ledger in (PLAIN, MASKED):
        of_user = f"/reports/privacy?{DAYS}&user=Practitioner/staff-0001"
        assert api.json(of_user, api.officer(ledger))["events"] == []


def test_a_privacy_report_contains_every_event_of_its_period(api: LedgerApi) -> None:
    """Recounted by user and patient, and sorted as requested."""
    events = sent_to_hospital()
    report = of_hospital(api, "/reports/privacy?sort=-user_id")
    rows = report["events"]
    assert len(rows) == report["entries"] == sum(max(1, len(patients_of(e))) for e in events)
    users = [row["user_id"] for row in rows if row["user_id"] is not None]
    assert users == sorted(users, key=lambda user: (user.casefold(), user), reverse=True)
    busiest = Counter(
        agent["who"]["reference"]
        for event in events
        for agent in event.get("agent", [])
        if "Practitioner/" in agent.get("who", {}).get("reference", "")
    ).most_common(1)[0][0]
    of_busiest = [e for e in events if f'"{busiest}"' in json.dumps(e.get("agent"))]
    by_user = of_hospital(api, f"/reports/privacy?user={busiest}")
    assert len(by_user["events"]) == sum(max(1, len(patients_of(e))) for e in of_busiest)
    assert by_user["about"] == f"user {busiest}"
    mrn = next(mrn for event in of_busiest for mrn in sorted(patients_of(event)))
    by_both = of_hospital(api, f"/reports/privacy?user={busiest}", mrn)
    assert len(by_both["events"]) == sum(mrn in patients_of(event) for event in of_busiest)


def test_a_period_is_in_the_requested_zone(api: LedgerApi) -> None:
    """A day ends when it ends there; an instant is not included as an end."""
    day = "/reports/privacy?from=2020-04-29"
    assert len(api.json(f"{day}&to=2020-04-29")["events"]) > 9
    shifted = api.json(f"{day}&to=2020-04-29&zone=-14:00")
    assert (shifted["events"], shifted["zone"]) == ([], "-14:00")
    assert shifted["from"] == "2020-04-29T00:00:00.000-14:00"
    assert shifted["to"] == "2020-04-30T00:00:00.000-14:00"
    instant = "2020-04-29T09:49:00"
    assert api.json(f"{day}&to={instant}Z")["events"] == []
    report = api.json(f"/reports/privacy?from={instant}Z&to={instant}.001Z")
    assert len(report["events"]) > 9


@pytest.mark.parametrize(
    ("path", "status", "diagnostics"),
    [
        ("/accounting", 400, "patient: expected one patient"),
        ("/accounting?patient=https://nowhere.example|1", 400, "as a portal of this ledger"),
        ("/accounting?patient=1&since=2020", 400, "the query string: expected no more than"),
        ("/accounting?patient=1&from=2020", 400, "from: expected a day"),
        ("/accounting?patient=1&from=2020-02-30", 400, "from: expected a day"),
        ("/accounting?patient=1&from=2020-01-02&to=2020-01-01", 400, "from: expected a time"),
        ("/accounting?patient=1&from=2020-01-01&from=2020-01-01", 400, "this parameter once"),
        ("/accounting?patient=1&zone=Mars/Olympus", 400, "zone: expected an offset"),
        ("/accounting?patient=1&audience=court", 400, "audience: expected patient or office"),
        ("/accounting?patient=1&_format=pdf", 406, "_format: expected json, csv or html"),
        ("/accounting?patient=1&table=exclusions", 400, "table: expected with _format=csv"),
        ("/accesses?patient=1&_format=csv&table=disclosures", 400, "one of accesses, people"),
        ("/reports/privacy?sort=shoe", 400, "sort: expected one of time"),
        ("/reports/privacy?patient=1&patient=2", 400, "this parameter once"),
        ("/reports/privacy?user=a|b|c", 400, "user: expected system|code"),
    ],
)
def test_an_invalid_parameter_is_refused_by_name(
    api: LedgerApi, path: str, status: int, diagnostics: str
) -> None:
    """With an OperationOutcome that repeats no value of the request."""
    response = api.get(path)
    assert response.status_code == status
    outcome = response.json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert diagnostics in outcome["issue"][0]["diagnostics"]
    assert "Olympus" not in response.text
    assert "nowhere.example" not in response.text


def test_accept_chooses_the_form_by_weight(api: LedgerApi) -> None:
    """A form that does not exist is refused."""
    path = "/accesses?patient=1"
    assert api.get(path, accept="image/png").status_code == 406
    weighted = api.get(path, accept="text/csv;q=0.5, text/html;q=0.9")
    assert weighted.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    "path",
    [
        "/reports/privacy",
        "/accounting?patient=example",
        "/accesses?patient=ex-patient",
        "/accounting?audience=office",
        "/accesses?audience=office",
        "/accounting?requested=2020-01-01",
    ],
)
def test_reports_for_the_office_are_refused_to_patients(api: LedgerApi, path: str) -> None:
    """Also the own record by name: the token names the patient."""
    response = api.get(path, api.patient("ex-patient"))
    assert response.status_code == 403
    assert response.json()["issue"][0]["code"] == "forbidden"


@pytest.mark.parametrize("path", ["/accounting", "/accesses", "/reports/privacy", "/export"])
def test_a_token_that_may_not_search_is_refused(api: LedgerApi, path: str) -> None:
    """A portal's, one of no patient, and one that is no token."""
    assert api.get(path, api.portal_token()).status_code == 403
    assert api.get(path, api.patient("")).status_code == 403
    assert api.get(path, "nonsense").status_code == 401


@pytest.mark.parametrize(
    "path",
    [f"/accounting?patient=ex-patient&{EVER}", OF_EX_PATIENT, f"/reports/privacy?{EVER}"],
)
def test_a_report_over_a_limit_is_refused_with_the_limit(
    api: LedgerApi, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Too many events, too much time, too many bytes: never a part without a warning."""
    whole = api.get(path)
    assert whole.status_code == 200
    with monkeypatch.context() as patch:
        patch.setattr("functions.query.report_events.MAX_EVENTS", 3)
        patch.setattr("audit_ledger.reading.period_search.BATCH_SIZE", 3)
        refused = api.get(path)
        assert refused.status_code == 413
        issue = refused.json()["issue"][0]
        assert issue["code"] == "too-costly"
        expected = "from and to: expected a shorter period: a report looks at 3 events at most"
        assert issue["diagnostics"] == expected
    with monkeypatch.context() as patch:
        patch.setattr("functions.query.access.FINDING_SECONDS", -1)
        assert api.get(path).status_code == 413
    with monkeypatch.context() as patch:
        patch.setattr("functions.query.compressed_response.MAX_BYTES", len(whole.content) - 1)
        plain = api.get(path, accept_encoding="identity")
        assert plain.status_code == 413
        assert "Accept-Encoding: gzip" in plain.json()["issue"][0]["diagnostics"]
        compressed = api.get(path, accept_encoding="gzip")
        assert compressed.headers["content-encoding"] == "gzip"
        assert compressed.json()["report"] == whole.json()["report"]


def test_nothing_is_returned_if_the_use_is_not_recorded(
    api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 for reports and exports."""
    monkeypatch.setattr("functions.query.audit_trail.QUERY_SOURCE", "somebody")
    for path in (OF_EX_PATIENT, "/export?format=csv&date=ge1990"):
        response = api.get(path)
        assert response.status_code == 503
        assert "ex-patient" not in response.text


def test_a_response_is_compressed_if_the_caller_accepts_it(api: LedgerApi) -> None:
    """The content is the same."""
    path = f"{OF_EX_PATIENT}&to=2026-01-01&_format=csv"
    plain = api.get(path, accept_encoding="identity")
    compressed = api.get(path, accept_encoding="br, gzip")
    assert "content-encoding" not in plain.headers
    assert compressed.headers["content-encoding"] == "gzip"
    assert plain.content == compressed.content
    assert compressed.headers["content-disposition"] == 'attachment; filename="accesses.csv"'
