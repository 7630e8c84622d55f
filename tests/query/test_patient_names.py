"""How tokens, reports and searches name patients: never another one, never silently nobody."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from infra.local.serve import claim_of, example_event
from tests.query.ledger_api import LedgerApi
from tests.query.report_api import (
    BY_MRN,
    FALLBACK,
    MIXED,
    MRN,
    SERVER_A,
    SERVER_B,
    TWO_SERVERS,
)

PATIENT_7 = {"reference": f"{SERVER_A}/Patient/7", "identifier": {"system": MRN, "value": "7"}}
SENT: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    (BY_MRN, "ehr", "padded", {"identifier": {"system": MRN, "value": "55  "}}),
    (TWO_SERVERS, "a", "at a", {"reference": "Patient/1"}),
    (TWO_SERVERS, "a", "at a, by URL", {"reference": f"{SERVER_A}/Patient/1/_history/2"}),
    (TWO_SERVERS, "b", "at b", {"reference": "Patient/1"}),
    (TWO_SERVERS, "a", "of b, at a", {"reference": f"{SERVER_B}/Patient/1"}),
    (MIXED, "ehr", "at ehr", PATIENT_7),
    (MIXED, "hapi", "at hapi", PATIENT_7),
    (FALLBACK, "hapi", "both", PATIENT_7),
    (FALLBACK, "hapi", "by number", {"identifier": {"system": MRN, "value": "1"}}),
    (FALLBACK, "hapi", "by reference", {"reference": "Patient/77"}),
    (FALLBACK, "hapi", "other", {"reference": "Patient/1"}),
    (FALLBACK, "hapi", "foreign", {"reference": f"{SERVER_A}/Patient/77"}),
)
"""Ledger, portal, name of the agent, and the reference to the patient."""


@pytest.fixture(scope="module")
def names_api(report_api: LedgerApi, shared_dir: Path) -> LedgerApi:
    """Four ledgers that name patients differently, with the events above."""
    case = shared_dir / "cases" / "reports" / "05-backslash-names-another-patient"
    report_api.send(example_event("ehr", {"system": MRN}), BY_MRN)
    for name in ("qb.json", "q-backslash-b.json"):
        report_api.send((case / name).read_bytes(), BY_MRN)
    for ledger, portal, agent, patient in SENT:
        event = example_event("ehr", {"system": MRN})
        event["agent"] = [{"who": {"display": agent}, "requestor": True}]
        event["entity"][0]["what"] = patient
        report_api.send(event, ledger, portal)
    report_api.settle()
    return report_api


def get(
    api: LedgerApi, path: str, token: str, patient: str | list[str] = "", **query: str
) -> requests.Response:
    """Return the response to a GET with these parameters."""
    pairs = {"patient": patient, **query} if patient else query
    return api.get(f"{path}?{urlencode(pairs, doseq=True)}", token)


def patient_token(api: LedgerApi, ledger: str, claim: Any) -> str:
    """Return a patient's token with any claim."""
    tokens = api.cloud.tokens
    scopes = ["patient/AuditEvent.rs", f"ledger/{ledger}"]
    return tokens._sign(scopes, {tokens.claims["patient"]: claim})


def accessing(response: requests.Response) -> set[str]:
    """Return the names in a report of accesses, without those of its requesters."""
    assert response.status_code == 200, response.text
    rows = response.json()["accesses"]
    return {row["who"] for row in rows if row["category"] != "the ledger"} - {"you", None}


def diagnostics(response: requests.Response) -> str:
    """Return the text of a refusal."""
    return str(response.json()["issue"][0]["diagnostics"])


@pytest.mark.parametrize(
    "claim",
    [
        "1",
        1,
        "Patient/1",
        ["1"],
        ["Patient/1"],
        [f"{MRN}|1", "2"],
        [f"{MRN}|1", "https://other.example|1"],
        "https://other.example|1",
        f"{MRN}|",
        "|1",
        f"{MRN}|1|2",
        f"{MRN}|1,{MRN}|2",
        rf"{MRN}|q8\b",
        f'["{MRN}|1"]',
        f"{MRN}/|1",
        f"[{MRN}|1",
        "urn:uuid:1",
        [f"{MRN}|{n}" for n in range(9)],
        True,
    ],
    ids=repr,
)
def test_a_claim_that_no_rule_resolves_is_refused(names_api: LedgerApi, claim: Any) -> None:
    """With the accepted forms: a report that nobody accessed the record would be false."""
    response = get(names_api, "/accesses", patient_token(names_api, BY_MRN, claim))
    assert response.status_code == 403
    assert f"expected {MRN}|<value>, or an array" in diagnostics(response)
    assert "other.example" not in response.text


@pytest.mark.parametrize(
    "claim",
    [
        *([], [["77"]], {}, {"id": "77"}, None, True, False, 1.5e30),
        *("[[77]]", "<nil>", "map[]", "map[id:77]", "null", "undefined", "None", "1.2345678E7"),
        *('"77"', "'77'", "{77}", "77\u200b", " 77", "77 ", "77\n", "Patient/undefined"),
        *("Patient/null", "Patient/[77]", f"{MRN}|null", f"{MRN}|[1]", f"{MRN}|1 ", f"{MRN}| 1"),
        *(f"{MRN}|\u00a0", f"{MRN}|1\u200b", f"{MRN}|undefined", "Patient/", "patient/77"),
    ],
    ids=repr,
)
def test_a_claim_that_an_issuer_writes_without_an_id_is_refused(
    names_api: LedgerApi, claim: Any
) -> None:
    """Also where references name patients, and most texts have the form of a name."""
    response = get(names_api, "/accesses", patient_token(names_api, FALLBACK, claim))
    assert response.status_code == 403
    assert "expected " in diagnostics(response) or claim == []


@pytest.mark.parametrize(
    "route",
    [
        "/AuditEvent",
        "/AuditEvent?date=ge2020",
        f"/AuditEvent/{'0' * 64}",
        f"/AuditEvent/{'0' * 64}/receipt",
        "/accesses",
        "/accounting",
        "/export?format=csv",
        "/findings",
        "/portals/ehr/gaps",
        "/reports/privacy",
        "POST /documents/verify",
    ],
)
def test_every_route_refuses_a_claim_that_names_no_patient(
    names_api: LedgerApi, route: str
) -> None:
    """Searches, reads, receipts, reports, exports, findings and documents."""
    token = patient_token(names_api, BY_MRN, "1")
    if route.startswith("POST "):
        digest = {"digest": "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk"}
        response = names_api.post(route.removeprefix("POST "), token, json=digest)
    else:
        response = names_api.get(route, token)
    assert response.status_code == 403
    assert f"{MRN}|<value>" in diagnostics(response)


def test_the_token_of_make_local_shows_its_example(names_api: LedgerApi) -> None:
    """The token and the event that a newcomer pastes; also as an array with one name."""
    claim = claim_of({"system": MRN})
    for variant in (claim, [claim], [claim, claim]):
        token = patient_token(names_api, BY_MRN, variant)
        assert "Nurse on duty" in accessing(get(names_api, "/accesses", token))
        assert "Nurse on duty" in json.dumps(names_api.events("", token))


def test_a_claim_may_list_the_names_of_one_patient(names_api: LedgerApi) -> None:
    """By number and by reference, as HAPI's interceptor does; each alone shows its events."""
    both = [f"{MRN}|1", "Patient/77"]
    for claim, expected in (
        (both, {"by number", "by reference"}),
        (both[0], {"by number"}),
        (both[1], {"by reference"}),
        ("77", {"by reference"}),
    ):
        token = patient_token(names_api, FALLBACK, claim)
        assert accessing(get(names_api, "/accesses", token)) == expected


def test_white_space_around_an_identifier_is_ignored_in_events(names_api: LedgerApi) -> None:
    """Columns of fixed width leave it: the access would be in nobody's report."""
    officer = names_api.officer(BY_MRN)
    assert "padded" in accessing(get(names_api, "/accesses", officer, f"{MRN}|55"))
    for name in (f"{MRN}|55 ", f"{MRN}| 55", f"{MRN}|  "):
        assert get(names_api, "/accesses", officer, name).status_code == 400


def test_a_bare_id_in_a_claim_stands_alone(names_api: LedgerApi) -> None:
    """`[a b]` may be one text with a space: its end is not read as another patient's id."""
    for claim in ([f"{MRN}|1 1"], [f"{MRN}|1", "1"], f"[{MRN}|1 1]"):
        token = patient_token(names_api, FALLBACK, claim)
        assert get(names_api, "/accesses", token).status_code == 403


def test_the_same_id_at_two_servers_is_two_patients(names_api: LedgerApi) -> None:
    """Each is named by its URL; a relative reference is ambiguous, and refused to everyone."""
    officer = names_api.officer(TWO_SERVERS)
    agents = {SERVER_A: {"at a", "at a, by URL"}, SERVER_B: {"at b"}}
    for server, expected in agents.items():
        name = f"{server}/Patient/1"
        assert accessing(get(names_api, "/accesses", officer, name)) == expected
        token = patient_token(names_api, TWO_SERVERS, name)
        assert accessing(get(names_api, "/accesses", token)) == expected
        assert search(names_api, TWO_SERVERS, patient=name, date="ge2020")[0] == expected
    for path, name, more in (
        ("/accesses", "Patient/1", {}),
        ("/accounting", "1", {}),
        ("/reports/privacy", "1", {}),
        ("/AuditEvent", "1", {}),
        ("/AuditEvent", "Patient/1", {"date": "ge2020"}),
        ("/export", "Patient/1", {"date": "ge2020", "format": "csv"}),
    ):
        response = get(names_api, path, officer, name, **more)
        assert response.status_code == 400, response.text
        assert f"{SERVER_A}/Patient/<id> or {SERVER_B}/Patient/<id>" in response.text
    token = patient_token(names_api, TWO_SERVERS, "Patient/1")
    assert get(names_api, "/accesses", token).status_code == 403


def test_a_patient_of_a_foreign_server_is_flagged_and_shown_to_nobody(
    names_api: LedgerApi,
) -> None:
    """Not to the patient who has the same id here."""
    officer = names_api.officer(FALLBACK)
    rows = names_api.json("/reports/privacy", officer)["events"]
    (foreign,) = [row for row in rows if row["user"] == "foreign"]
    assert "patient.unresolved" in foreign["flags"].split()
    assert accessing(get(names_api, "/accesses", officer, "Patient/77")) == {"by reference"}


@pytest.mark.parametrize("path", ["/accesses", "/accounting", "/reports/privacy"])
def test_a_backslash_names_no_other_patient(names_api: LedgerApi, path: str) -> None:
    r"""`q8\b` is refused, as it is no escape of FHIR; `q8\\b` is the patient of that name."""
    officer = names_api.officer(BY_MRN)
    for invalid in (rf"{MRN}|q8\b", rf"{MRN}|q8b\ ", f"{MRN}|a,{MRN}|b", f"{MRN}|a|b"):
        assert get(names_api, path, officer, invalid).status_code == 400
    if path == "/accesses":
        for name, patient in ((r"q8\\b", "q8-backslash-b"), ("q8b", "q8b")):
            agents = accessing(get(names_api, path, officer, f"{MRN}|{name}"))
            assert agents == {f"opened the record of {patient}"}


@pytest.mark.parametrize(
    ("ledger", "name", "by_index", "by_period"),
    [
        (MIXED, f"{MRN}|7", {"at ehr"}, {"at ehr", "at hapi"}),
        (MIXED, f"{SERVER_A}/Patient/7", {"at hapi"}, {"at ehr", "at hapi"}),
        (FALLBACK, "Patient/1", {"other"}, {"other"}),
        (FALLBACK, f"{MRN}|7", {"both"}, None),
        (BY_MRN, f"{MRN}|q8b", {"opened the record of q8b"}, None),
    ],
)
def test_a_search_warns_if_portals_may_name_the_patient_otherwise(
    names_api: LedgerApi, ledger: str, name: str, by_index: set[str], by_period: set[str] | None
) -> None:
    """The index has one name of each event; with a period, events under other names are found."""
    parameter = "patient.identifier" if "|" in name else "patient"
    agents, total, warnings = search(names_api, ledger, **{parameter: name})
    assert agents == by_index
    if by_period is None:
        assert (total, warnings) == (len(agents), [])
        return
    assert total is None
    assert len(warnings) == 1
    assert "some portals of this ledger name patients otherwise" in warnings[0]
    query = {parameter: name, "format": "fhir"}
    assert get(names_api, "/export", names_api.officer(ledger), **query).status_code == 400
    complete = search(names_api, ledger, **{parameter: name, "date": "ge2020"})
    assert complete == (by_period, len(by_period), [])


@pytest.mark.parametrize(
    ("ledger", "names", "has_note"),
    [
        (MIXED, [f"{MRN}|7"], True),
        (MIXED, [f"{SERVER_A}/Patient/7"], True),
        (MIXED, [f"{MRN}|7", f"{SERVER_A}/Patient/7"], False),
        (FALLBACK, [f"{MRN}|7"], True),
        (FALLBACK, [f"{MRN}|7", "Patient/7"], False),
        (BY_MRN, [f"{MRN}|1"], False),
        (TWO_SERVERS, [f"{SERVER_A}/Patient/1"], False),
    ],
)
@pytest.mark.parametrize("path", ["/accesses", "/accounting"])
def test_a_report_notes_that_other_names_of_the_patient_are_missing(
    names_api: LedgerApi, path: str, ledger: str, names: list[str], has_note: bool
) -> None:
    """To the office, and to the patient whose token lacks some of the names."""
    for response in (
        get(names_api, path, names_api.officer(ledger), names),
        get(names_api, path, patient_token(names_api, ledger, names)),
    ):
        notes = response.json()["notes"]
        assert any("under another name are missing" in note for note in notes) == has_note
        assert not any("7" in note for note in notes)


def search(api: LedgerApi, ledger: str, **query: str) -> tuple[set[str], int | None, list[str]]:
    """Return the agents of the events that an officer finds, the total, and the warnings."""
    bundle = api.json(f"/AuditEvent?{urlencode(query)}", api.officer(ledger))
    resources: dict[str, list[Any]] = {"match": [], "outcome": []}
    for entry in bundle.get("entry", []):
        resources[entry["search"]["mode"]].append(entry["resource"])
    issues = [issue for outcome in resources["outcome"] for issue in outcome["issue"]]
    return (
        {agent["who"]["display"] for event in resources["match"] for agent in event["agent"]},
        bundle.get("total"),
        [issue["diagnostics"] for issue in issues if issue["severity"] == "warning"],
    )
