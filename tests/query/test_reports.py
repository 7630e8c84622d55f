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
import requests

from audit_ledger.events.instant import parse_instant_ms
from infra.demo.hospital import Happening, Planted, Submission, hospital_day, world_of
from infra.demo.hospital.anomalies import copied_out
from infra.demo.hospital.identifiers import MRN_SYSTEM
from infra.demo.hospital.population import World
from tests.builders.audit_event import audit_event_samples
from tests.demo.hospital.recount import codes_in, patients_of, resources
from tests.query.ledger_api import LedgerApi
from tests.query.report_api import PLAIN, YESTERDAY, deployed_report_api

HOSPITAL = "st-elsewhere"
SEED, EVENTS = 7, 400
DAYS = f"from={YESTERDAY}&to={YESTERDAY}"
EVER = "from=1990-01-01"

Json = dict[str, Any]


def copies_at_request(world: World, random: Random, time_ms: int) -> Iterator[Happening]:
    """The records office sends summaries to whom patients ask it to: not excluded."""
    clerk = world.someone(random, time_ms, "clerk")
    for number, encounter in enumerate(world.encounters[:5]):
        for copy in range(1 + number % 3):
            yield Happening(
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
        also=[Planted(9, 0, copies_at_request), Planted(11, 0, copied_out(patients=6))],
    )
)


@pytest.fixture(scope="module")
def report_api(shared_dir: Path) -> Iterator[LedgerApi]:
    """The samples in one ledger, a hospital's day in another: tests here only ask."""
    with deployed_report_api() as report_api:
        for path in audit_event_samples(shared_dir):
            report_api.send(path.read_bytes())
        for submission in DAY:
            submit(report_api, submission)
        report_api.settle()
        yield report_api


def submit(report_api: LedgerApi, submission: Submission) -> None:
    """Send what a portal of the hospital sends."""
    token = report_api.cloud.tokens.portal(submission.ledger, submission.portal)
    answer = requests.post(
        report_api.cloud.url + submission.path,
        data=submission.body,
        headers={"authorization": f"Bearer {token}", **submission.headers},
        timeout=60,
    )
    assert answer.status_code < 300, answer.text


def sent_to_hospital() -> list[Json]:
    """Every distinct event of the day in that ledger."""
    found: dict[str, Json] = {}
    for submission in DAY:
        if submission.ledger == HOSPITAL and not submission.is_resent:
            for resource in resources(submission):
                found[json.dumps([resource, len(found)])] = resource
    return list(found.values())


def names(mrn: str) -> str:
    """How the privacy office asks for a patient of the hospital."""
    return f"{MRN_SYSTEM}%7C{mrn}"


def test_the_accounting_has_exactly_the_disclosures_of_a_patient(report_api: LedgerApi) -> None:
    """At the patient's request to others: in it. For operations, or to the patient: counted."""
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
    world = world_of(SEED, EVENTS, YESTERDAY)
    asked = [*expected, *sorted(operations)[:4], world.patients[-1].mrn]
    for mrn in asked:
        told = report_api.json(
            f"/accounting?patient={names(mrn)}&{DAYS}", report_api.officer(HOSPITAL)
        )
        found = Counter(
            parse_instant_ms(line["date"]) for line in told["disclosures"] if line["number"] == 1
        )
        assert found == expected.get(mrn, Counter())
        left_out = {row["exclusion"]: row["number"] for row in told["exclusions"]}
        assert left_out["to carry out health care operations"] == operations[mrn]
        assert left_out["to you"] == to_the_patient[mrn]
        assert told["other_entries"] == others[mrn]
        assert told["disclosures_outside"] == 0
    clerk = next(
        e for e in sent_to_hospital() if "PATRQT" in codes_in(e) and "110106" in codes_in(e)
    )
    assert clerk["agent"][-1]["who"]["display"] in {
        line["recipient"]
        for mrn in expected
        for line in report_api.json(
            f"/accounting?patient={names(mrn)}&{DAYS}", report_api.officer(HOSPITAL)
        )["disclosures"]
    }


def is_disclosure(event: Json) -> bool:
    text = json.dumps([event.get(name) for name in ("type", "subtype", "category", "code")])
    return '"110106"' in text or "isclos" in text


@pytest.mark.parametrize(
    ("patient", "requested"),
    [("ex-patient", "2021-01-01"), ("example", "2016-01-01"), ("example", "2026-01-01")],
)
def test_the_samples_disclosures_count_when_the_ledger_took_them(
    report_api: LedgerApi, shared_dir: Path, patient: str, requested: str
) -> None:
    """What the ledger took today states times of years ago: each is listed and marked."""
    samples = [json.loads(path.read_bytes()) for path in audit_event_samples(shared_dir)]
    expected = Counter[int]()
    for event in samples:
        about = json.dumps(
            [event.get("patient"), *(e.get("what") for e in event.get("entity", []))]
        )
        if is_disclosure(event) and f'"Patient/{patient}"' in about:
            expected[parse_instant_ms(event["recorded"])] += 1
    told = report_api.json(
        f"/accounting?patient={patient}&{EVER}&requested={requested}", report_api.security
    )
    assert Counter(parse_instant_ms(line["stated"]) for line in told["disclosures"]) == expected
    assert {line["date"][:10] for line in told["disclosures"]} == {told["made"][:10]}
    assert told["disclosures_outside"] == 0
    assert expected.total() > 1
    assert told["about"] == f"Patient/{patient}"


def without_when(report: Json) -> Json:
    return {name: value for name, value in report.items() if name != "made"}


@pytest.mark.parametrize("route", ["/accounting", "/accesses"])
def test_the_office_is_shown_what_the_patient_is_shown(report_api: LedgerApi, route: str) -> None:
    """To the word, in every form."""
    mrn = world_of(SEED, EVENTS, YESTERDAY).patients[2].mrn
    patient = report_api.patient(f"{MRN_SYSTEM}|{mrn}", HOSPITAL)
    own = report_api.json(f"{route}?{DAYS}", patient)
    office = report_api.json(f"{route}?{DAYS}&patient={names(mrn)}", report_api.officer(HOSPITAL))
    assert without_when(own) == without_when(office)
    assert own["entries"] > 0
    table = "disclosures" if route == "/accounting" else "accesses"
    answer = report_api.get(f"{route}?{DAYS}", patient, accept="text/csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(StringIO(answer.content.decode(), newline="")))
    assert len(rows) == len(own[table])
    page = report_api.get(f"{route}?{DAYS}", patient, accept="text/html,application/xml;q=0.9")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-store"
    assert page.text.count("<tr>") >= len(own[table])


def test_a_patient_sees_every_own_event_and_nobody_elses(report_api: LedgerApi) -> None:
    """Recounted for some patients: as many as name them; no other patient's number or name."""
    world = world_of(SEED, EVENTS, YESTERDAY)
    about = [patients_of(event) for event in sent_to_hospital()]
    for patient in world.patients[:8]:
        token = report_api.patient(f"{MRN_SYSTEM}|{patient.mrn}", HOSPITAL)
        answer = report_api.get(f"/accesses?{DAYS}", token)
        told = answer.json()
        assert len(told["accesses"]) == sum(patient.mrn in whom for whom in about)
        assert len({line["entry"] for line in told["accesses"]}) == len(told["accesses"])
        others = [other for other in world.patients if other is not patient]
        assert not [
            other for other in others if other.mrn in answer.text or other.name in answer.text
        ]


@pytest.mark.parametrize(
    "path", ["/accounting?{days}", "/accesses?{days}", "/export?format=fhir&receipts=none"]
)
def test_another_ledgers_token_is_shown_nothing(report_api: LedgerApi, path: str) -> None:
    """A patient whom the ledger does not know is no error; one whom no portal names is."""
    mrn = world_of(SEED, EVENTS, YESTERDAY).patients[0].mrn
    path = path.format(days=DAYS)
    for token in (
        report_api.patient(f"{MRN_SYSTEM}|{mrn}", "masked" if "export" not in path else PLAIN),
        report_api.patient(f"https://other.example|{mrn}", HOSPITAL),
    ):
        assert report_api.get(path, token).status_code == 403
    told = report_api.json(path, report_api.patient(f"{MRN_SYSTEM}|nobody", HOSPITAL))
    assert told.get("entries", told.get("disclosures")) in (0, [])
    assert told.get("disclosures", told.get("accesses", [])) == []
    for ledger in (PLAIN, "masked"):
        asked = f"/reports/privacy?{DAYS}&user=Practitioner/staff-0001"
        assert report_api.json(asked, report_api.officer(ledger))["events"] == []


def test_the_privacy_report_has_every_event_of_its_period(report_api: LedgerApi) -> None:
    """Recounted by user, and sorted as asked."""
    events = sent_to_hospital()
    entries = sum(max(1, len(patients_of(event))) for event in events)
    told = report_api.json(f"/reports/privacy?{DAYS}&sort=-user_id", report_api.officer(HOSPITAL))
    assert len(told["events"]) == entries == told["entries"]
    users = [row["user_id"] for row in told["events"] if row["user_id"] is not None]
    assert users == sorted(users, key=lambda user: (user.casefold(), user), reverse=True)
    busiest = Counter(
        agent["who"]["reference"]
        for event in events
        for agent in event.get("agent", [])
        if "Practitioner/" in agent.get("who", {}).get("reference", "")
    ).most_common(1)[0][0]
    about = [e for e in events if f'"{busiest}"' in json.dumps(e.get("agent"))]
    theirs = report_api.json(
        f"/reports/privacy?{DAYS}&user={busiest}", report_api.officer(HOSPITAL)
    )
    assert len(theirs["events"]) == sum(max(1, len(patients_of(event))) for event in about)
    assert theirs["about"] == f"user {busiest}"
    mrn = next(mrn for event in about for mrn in sorted(patients_of(event)))
    both = report_api.json(
        f"/reports/privacy?{DAYS}&user={busiest}&patient={names(mrn)}",
        report_api.officer(HOSPITAL),
    )
    assert len(both["events"]) == sum(mrn in patients_of(event) for event in about)


def test_a_period_is_in_the_zone_asked_for(report_api: LedgerApi) -> None:
    """A day ends when it ends there; an instant is not included as an end."""
    token = report_api.security
    assert (
        len(report_api.json("/reports/privacy?from=2020-04-29&to=2020-04-29", token)["events"]) > 9
    )
    told = report_api.json("/reports/privacy?from=2020-04-29&to=2020-04-29&zone=-14:00", token)
    assert (told["events"], told["zone"]) == ([], "-14:00")
    assert told["from"] == "2020-04-29T00:00:00.000-14:00"
    assert told["to"] == "2020-04-30T00:00:00.000-14:00"
    at = "2020-04-29T09:49:00Z"
    after = "2020-04-29T09:49:00.001Z"
    assert report_api.json(f"/reports/privacy?from=2020-04-29&to={at}", token)["events"] == []
    assert len(report_api.json(f"/reports/privacy?from={at}&to={after}", token)["events"]) > 9


@pytest.mark.parametrize(
    ("path", "status", "said"),
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
def test_what_cannot_be_answered_is_refused_with_the_reason(
    report_api: LedgerApi, path: str, status: int, said: str
) -> None:
    """As an OperationOutcome that repeats nothing of what was asked."""
    answer = report_api.get(path, report_api.security)
    assert answer.status_code == status
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert said in outcome["issue"][0]["diagnostics"]
    assert "Olympus" not in answer.text
    assert "nowhere.example" not in answer.text


def test_accept_without_a_form_that_there_is(report_api: LedgerApi) -> None:
    """Is refused; the heavier of two is given."""
    assert (
        report_api.get("/accesses?patient=1", report_api.security, accept="image/png").status_code
        == 406
    )
    weighed = report_api.get(
        "/accesses?patient=1", report_api.security, accept="text/csv;q=0.5, text/html;q=0.9"
    )
    assert weighed.headers["content-type"].startswith("text/html")


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
def test_what_is_for_the_office_is_refused_to_patients(report_api: LedgerApi, path: str) -> None:
    """Also their own record by name: whom a token is for, it says itself."""
    answer = report_api.get(path, report_api.patient("ex-patient"))
    assert answer.status_code == 403
    assert answer.json()["issue"][0]["code"] == "forbidden"


@pytest.mark.parametrize("path", ["/accounting", "/accesses", "/reports/privacy", "/export"])
def test_who_may_not_search_is_refused(report_api: LedgerApi, path: str) -> None:
    """A portal that writes; a token of no patient; nobody."""
    assert report_api.get(path, report_api.cloud.tokens.portal(PLAIN, "ehr")).status_code == 403
    assert report_api.get(path, report_api.patient("")).status_code == 403
    assert report_api.get(path, "nonsense").status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        f"/accounting?patient=ex-patient&{EVER}",
        f"/accesses?patient=ex-patient&{EVER}",
        f"/reports/privacy?{EVER}",
    ],
)
def test_a_report_of_too_much_says_how_much_and_what_to_do(
    report_api: LedgerApi, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Too many events, too much time, too large an answer: never a part without saying so."""
    whole = report_api.get(path, report_api.security)
    assert whole.status_code == 200
    with monkeypatch.context() as patch:
        patch.setattr("functions.query.report_events.MAX_EVENTS", 3)
        patch.setattr("audit_ledger.reading.period_search.BATCH_SIZE", 3)
        refused = report_api.get(path, report_api.security)
        assert refused.status_code == 413
        issue = refused.json()["issue"][0]
        assert issue["code"] == "too-costly"
        expected = "from and to: expected a shorter period: a report looks at 3 events at most"
        assert issue["diagnostics"] == expected
    with monkeypatch.context() as patch:
        patch.setattr("functions.query.access.FINDING_SECONDS", -1)
        assert report_api.get(path, report_api.security).status_code == 413
    with monkeypatch.context() as patch:
        patch.setattr("functions.query.compressed_response.MAX_BYTES", len(whole.content) - 1)
        plain = report_api.get(path, report_api.security, accept_encoding="identity")
        assert plain.status_code == 413
        assert "Accept-Encoding: gzip" in plain.json()["issue"][0]["diagnostics"]
        packed = report_api.get(path, report_api.security, accept_encoding="gzip")
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.json()["report"] == whole.json()["report"]


def test_no_answer_without_the_use_recorded(
    report_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where ingest does not take it, nothing is told."""
    monkeypatch.setattr("functions.query.audit_trail.QUERY_SOURCE", "somebody")
    for path in (f"/accesses?patient=ex-patient&{EVER}", "/export?format=csv&date=ge1990"):
        answer = report_api.get(path, report_api.security)
        assert answer.status_code == 503
        assert "ex-patient" not in answer.text


def test_answers_come_packed_for_whoever_unpacks(report_api: LedgerApi) -> None:
    """And plain for others."""
    path = f"/accesses?patient=ex-patient&{EVER}&to=2026-01-01&_format=csv"
    plain = report_api.get(path, report_api.security, accept_encoding="identity")
    packed = report_api.get(path, report_api.security, accept_encoding="br, gzip")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.content == packed.content
    assert packed.headers["content-disposition"] == 'attachment; filename="accesses.csv"'
