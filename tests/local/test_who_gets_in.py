"""Who gets in: every kind of token at every route of every ledger, over HTTP.

The table says whom a token speaks for; the rules below it are written from the documents (SMART v2,
docs/design.md), not from the code, and each cell of the matrix must be what they say.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from infra.local.aws.clients import client
from infra.local.cloud import LocalCloud, local_cloud
from tests.builders.audit_event import r4
from tests.local.token_holders import HOLDERS, MRN, Holder

FHIR = "application/fhir+json"
LEDGERS = ("north", "south")


def about(ledger: str, number: str) -> bytes:
    """An event about a patient, named as the ledger's portal does, with a mark to know it by."""
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
    """A request, what it is answered when allowed, and whose it is.

    `path` may name the event of a ledger: `{north}`. `asks`: it is a question, which needs these
    permissions, or none (""); None: it is no question. `of_all`: not for patients. `of_event`: of
    one event. `names_patient`: whether a report names whom it is about, as the office must and a
    patient may not; None: it is no such report. `recorded`: so many events are put into the ledger;
    `tells`: so many more where who asks sees all, for those whom it asks about or shows.
    """

    method: str
    path: str
    allowed: int
    ledger: str | None = None
    media_type: str = FHIR
    body: bytes | None = None
    asks: str | None = None
    of_all: bool = False
    of_event: bool = False
    names_patient: bool | None = None
    recorded: int = 0
    tells: int = 0


# An officer is shown records of patients whom the search does not name: they are told too.
SEARCH = Route("GET", "/AuditEvent?date=ge2020", 200, asks="s", recorded=1, tells=1)
ROUTES: tuple[Route, ...] = (
    Route("POST", "/AuditEvent", 201, body=EVENT),
    Route("POST", "/", 200, body=BUNDLE),
    Route("POST", "/events", 202, media_type="application/cloudevents+json", body=CLOUDEVENT),
    Route("GET", "/metadata", 200),
    Route("GET", "/.well-known/smart-configuration", 200),
    *(Route("GET", f"/published/{ledger}/checkpoint", 200, ledger) for ledger in LEDGERS),
    *(Route("GET", f"/published/{ledger}/tile/0/999", 404, ledger) for ledger in LEDGERS),
    Route("GET", "/published/west/checkpoint", 404, "west"),
    # Nobody climbs out of a ledger: to S3 that is a name, which no file has.
    Route("GET", "/published/north/../south/checkpoint", 404, "north"),
    Route("GET", "/published/north%2F..%2Fsouth%2Fcheckpoint", 404, "north"),
    SEARCH,
    *(
        Route(
            "GET",
            f"/AuditEvent/{{{ledger}}}{of}",
            200,
            ledger,
            asks="r",
            of_event=True,
            recorded=1,
            tells=1,
        )
        for ledger in LEDGERS
        for of in ("", "/receipt", "/_history/1", "/$submitted")
    ),
    Route(
        *("POST", "/documents/verify", 200),
        media_type="application/json",
        body=DOCUMENT,
        asks="s",
        recorded=1,
    ),
    *(
        Route("GET", f"/{report}{of}", 200, asks="s", names_patient=of != "", recorded=1, tells=1)
        for report in ("accounting", "accesses")
        for of in ("", "?patient=Patient/1")
    ),
    Route("GET", "/reports/privacy", 200, asks="s", of_all=True, recorded=1, tells=1),
    # Export, and use
    Route("GET", "/export?format=csv&date=ge2020", 200, asks="rs", recorded=2, tells=1),
    Route("GET", "/findings", 200, asks="s", of_all=True, recorded=1),
    Route("GET", "/portals/ehr/gaps", 200, "north", asks="s", of_all=True, recorded=1),
    *(
        Route("GET", path, 200, asks="")
        for path in ("/digests", "/digests/latest", "/consistency?from=1", "/policy")
    ),
)


def rule(holder: Holder, route: Route) -> int:
    """The status that the documents demand.

    Anyone may ask what the server does. Without a genuine token nobody gets further. Whoever names
    a ledger may read what it has published. Who writes is a portal of its ledger, as a system.
    Questions: see `rule_of_questions`.
    """
    if route.path in ("/metadata", "/.well-known/smart-configuration"):
        return 200
    if not holder.genuine:
        return 401
    if route.asks is not None:
        return rule_of_questions(holder, route)
    if route.method == "GET":
        return route.allowed if holder.ledger == route.ledger else 403
    return route.allowed if holder.may_write else 403


def rule_of_questions(holder: Holder, route: Route) -> int:
    """The status of a question, by a genuine token.

    It is of a ledger that there is. What proves the ledger, all may know who name it; other things
    need SMART's r or s, as system or user for all, or of a patient for the own. What is another
    ledger's, or another patient's, is as if it were not there. A report of a patient is of whom the
    office names, or of the patient who asks.
    """
    if holder.ledger not in LEDGERS:
        return 403
    if not route.asks:
        return route.allowed
    sees_all = set(route.asks) <= set(holder.all)
    if not sees_all and (not set(route.asks) <= set(holder.own) or route.of_all):
        return 403
    if route.names_patient is not None and route.names_patient != sees_all:
        return 400 if sees_all else 403
    if route.ledger not in (None, holder.ledger):
        return 404
    return 404 if route.of_event and not sees_all and holder.patient != "1" else route.allowed


@dataclass(frozen=True)
class Deployed:
    """The real app, with two events in each ledger, published; ids of the first."""

    cloud: LocalCloud
    ids: dict[str, str]


@pytest.fixture(scope="module")
def deployed(assembly: Path) -> Iterator[Deployed]:
    """About two patients of each ledger."""
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


@pytest.fixture
def cloud(deployed: Deployed) -> LocalCloud:
    """The app."""
    return deployed.cloud


def ask(
    cloud: LocalCloud, route: Route, token: str | None, ids: dict[str, str] | None = None
) -> tuple[int, bytes]:
    """Send a request; give status and body."""
    answer = send(cloud, route, token, ids)
    return answer.status, answer.read()


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
def test_who_gets_in(deployed: Deployed, name: str) -> None:
    """Each route answers each token as the rules say, and a refusal tells nothing of the token.

    What was written is what was answered so, and each use of the ledger that was answered.
    """
    cloud, holder = deployed.cloud, HOLDERS[name]
    token = holder.token(cloud)
    recorded = 0
    for route in ROUTES:
        status, content = ask(cloud, route, token, deployed.ids)
        if status == 200:
            sees_all = set(route.asks or "") <= set(holder.all)
            recorded += route.recorded + (route.tells if sees_all else 0)
        assert status == rule(holder, route), f"{route.method} {route.path}: {content!r}"
        if status in (401, 403):
            assert b"north" not in content
            assert b"south" not in content
    written = [record for batch in cloud.drain().batches for record in batch.messages]
    assert len(written) == (2 if holder.may_write else 0) + recorded


@pytest.mark.parametrize("name", HOLDERS)
def test_who_sees_which_events(cloud: LocalCloud, name: str) -> None:
    """A search gives what the token may see of its own ledger, and nothing else."""
    holder = HOLDERS[name]
    _, content = ask(cloud, SEARCH, holder.token(cloud))
    seen = set(re.findall(rb"mark-(\w+-\d)", content))
    may_see: set[bytes] = set()
    if holder.genuine and holder.ledger in LEDGERS:
        sees_all = "s" in holder.all
        seen_of = [n for n in "12" if sees_all or ("s" in holder.own and holder.patient == n)]
        may_see = {f"{holder.ledger}-{number}".encode() for number in seen_of}
    assert seen == may_see
    cloud.drain()


def test_an_event_goes_to_the_ledger_that_the_token_names(cloud: LocalCloud) -> None:
    """Whatever the request says: only that ledger's queue gets it."""
    for ledger, portal in (("north", "ehr"), ("south", "lab")):
        ask(cloud, ROUTES[0], cloud.tokens.portal(ledger, portal))
        assert waiting(cloud) == {other: int(other == ledger) for other in LEDGERS}
        cloud.drain()


def waiting(cloud: LocalCloud) -> dict[str, int]:
    """How many messages are in the queue of each ledger."""
    sqs = client("sqs", cloud.deployment.region)
    counts = {}
    for ledger in LEDGERS:
        url = sqs.get_queue_url(QueueName=cloud.ledger(ledger).queue)["QueueUrl"]
        name = "ApproximateNumberOfMessages"
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        counts[ledger] = int(found["Attributes"][name])
    return counts
