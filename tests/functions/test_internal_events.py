"""Events that the ledger itself emits: query asks ingest, and nobody else can say that they are."""

import json
from itertools import product
from typing import Any

import pytest

from audit_ledger.errors import NotFoundError
from audit_ledger.events import PatientReference, RejectedEventError
from audit_ledger.http.authorization import (
    OWN_PORTAL,
    OWN_USE,
    Authorization,
    ForbiddenError,
    read_authorization,
)
from audit_ledger.settings.event_bus import QUERY_SOURCE
from audit_ledger.settings.token_claims import TokenClaims
from functions.ingest import handler
from functions.query.audit_trail import ITI_81, LedgerUse
from infra.settings import SettingsError
from infra.settings.reader import read_settings
from tests.functions.ingesting import BODY, BY_BUS, BY_QUERY, CONTEXT, R4, send, sequence
from tests.functions.pipeline import Context
from tests.functions.requests import answer_json, opened, post
from tests.world import LEDGER, NAME, ORIGIN, World

pytestmark = pytest.mark.usefixtures("fresh_ingest")

MRN = "urn:mrn"
OFFICER = Authorization(LEDGER, "", "", frozenset(), "https://issuer.example", "officer-1")


def use(*patients: PatientReference) -> list[str]:
    """The events of a search about some patients."""
    search = LedgerUse(
        origin=ORIGIN,
        access=OFFICER,
        source_ip="192.0.2.7",
        request_line="GET /AuditEvent?patient=***",
        instant="2026-11-22T05:59:00+00:00",
        subtype=ITI_81,
    )
    return [json.dumps(search.audit_event(patient)) for patient in patients or (None,)]


def told(events: list[str], system: str | None = None, ledger: str = LEDGER) -> dict[str, Any]:
    """What query tells ingest: by which system, or else relative to what, patients are named."""
    return {
        "source": QUERY_SOURCE,
        "ledger": ledger,
        "patient_system": system,
        "patient_namespace": "portal:ehr" if system is None else None,
        "events": events,
    }


TOLD = told([BODY.decode()])


def take(events: list[str], system: str | None = None, ledger: str = LEDGER) -> dict[str, Any]:
    answer: dict[str, Any] | None = handler.handler(told(events, system, ledger), BY_QUERY)
    assert answer is not None
    return answer


def test_an_own_event_is_a_record_of_the_ledgers_own_portal(world: World) -> None:
    """Byte for byte, and flagged; its id is answered once it is queued."""
    (event,) = use(PatientReference("Patient/rosetyler"))
    answer = take([event])
    (message,) = world.messages()
    world.sqs.send_message(QueueUrl=world.queue_url, MessageBody=message["body"])
    sequence(world)
    ((row, record, _),) = opened(world)
    assert answer == {"ids": [row.event_id]}
    assert record.portal == OWN_PORTAL
    assert row.flags == (OWN_USE,)
    assert bytes(record.resource) == event.encode()


def test_a_patient_is_who_the_portals_events_say(world: World) -> None:
    """By reference: who reads their own events sees who searched for them."""
    send(post("/AuditEvent", BODY))
    take(use(PatientReference("Patient/rosetyler")))
    sequence(world)
    rows = [row for row, _, _ in opened(world)]
    assert len(rows) == 2
    assert rows[0].patient == rows[1].patient is not None


def test_a_patient_by_identifier_is_that_of_a_portal_with_such_a_rule(world: World) -> None:
    """Query says by which system it names them."""
    rule = {"origin": ORIGIN, "portals": {"ehr": {"patient": {"system": MRN}}}}
    world.ssm.put_parameter(
        Name=f"/{NAME}/ledgers/{LEDGER}", Type="String", Value=json.dumps(rule), Overwrite=True
    )
    what = {"identifier": {"system": MRN, "value": "7"}}
    send(
        post(
            "/AuditEvent",
            json.dumps({**R4, "entity": [{"what": what, "role": {"code": "1"}}]}).encode(),
        )
    )
    own = PatientReference(None, ((MRN, "7"),))
    take(use(own), MRN)
    take(use(own))  # by no system: whom it is about cannot be told
    sequence(world)
    patients = [row.patient for row, _, _ in opened(world)]
    assert patients.count(None) == 1
    assert len(patients) == 3
    assert len(set(patients)) == 2


def test_each_use_is_an_event_of_its_own(world: World) -> None:
    """The same search twice was made twice."""
    event = use()
    assert take(event)["ids"] != take(event)["ids"]
    sequence(world)
    assert len(opened(world)) == 2


def test_about_several_patients_it_is_a_record_each(world: World) -> None:
    """An event of each, in one message."""
    names = (PatientReference("Patient/rosetyler"), PatientReference("Patient/martha"))
    assert len(take(use(*names))["ids"]) == 2
    (message,) = world.messages()
    world.sqs.send_message(QueueUrl=world.queue_url, MessageBody=message["body"])
    sequence(world)
    rows = [row for row, _, _ in opened(world)]
    assert (len({row.patient for row in rows}), len(rows)) == (2, 2)


def test_what_cannot_be_taken_fails_and_queues_nothing(world: World) -> None:
    """Then query has no id, and gives no answer to who asked."""
    with pytest.raises(NotFoundError):
        take(use(), ledger="another")
    with pytest.raises(RejectedEventError):
        take([*use(), '{"resourceType":"Patient"}'])
    assert world.messages() == []


@pytest.mark.parametrize("named", ["scope", "claim"])
def test_no_token_speaks_for_the_ledger(world: World, named: str) -> None:
    """Whoever issued it: 403, on every way in, and nothing is queued."""
    scope = f"system/AuditEvent.c ledger/{LEDGER}"
    event = post("/AuditEvent", BODY, scope=f"{scope} portal/{OWN_PORTAL}")
    if named == "claim":
        event = post("/AuditEvent", BODY, scope=scope)
        event["requestContext"]["authorizer"]["jwt"]["claims"]["portal"] = OWN_PORTAL
    claims = event["requestContext"]["authorizer"]["jwt"]
    assert read_authorization(claims, TokenClaims()).portal == OWN_PORTAL
    answer = send(event)
    assert answer["statusCode"] == 403
    assert answer_json(answer)["issue"][0]["code"] == "forbidden"
    assert world.messages() == []


def test_a_portal_of_that_name_would_be_refused_too(world: World) -> None:
    """Even if somebody wrote it into the parameter, around the settings."""
    rule = {"origin": ORIGIN, "portals": {OWN_PORTAL: {"patient": {"reference": True}}}}
    world.ssm.put_parameter(
        Name=f"/{NAME}/ledgers/{LEDGER}", Type="String", Value=json.dumps(rule), Overwrite=True
    )
    scope = f"system/AuditEvent.c ledger/{LEDGER} portal/{OWN_PORTAL}"
    assert send(post("/AuditEvent", BODY, scope=scope))["statusCode"] == 403


def test_settings_refuse_that_id() -> None:
    """In cdk.json, before anything is synthesized."""
    portals = [{"id": OWN_PORTAL, "patient": {"reference": True}}]
    settings = {"domain": "audit.example.org", "ledgers": [{"id": "a", "portals": portals}]}
    with pytest.raises(
        SettingsError, match=r'portals\[0\].id: found "audit-ledger", expected another'
    ):
        read_settings({"stage": "dev", "audit-ledger": settings})


OF_THE_BUS = {"portal": "ehr", "ledger": LEDGER, "event": {"id": "1", "detail": R4}}
FORMS = {"a request": post("/AuditEvent", BODY), "of the bus": OF_THE_BUS, "own": TOLD}
TAKEN = {"live": "a request", "bus": "of the bus", "own": "own"}


def test_each_alias_takes_one_form_of_event_and_nothing_else(world: World) -> None:
    """So who may call one of them cannot do what another is for; the function itself takes none."""
    for alias, form in product(("live", "bus", "own", "", "1", "$LATEST", "other"), FORMS):
        context: Any = Context(alias)
        if TAKEN.get(alias) == form:
            handler.handler(FORMS[form], context)
            assert len(world.messages()) == 1
            continue
        with pytest.raises(ForbiddenError):
            handler.handler(FORMS[form], context)
        assert world.messages() == []


@pytest.mark.parametrize("form", ["a request", "of the bus"])
def test_query_cannot_speak_as_a_portal(world: World, form: str) -> None:
    """Whatever it adds to what it may say, to pass for its own: nothing is queued."""
    forged = {**TOLD, **FORMS[form]}
    with pytest.raises((ForbiddenError, RejectedEventError)):
        handler.handler(forged, BY_QUERY)
    assert world.messages() == []


@pytest.mark.parametrize(
    ("event", "context"),
    [
        ({**post("/AuditEvent", BODY), **TOLD}, CONTEXT),
        ({**OF_THE_BUS, "event": {"id": "1", "detail": TOLD}}, BY_BUS),
        ({**OF_THE_BUS, "event": {**TOLD, "id": "1", "detail": R4}}, BY_BUS),
    ],
    ids=["a request", "the detail of a bus event", "a bus event"],
)
def test_what_comes_by_another_way_is_not_the_ledgers_own(
    world: World, event: dict[str, Any], context: Any
) -> None:
    """However it spells itself: it is the portal's, or nobody's."""
    try:
        handler.handler(event, context)
    except RejectedEventError:
        assert world.messages() == []
        return
    sequence(world)
    assert {record.portal for _, record, _ in opened(world)} == {"ehr"}
