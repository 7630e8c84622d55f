"""Roles × data: a patient never sees another's, a ledger never another's, the erased nobody's."""

import json
from datetime import timedelta

import boto3
import pytest

from audit_ledger.reading import record_opener
from infra.local.cloud import REGION
from tests.builders.audit_event import read_of
from tests.query.ledger_api import LEDGER, OTHER, PORTAL, LedgerApi


@pytest.fixture
def told(ledger_api: LedgerApi) -> tuple[LedgerApi, dict[str, str]]:
    """An event about each of two patients, and one about both."""
    both = json.loads(read_of("rose"))
    both["entity"].append({"what": {"reference": "Patient/martha"}})
    ids = {
        "rose": ledger_api.send(read_of("rose")),
        "martha": ledger_api.send(read_of("martha")),
        "both": ledger_api.send(json.dumps(both).encode()),
    }
    ledger_api.settle()
    return ledger_api, ids


def test_a_patient_sees_the_own_compartment_only(told: tuple[LedgerApi, dict[str, str]]) -> None:
    """Whatever is asked for; of an event about two, the own part."""
    ledger_api, ids = told
    rose = ledger_api.patient("rose")
    own = ledger_api.search([], rose)
    assert ids["rose"] in own
    assert ids["martha"] not in own
    assert len(own) == 2
    assert all(b"Patient/martha" not in body for body in own.values())
    for asked in ([("patient", "martha")], [("date", "ge2020")], [("agent", "Practitioner/1")]):
        assert ledger_api.search(asked, rose).keys() <= own.keys()
    assert ledger_api.search([("patient", "martha")], rose) == {}
    assert ledger_api.get(f"/AuditEvent/{ids['rose']}", rose).status_code == 200
    for path in (f"/AuditEvent/{ids['martha']}", f"/AuditEvent/{ids['martha']}/receipt"):
        assert ledger_api.get(path, rose).status_code == 404


@pytest.mark.parametrize("claim", ["rose", "Patient/rose"])
def test_a_patient_is_named_by_id_or_reference(
    told: tuple[LedgerApi, dict[str, str]], claim: str
) -> None:
    """As issuers do."""
    ledger_api, ids = told
    assert ids["rose"] in ledger_api.search([], ledger_api.patient(claim))


def test_a_patient_unknown_to_the_ledger_sees_nothing(
    told: tuple[LedgerApi, dict[str, str]],
) -> None:
    """And that is no error."""
    ledger_api, _ = told
    assert ledger_api.search([], ledger_api.patient("nobody")) == {}


def test_another_ledgers_token_sees_nothing_of_this_one(
    told: tuple[LedgerApi, dict[str, str]],
) -> None:
    """Neither officer nor patient."""
    ledger_api, ids = told
    for token in (ledger_api.cloud.tokens.security(OTHER), ledger_api.patient("rose", OTHER)):
        assert ledger_api.search([("date", "ge2020")], token) == {}
        for path in ("", "/receipt"):
            assert ledger_api.get(f"/AuditEvent/{ids['rose']}{path}", token).status_code == 404


@pytest.mark.parametrize(
    ("scopes", "search", "read"),
    [
        (["system/AuditEvent.rs"], 200, 200),
        (["user/AuditEvent.rs"], 200, 200),
        (["user/*.s"], 200, 403),
        (["system/AuditEvent.r"], 403, 200),
        (["system/AuditEvent.c"], 403, 403),
        (["system/Patient.rs"], 403, 403),
        (["patient/AuditEvent.rs"], 403, 403),  # it names no patient
        ([], 403, 403),
    ],
)
def test_scopes_are_smarts(
    told: tuple[LedgerApi, dict[str, str]], scopes: list[str], search: int, read: int
) -> None:
    """`s` searches, `r` reads what is known by its id."""
    ledger_api, ids = told
    tokens = ledger_api.cloud.tokens
    token = tokens._sign([*scopes, f"ledger/{LEDGER}"], {})
    assert ledger_api.get("/AuditEvent?date=ge2020", token).status_code == search
    assert ledger_api.get(f"/AuditEvent/{ids['rose']}", token).status_code == read
    assert ledger_api.get(f"/AuditEvent/{ids['rose']}/receipt", token).status_code == read


def test_a_portal_reads_nothing(told: tuple[LedgerApi, dict[str, str]]) -> None:
    """It may only send."""
    ledger_api, ids = told
    token = ledger_api.cloud.tokens.portal(LEDGER, PORTAL)
    assert ledger_api.get("/AuditEvent?date=ge2020", token).status_code == 403
    assert ledger_api.get(f"/AuditEvent/{ids['rose']}", token).status_code == 403


def test_what_was_erased_is_found_by_nobody(
    told: tuple[LedgerApi, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the secret go search, read and receipt; others' events stay."""
    ledger_api, ids = told
    late = ledger_api.send(read_of("rose", ago=timedelta(days=9)))
    ledger_api.settle()
    table = "audit-ledger-dev-subjects"
    dynamodb = boto3.client("dynamodb", REGION)
    by_patient = ledger_api.page("patient=rose").events
    assert {ids["rose"], late} <= by_patient.keys()
    (item,) = [
        item
        for item in dynamodb.scan(TableName=table)["Items"]
        if item["pseudonym"]["S"] == _pseudonym_of(ledger_api, ids["rose"])
    ]
    key = {"key": item["key"], "generation": item["generation"]}
    dynamodb.delete_item(TableName=table, Key=key)
    assert ledger_api.get("/AuditEvent?date=ge2020").status_code == 503  # its index may only lag
    monkeypatch.setattr(record_opener, "YOUNG_SECONDS", -60)
    assert ledger_api.page("patient=rose").events == {}
    everything = ledger_api.search([("date", "ge2020")])
    assert ids["martha"] in everything
    assert not {ids["rose"], late} & everything.keys()
    assert ledger_api.get(f"/AuditEvent/{ids['rose']}").status_code == 404


def _pseudonym_of(ledger_api: LedgerApi, event_id: str) -> str:
    origin = ledger_api.cloud.ledger(LEDGER).origin
    item = boto3.client("dynamodb", REGION).get_item(
        TableName="audit-ledger-dev-events", Key={"key": {"S": f"{origin}#{event_id}"}}
    )["Item"]
    return str(item["patient"]["S"])
