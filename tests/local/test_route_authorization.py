"""Authorization: every kind of token at every route of every ledger, over HTTP.

`HOLDERS` states the rights of a token; the rules below are written from the documents (SMART v2,
docs/design.md), not from the code, and each cell of the matrix must be what they state.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from infra.local.aws.calls import client
from infra.local.cloud import LocalCloud, local_cloud
from tests.builders.audit_event import r4
from tests.local.token_holders import HOLDERS, MRN, Holder

FHIR = "application/fhir+json"
LEDGERS = ("north", "south")


def about(ledger: str, number: str) -> bytes:
    """Return an event about a patient, named as the ledger's portal does, with a mark."""
    named = {
        "north": {"identifier": {"system": MRN, "value": number}},
        "south": {"reference": f"Patient/{number}"},
    }[ledger]
    who = {"what": named, "role": {"code": "1"}}
    return json.dumps(r4(entity=[who], outcomeDesc=f"mark-{ledger}-{number}")).encode()


EVENT = about("north", "1")
BUNDLE = json.dumps({"resourceType": "Bundle", "type": "batch", "entry": []}).encode()
DOCUMENT = json.dumps({"digest": f"ni:///sha-256;{'A' * 43}"}).encode()
CLOUDEVENT = json.dumps({"specversion": "1.0", "id": "1", "source": "s", "type": "t"}).encode()


@dataclass(frozen=True)
class Route:
    """A request, its status when allowed, and the ledger that it concerns.

    `path` may name the event of a ledger: `{north}`. `needs`: the permissions for a query,
    perhaps none (""); None: not a query. `of_all`: not for patients. `of_event`: of one event.
    `names_patient`: whether a report names its patient, as the privacy office must and a patient
    may not; None: it is not such a report. `recorded`: number of events that the ledger records;
    `extra`: more of them if the requester sees all, for the patients of the results.
    """

    method: str
    path: str
    allowed: int
    ledger: str | None = None
    media_type: str = FHIR
    body: bytes | None = None
    needs: str | None = None
    of_all: bool = False
    of_event: bool = False
    names_patient: bool | None = None
    recorded: int = 0
    extra: int = 0


# An officer's search shows records of patients whom it does not name: those are recorded too.
SEARCH = Route("GET", "/AuditEvent?date=ge2020", 200, needs="s", recorded=1, extra=1)
ROUTES: tuple[Route, ...] = (
    Route("POST", "/AuditEvent", 201, body=EVENT),
    Route("POST", "/", 200, body=BUNDLE),
    Route("POST", "/events", 202, media_type="application/cloudevents+json", body=CLOUDEVENT),
    Route("GET", "/metadata", 200),
    Route("GET", "/.well-known/smart-configuration", 200),
    *(Route("GET", f"/published/{ledger}/checkpoint", 200, ledger) for ledger in LEDGERS),
    *(Route("GET", f"/published/{ledger}/tile/0/999", 404, ledger) for ledger in LEDGERS),
    Route("GET", "/published/west/checkpoint", 404, "west"),
    # A path cannot leave a ledger: to S3 it is the name of an object that does not exist.
    Route("GET", "/published/north/../south/checkpoint", 404, "north"),
    Route("GET", "/published/north%2F..%2Fsouth%2Fcheckpoint", 404, "north"),
    SEARCH,
    *(
        Route(
            "GET",
            f"/AuditEvent/{{{ledger}}}{of}",
            200,
            ledger,
            needs="r",
            of_event=True,
            recorded=1,
            extra=1,
        )
        for ledger in LEDGERS
        for of in ("", "/receipt", "/_history/1", "/$submitted")
    ),
    Route(
        *("POST", "/documents/verify", 200),
        media_type="application/json",
        body=DOCUMENT,
        needs="s",
        recorded=1,
    ),
    *(
        Route(
            "GET",
            f"/{report}{of}",
            200,
            needs="s",
            names_patient=of != "",
            recorded=1,
            extra=1,
        )
        for report in ("accounting", "accesses")
        for of in ("", "?patient=Patient/1")
    ),
    Route("GET", "/reports/privacy", 200, needs="s", of_all=True, recorded=1, extra=1),
    # Export, and use
    Route(
        "GET",
        "/export?format=csv&date=ge2020",
        200,
        needs="rs",
        recorded=2,
        extra=1,
    ),
    Route("GET", "/findings", 200, needs="s", of_all=True, recorded=1),
    Route("GET", "/portals/ehr/gaps", 200, "north", needs="s", of_all=True, recorded=1),
    *(
        Route("GET", path, 200, needs="")
        for path in ("/digests", "/digests/latest", "/consistency?from=1", "/policy")
    ),
)


def required_status(holder: Holder, route: Route) -> int:
    """Return the status that the documents require.

    Anyone may read the capabilities. Everything else needs a genuine token. A token that names a
    ledger reads its published files. A portal of the ledger writes, as a system. Queries: see
    `query_status`.
    """
    if route.path in ("/metadata", "/.well-known/smart-configuration"):
        return 200
    if not holder.genuine:
        return 401
    if route.needs is not None:
        return query_status(holder, route)
    if route.method == "GET":
        return route.allowed if holder.ledger == route.ledger else 403
    return route.allowed if holder.may_write else 403


def query_status(holder: Holder, route: Route) -> int:
    """Return the status of a query with a genuine token.

    It names a deployed ledger. Proofs of the ledger are open to every such token; other queries
    need SMART's r or s: as system or user for all events, or as a patient for the own ones. Events
    of another ledger or patient are not found. A report is about the patient whom the office
    names, or about the patient of the token.
    """
    if holder.ledger not in LEDGERS:
        return 403
    if not route.needs:
        return route.allowed
    sees_all = set(route.needs) <= set(holder.all)
    if not sees_all and (not set(route.needs) <= set(holder.own) or route.of_all):
        return 403
    if route.names_patient is not None and route.names_patient != sees_all:
        return 400 if sees_all else 403
    if route.ledger not in (None, holder.ledger):
        return 404
    return 404 if route.of_event and not sees_all and holder.patient != "1" else route.allowed


@dataclass(frozen=True)
class Deployed:
    """The real app with two published events in each ledger; `ids`: of the first of each."""

    cloud: LocalCloud
    ids: dict[str, str]


@pytest.fixture(scope="module")
def deployed(assembly: Path) -> Iterator[Deployed]:
    """Deploy the app for all tests, with events about two patients of each ledger."""
    with local_cloud(assembly) as cloud:
        ids: dict[str, str] = {}
        for ledger, portal in (("north", "ehr"), ("south", "lab")):
            for number in ("1", "2"):
                route = Route("POST", "/AuditEvent", 201, body=about(ledger, number))
                answer = send(cloud, route, cloud.tokens.portal(ledger, portal))
                assert answer.status == 201
                ids.setdefault(ledger, answer.headers["location"].rpartition("/")[2])
        cloud.drain()
        cloud.publish()
        yield Deployed(cloud, ids)


def send(
    cloud: LocalCloud, route: Route, token: str | None, ids: dict[str, str] | None = None
) -> HTTPResponse:
    """Send a request; `ids`: of the ledgers' events."""
    connection = HTTPConnection("127.0.0.1", int(cloud.url.rpartition(":")[2]), timeout=60)
    headers = {"Content-Type": route.media_type}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    path = route.path.format_map(ids or {}) if route.of_event else route.path
    connection.request(route.method, path, route.body, headers | {"Connection": "close"})
    return connection.getresponse()


@pytest.mark.parametrize("name", HOLDERS)
def test_each_route_answers_each_token_as_required(deployed: Deployed, name: str) -> None:
    """The ledger records each accepted event and each query.

    A refusal does not reveal the ledgers, and a search shows the events that the token may read.
    """
    cloud, holder = deployed.cloud, HOLDERS[name]
    token = holder.token(cloud)
    recorded = 0
    for route in ROUTES:
        response = send(cloud, route, token, deployed.ids)
        status, content = response.status, response.read()
        if status == 200:
            sees_all = set(route.needs or "") <= set(holder.all)
            recorded += route.recorded + (route.extra if sees_all else 0)
        assert status == required_status(holder, route), f"{route.method} {route.path}: {content!r}"
        if status in (401, 403):
            assert b"north" not in content
            assert b"south" not in content
        if route is SEARCH:
            assert set(re.findall(rb"mark-(\w+-\d)", content)) == visible_events(holder)
    written = [record for batch in cloud.drain().batches for record in batch.messages]
    assert len(written) == (2 if holder.may_write else 0) + recorded


def visible_events(holder: Holder) -> set[bytes]:
    """Return the marks of the published events that a search may show."""
    if not holder.genuine or holder.ledger not in LEDGERS:
        return set()
    return {
        f"{holder.ledger}-{number}".encode()
        for number in "12"
        if "s" in holder.all or ("s" in holder.own and holder.patient == number)
    }


def test_an_event_goes_to_the_ledger_that_the_token_names(deployed: Deployed) -> None:
    """The request does not matter: only that ledger's queue contains it."""
    cloud = deployed.cloud
    for ledger, portal in (("north", "ehr"), ("south", "lab")):
        assert send(cloud, ROUTES[0], cloud.tokens.portal(ledger, portal)).status == 201
        assert waiting(cloud) == {other: int(other == ledger) for other in LEDGERS}
        cloud.drain()


def waiting(cloud: LocalCloud) -> dict[str, int]:
    """Return the number of messages in each ledger's queue."""
    sqs = client("sqs", cloud.deployment.region)
    counts = {}
    for ledger in LEDGERS:
        url = sqs.get_queue_url(QueueName=cloud.ledger(ledger).queue)["QueueUrl"]
        name = "ApproximateNumberOfMessages"
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"]
        counts[ledger] = int(attributes[name])
    return counts
