"""Whom a patient's token, a report and a search name: nobody else, and never silently nobody."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.local.cloud import LocalCloud, local_cloud
from infra.local.serve import claim_of, example_event
from tests.assemblies import synthesized

MRN = "https://elsewhere.example/mrn"
A, B = "https://a.example/fhir", "https://b.example:8443/fhir"
BY_MRN, TWO_SERVERS, FALLBACK, MIXED = "mrn", "servers", "fallback", "mixed"
LEDGERS: list[dict[str, Any]] = [
    {"id": BY_MRN, "portals": [{"id": "ehr", "patient": {"system": MRN}}]},
    {
        "id": TWO_SERVERS,
        "portals": [
            {"id": "a", "patient": {"reference": True, "base": A}},
            {"id": "b", "patient": {"reference": True, "base": B}},
        ],
    },
    {"id": FALLBACK, "portals": [{"id": "hapi", "patient": {"system": MRN, "reference": True}}]},
    {
        "id": MIXED,
        "portals": [
            {"id": "ehr", "patient": {"system": MRN}},
            {"id": "hapi", "patient": {"reference": True, "base": A}},
        ],
    },
]


@pytest.fixture(scope="module")
def cloud(shared_dir: Path) -> Iterator[LocalCloud]:
    """Four ledgers, with the events below; tests only ask."""
    assembly = synthesized({"ledgers": LEDGERS})
    case = shared_dir / "cases" / "reports" / "05-backslash-names-another-patient"
    with local_cloud(assembly) as made:
        send(made, BY_MRN, "ehr", example_event("ehr", {"system": MRN}))
        for name in ("qb.json", "q-backslash-b.json"):
            send(made, BY_MRN, "ehr", json.loads((case / name).read_text()))
        padded = {"system": MRN, "value": "55  "}
        send(made, BY_MRN, "ehr", read_by("padded", identifier=padded))
        send(made, TWO_SERVERS, "a", read_by("at a", reference="Patient/1"))
        send(made, TWO_SERVERS, "a", read_by("at a, by URL", reference=f"{A}/Patient/1/_history/2"))
        send(made, TWO_SERVERS, "b", read_by("at b", reference="Patient/1"))
        send(made, TWO_SERVERS, "a", read_by("of b, at a", reference=f"{B}/Patient/1"))
        named = {"reference": f"{A}/Patient/7", "identifier": {"system": MRN, "value": "7"}}
        send(made, MIXED, "ehr", read_by("at ehr", **named))
        send(made, MIXED, "hapi", read_by("at hapi", **named))
        send(made, FALLBACK, "hapi", read_by("both", **named))
        send(made, FALLBACK, "hapi", read_by("by number", identifier={"system": MRN, "value": "1"}))
        send(made, FALLBACK, "hapi", read_by("by reference", reference="Patient/77"))
        send(made, FALLBACK, "hapi", read_by("other", reference="Patient/1"))
        send(made, FALLBACK, "hapi", read_by("foreign", reference=f"{A}/Patient/77"))
        made.drain()
        made.publish()
        yield made
        assert made.permissions.refusals == []


def read_by(who: str, **patient: Any) -> dict[str, Any]:
    """An event about a patient that is named so."""
    event = example_event("ehr", {"system": MRN})
    event["agent"] = [{"who": {"display": who}, "requestor": True}]
    event["entity"][0]["what"] = patient
    return event


def send(cloud: LocalCloud, ledger: str, portal: str, event: dict[str, Any]) -> None:
    """Have a portal send an event."""
    answer = requests.post(
        f"{cloud.url}/AuditEvent",
        json=event,
        headers={
            "authorization": f"Bearer {cloud.tokens.portal(ledger, portal)}",
            "content-type": "application/fhir+json",
        },
        timeout=60,
    )
    assert answer.status_code == 201, answer.text


def ask(cloud: LocalCloud, path: str, token: str, **query: str) -> requests.Response:
    """Ask."""
    return requests.get(
        cloud.url + path,
        params=query,
        headers={"authorization": f"Bearer {token}"},
        timeout=60,
    )


def patient_token(cloud: LocalCloud, ledger: str, claim: Any) -> str:
    """A patient's token whose claim is anything."""
    return cloud.tokens._sign(
        ["patient/AuditEvent.rs", f"ledger/{ledger}"], {cloud.tokens.claims["patient"]: claim}
    )


def who_accessed(answer: requests.Response) -> set[str]:
    """Names in a report of accesses, without those who asked."""
    assert answer.status_code == 200, answer.text
    rows = answer.json()["accesses"]
    return {row["who"] for row in rows if row["category"] != "the ledger"} - {"you", None}


UNRESOLVED: list[Any] = [
    "1",
    1,
    "Patient/1",
    ["1"],
    ["Patient/1"],
    [f"{MRN}|1", "2"],
    [f"{MRN}|1", "https://other.example|1"],
    [],
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
]
ROUTES = (
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
)


@pytest.mark.parametrize("claim", UNRESOLVED, ids=repr)
def test_a_claim_that_no_rule_resolves_is_refused(cloud: LocalCloud, claim: Any) -> None:
    """With the forms that are accepted: "nobody accessed the record" would be a lie."""
    answer = ask(cloud, "/accesses", patient_token(cloud, BY_MRN, claim))
    assert answer.status_code == 403
    said = answer.json()["issue"][0]["diagnostics"]
    if claim != []:
        assert f"expected {MRN}|<value>, or an array" in said
    assert "other.example" not in said


@pytest.mark.parametrize("route", ROUTES)
def test_no_route_answers_a_patient_whom_nobody_names(cloud: LocalCloud, route: str) -> None:
    """Search, read, receipt, report, export, finding."""
    path, _, query = route.partition("?")
    token = patient_token(cloud, BY_MRN, "1")
    pairs = dict(pair.split("=") for pair in query.split("&") if pair)
    answer = ask(cloud, path, token, **pairs)
    assert answer.status_code == 403
    assert f"{MRN}|<value>" in answer.json()["issue"][0]["diagnostics"]


def test_a_document_is_not_asked_about_in_nobodys_name(cloud: LocalCloud) -> None:
    """The one question that is a POST."""
    answer = requests.post(
        f"{cloud.url}/documents/verify",
        json={"digest": "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk"},
        headers={"authorization": f"Bearer {patient_token(cloud, BY_MRN, '1')}"},
        timeout=60,
    )
    assert answer.status_code == 403


def test_the_patient_of_make_local_sees_the_access_of_its_example(cloud: LocalCloud) -> None:
    """Token and event that a newcomer pastes; also in an array of one."""
    claim = claim_of({"system": MRN})
    for given in (claim, [claim], [claim, claim]):
        token = patient_token(cloud, BY_MRN, given)
        assert "Nurse on duty" in who_accessed(ask(cloud, "/accesses", token))
        found = ask(cloud, "/AuditEvent", token).json()["entry"]
        assert any("Nurse on duty" in json.dumps(entry) for entry in found)


def test_a_claim_may_list_the_names_of_one_patient(cloud: LocalCloud) -> None:
    """By number and by reference, as HAPI's interceptor has it; each alone shows its own."""
    both = [f"{MRN}|1", "Patient/77"]
    shown = {
        repr(claim): who_accessed(ask(cloud, "/accesses", patient_token(cloud, FALLBACK, claim)))
        for claim in (both, both[0], both[1], "77")
    }
    assert shown == {
        repr(both): {"by number", "by reference"},
        repr(both[0]): {"by number"},
        repr(both[1]): {"by reference"},
        repr("77"): {"by reference"},
    }


@pytest.mark.parametrize(
    "claim",
    [
        *([["77"]], {}, {"id": "77"}, None, True, False, 1.5e30),
        *("[[77]]", "<nil>", "map[]", "map[id:77]", "null", "undefined", "None", "1.2345678E7"),
        *('"77"', "'77'", "{77}", "77\u200b", " 77", "77 ", "77\n", "Patient/undefined"),
        *("Patient/null", "Patient/[77]", f"{MRN}|null", f"{MRN}|[1]", f"{MRN}|1 ", f"{MRN}| 1"),
        *(f"{MRN}|\u00a0", f"{MRN}|1\u200b", f"{MRN}|undefined", "Patient/", "patient/77"),
    ],
    ids=repr,
)
def test_what_stands_where_an_issuer_has_no_id_is_nobodys_name(
    cloud: LocalCloud, claim: Any
) -> None:
    """Where references name patients, most texts have the form of a name."""
    answer = ask(cloud, "/accesses", patient_token(cloud, FALLBACK, claim))
    assert answer.status_code == 403
    assert "expected " in answer.json()["issue"][0]["diagnostics"]


def test_white_space_around_an_identifier_is_no_part_of_it(cloud: LocalCloud) -> None:
    """Columns of fixed width leave it: the access would be in nobody's report."""
    officer = cloud.tokens.security(BY_MRN)
    assert "padded" in who_accessed(ask(cloud, "/accesses", officer, patient=f"{MRN}|55"))
    for name in (f"{MRN}|55 ", f"{MRN}| 55", f"{MRN}|  "):
        assert ask(cloud, "/accesses", officer, patient=name).status_code == 400


def test_a_bare_id_stands_alone(cloud: LocalCloud) -> None:
    """`[a b]` may be one text with a space: its end is not taken for another patient's id."""
    for claim in ([f"{MRN}|1 1"], [f"{MRN}|1", "1"], f"[{MRN}|1 1]"):
        token = patient_token(cloud, FALLBACK, claim)
        assert ask(cloud, "/accesses", token).status_code == 403


def test_the_same_id_at_two_servers_is_two_patients(cloud: LocalCloud) -> None:
    """Each is named by its URL; relative, it could be either, and is refused to everyone."""
    officer = cloud.tokens.security(TWO_SERVERS)
    expected = {A: {"at a", "at a, by URL"}, B: {"at b"}}
    for base, names in expected.items():
        name = f"{base}/Patient/1"
        assert who_accessed(ask(cloud, "/accesses", officer, patient=name)) == names
        token = patient_token(cloud, TWO_SERVERS, name)
        assert who_accessed(ask(cloud, "/accesses", token)) == names
        bundle = ask(cloud, "/AuditEvent", officer, patient=name, date="ge2020").json()
        found = json.dumps([e for e in bundle["entry"] if e["search"]["mode"] == "match"])
        for other in ("at a", "at b", "at a, by URL", "of b, at a"):
            assert (f'"{other}"' in found) == (other in names)
    for asked in (
        ask(cloud, "/accesses", officer, patient="Patient/1"),
        ask(cloud, "/accounting", officer, patient="1"),
        ask(cloud, "/reports/privacy", officer, patient="1"),
        ask(cloud, "/AuditEvent", officer, patient="1"),
        ask(cloud, "/AuditEvent", officer, patient="Patient/1", date="ge2020"),
        ask(cloud, "/export", officer, patient="Patient/1", date="ge2020", format="csv"),
    ):
        assert asked.status_code == 400, asked.text
        assert f"{A}/Patient/<id> or {B}/Patient/<id>" in asked.text
    token = patient_token(cloud, TWO_SERVERS, "Patient/1")
    assert ask(cloud, "/accesses", token).status_code == 403


def test_a_foreign_servers_patient_is_nobodys(cloud: LocalCloud) -> None:
    """Kept, flagged, and not shown to the patient of the same id here."""
    officer = cloud.tokens.security(FALLBACK)
    rows = ask(cloud, "/reports/privacy", officer).json()["events"]
    (foreign,) = [row for row in rows if row["user"] == "foreign"]
    assert "patient.unresolved" in foreign["flags"].split()
    told = who_accessed(ask(cloud, "/accesses", officer, patient="Patient/77"))
    assert told == {"by reference"}


@pytest.mark.parametrize("path", ["/accesses", "/accounting", "/reports/privacy"])
def test_a_backslash_names_no_other_patient(cloud: LocalCloud, path: str) -> None:
    r"""`q8\b` is refused, as FHIR's escapes are few; `q8\\b` is the one of that name."""
    officer = cloud.tokens.security(BY_MRN)
    for wrong in (rf"{MRN}|q8\b", rf"{MRN}|q8b\ ", f"{MRN}|a,{MRN}|b", f"{MRN}|a|b"):
        assert ask(cloud, path, officer, patient=wrong).status_code == 400
    if path == "/accesses":
        escaped = who_accessed(ask(cloud, path, officer, patient=rf"{MRN}|q8\\b"))
        assert escaped == {"opened the record of q8-backslash-b"}
        plain = who_accessed(ask(cloud, path, officer, patient=f"{MRN}|q8b"))
        assert plain == {"opened the record of q8b"}


@pytest.mark.parametrize(
    ("ledger", "named", "by_index", "in_all"),
    [
        (MIXED, f"{MRN}|7", {"at ehr"}, {"at ehr", "at hapi"}),
        (MIXED, f"{A}/Patient/7", {"at hapi"}, {"at ehr", "at hapi"}),
        (FALLBACK, "Patient/1", {"other"}, {"other"}),
        (FALLBACK, f"{MRN}|7", {"both"}, None),
        (BY_MRN, f"{MRN}|q8b", {"opened the record of q8b"}, None),
    ],
)
def test_a_patient_whom_portals_name_otherwise_is_not_all_found_in_silence(
    cloud: LocalCloud, ledger: str, named: str, by_index: set[str], in_all: set[str] | None
) -> None:
    """An event has one name in the index: by another the answer warns, or looks into a period."""
    officer = cloud.tokens.security(ledger)
    parameter = "patient.identifier" if "|" in named else "patient"
    found, total, warnings = searched(cloud, officer, **{parameter: named})
    assert found == by_index
    if in_all is None:
        assert (total, warnings) == (len(found), [])
        return
    assert total is None
    assert len(warnings) == 1
    assert "some portals of this ledger name patients otherwise" in warnings[0]
    refused = ask(cloud, "/export", officer, **{parameter: named, "format": "fhir"})
    assert refused.status_code == 400
    assert searched(cloud, officer, **{parameter: named, "date": "ge2020"}) == (
        in_all,
        len(in_all),
        [],
    )


@pytest.mark.parametrize(
    ("ledger", "named", "is_told"),
    [
        (MIXED, [f"{MRN}|7"], True),
        (MIXED, [f"{A}/Patient/7"], True),
        (MIXED, [f"{MRN}|7", f"{A}/Patient/7"], False),
        (FALLBACK, [f"{MRN}|7"], True),
        (FALLBACK, [f"{MRN}|7", "Patient/7"], False),
        (BY_MRN, [f"{MRN}|1"], False),
        (TWO_SERVERS, [f"{A}/Patient/1"], False),
    ],
)
@pytest.mark.parametrize("path", ["/accesses", "/accounting"])
def test_a_report_notes_that_other_names_of_the_patient_are_missing(
    cloud: LocalCloud, path: str, ledger: str, named: list[str], is_told: bool
) -> None:
    """To the office, and to the patient whose token has not all of the names."""
    notes = [
        requests.get(
            cloud.url + path,
            params=parameters,
            headers={"authorization": f"Bearer {token}"},
            timeout=60,
        ).json()["notes"]
        for token, parameters in (
            (cloud.tokens.security(ledger), [("patient", name) for name in named]),
            (patient_token(cloud, ledger, named), []),
        )
    ]
    for each in notes:
        assert any("under another name are missing" in note for note in each) == is_told
        assert not any("7" in note for note in each)


def searched(cloud: LocalCloud, token: str, **query: str) -> tuple[set[str], int | None, list[str]]:
    """Who is in the events that a search finds, its total, and its warnings."""
    answer = ask(cloud, "/AuditEvent", token, **query)
    assert answer.status_code == 200, answer.text
    bundle = answer.json()
    entries = bundle.get("entry", [])
    matches = [e["resource"] for e in entries if e["search"]["mode"] == "match"]
    issues = [
        issue
        for entry in entries
        if entry["search"]["mode"] == "outcome"
        for issue in entry["resource"]["issue"]
    ]
    return (
        {agent["who"]["display"] for event in matches for agent in event["agent"]},
        bundle.get("total"),
        [issue["diagnostics"] for issue in issues if issue["severity"] == "warning"],
    )
