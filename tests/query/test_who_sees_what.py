"""A patient never sees another's events, a ledger never another's, nobody what was erased."""

import json
from datetime import timedelta

import boto3
import pytest

from audit_ledger.reading import record_opener
from infra.local.cloud import REGION
from tests.builders.audit_event import encoded, read_of
from tests.query.ledger_api import LEDGER, OTHER, LedgerApi

Ids = dict[str, str]


@pytest.fixture(scope="module")
def ids(module_api: LedgerApi) -> Ids:
    """Send an event about each of two patients, and one about both; return their ids."""
    both = json.loads(read_of("rose"))
    both["entity"].append({"what": {"reference": "Patient/martha"}})
    events = {
        "rose": read_of("rose"),
        "martha": read_of("martha"),
        "both": encoded(both),
    }
    ids = {name: module_api.send(body) for name, body in events.items()}
    module_api.settle()
    return ids


def test_a_patient_sees_only_the_own_events(module_api: LedgerApi, ids: Ids) -> None:
    """Whatever the request; of an event about two patients, the own part."""
    rose = module_api.patient("rose")
    own = module_api.search("", rose)
    assert ids["rose"] in own
    assert ids["martha"] not in own
    assert len(own) == 2
    assert all(b"Patient/martha" not in body for body in own.values())
    for query in ("patient=martha", "date=ge2020", "agent=Practitioner/1"):
        assert module_api.search(query, rose).keys() <= own.keys()
    assert module_api.search("patient=martha", rose) == {}
    assert module_api.get(f"/AuditEvent/{ids['rose']}", rose).status_code == 200
    for path in (f"/AuditEvent/{ids['martha']}", f"/AuditEvent/{ids['martha']}/receipt"):
        assert module_api.get(path, rose).status_code == 404


def test_a_claim_names_a_patient_by_id_or_reference(module_api: LedgerApi, ids: Ids) -> None:
    """A patient whom the ledger does not know sees nothing, which is no error."""
    for claim in ("rose", "Patient/rose"):
        assert ids["rose"] in module_api.search("", module_api.patient(claim))
    assert module_api.search("", module_api.patient("nobody")) == {}


def test_a_token_of_another_ledger_sees_nothing(module_api: LedgerApi, ids: Ids) -> None:
    """Neither an officer's nor a patient's."""
    for token in (module_api.officer(OTHER), module_api.patient("rose", OTHER)):
        assert module_api.search("date=ge2020", token) == {}
        for path in ("", "/receipt"):
            response = module_api.get(f"/AuditEvent/{ids['rose']}{path}", token)
            assert response.status_code == 404


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
        (None, 403, 403),  # a portal's token, which only sends
    ],
)
def test_scopes_allow_searching_and_reading_as_in_smart(
    module_api: LedgerApi, ids: Ids, scopes: list[str] | None, search: int, read: int
) -> None:
    """`s` allows searches, `r` reads by id."""
    token = module_api.portal_token()
    if scopes is not None:
        token = module_api.cloud.tokens._sign([*scopes, f"ledger/{LEDGER}"], {})
    assert module_api.get("/AuditEvent?patient=rose", token).status_code == search
    assert module_api.get(f"/AuditEvent/{ids['rose']}", token).status_code == read
    assert module_api.get(f"/AuditEvent/{ids['rose']}/receipt", token).status_code == read


def test_an_erased_event_is_found_by_nobody(
    module_api: LedgerApi, ids: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the patient's secret, searches, reads and receipts find others' events only."""
    erased = module_api.send(read_of("ruth"))
    late = module_api.send(read_of("ruth", ago=timedelta(days=9)))
    module_api.settle()
    assert module_api.page("patient=ruth").events.keys() == {erased, late}
    dynamodb, table = boto3.client("dynamodb", REGION), "audit-ledger-dev-subjects"
    origin = module_api.cloud.ledger(LEDGER).origin
    row = dynamodb.get_item(
        TableName="audit-ledger-dev-events", Key={"key": {"S": f"{origin}#{erased}"}}
    )["Item"]
    (secret,) = [
        item
        for item in dynamodb.scan(TableName=table)["Items"]
        if item["pseudonym"] == row["patient"]
    ]
    key = {"key": secret["key"], "generation": secret["generation"]}
    dynamodb.delete_item(TableName=table, Key=key)
    assert module_api.get("/AuditEvent?date=ge2020").status_code == 503  # its index may only lag
    monkeypatch.setattr(record_opener, "YOUNG_SECONDS", -60)
    assert module_api.page("patient=ruth").events == {}
    remaining = module_api.search("date=ge2020")
    assert ids["martha"] in remaining
    assert not {erased, late} & remaining.keys()
    for path in ("", "/receipt"):
        assert module_api.get(f"/AuditEvent/{erased}{path}").status_code == 404
