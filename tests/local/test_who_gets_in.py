"""Who gets in: every kind of token at every route of every ledger, over HTTP.

The table says whom a token speaks for; the rules below it are written from the documents (SMART v2,
docs/design.md), not from the code, and each cell of the matrix must be what they say.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import jwt
import pytest

from infra.local.clients import client
from infra.local.cloud import LocalCloud, local_cloud
from infra.local.tokens import KEY_ID, TokenIssuer
from tests.events.made import r4

FHIR = "application/fhir+json"
LEDGERS = ("north", "south")
WRITE = "system/AuditEvent.c"
EHR = "ledger/north portal/ehr"


@dataclass(frozen=True)
class Holder:
    """Whom a token speaks for. `genuine`: the API's issuer made it for the API, and it is valid.

    `ledger`: the one that it names; `may_write`: it has a scope to create AuditEvents as a system,
    and names a portal of that ledger.
    """

    token: Callable[[LocalCloud], str | None]
    genuine: bool = True
    ledger: str | None = "north"
    may_write: bool = False


def scoped(scope: str, **claims: Any) -> Callable[[LocalCloud], str]:
    """A genuine token with these scopes and claims."""

    def sign(cloud: LocalCloud) -> str:
        audience = min(cloud.tokens.authorizer.audience)
        return cloud.tokens.issuer.token(audience, scope.split(), claims)

    return sign


def signed_by(issuer: Callable[[LocalCloud], TokenIssuer]) -> Callable[[LocalCloud], str]:
    """A portal's token, but for who signed it."""

    def sign(cloud: LocalCloud) -> str:
        audience = min(cloud.tokens.authorizer.audience)
        return issuer(cloud).token(audience, [WRITE, *EHR.split()])

    return sign


def unsigned(algorithm: str) -> Callable[[LocalCloud], str]:
    """A portal's token without a signature, or with one that anybody can make."""

    def sign(cloud: LocalCloud) -> str:
        claims = jwt.decode(
            cloud.tokens.portal("north", "ehr"), options={"verify_signature": False}
        )
        key = "" if algorithm == "none" else "k" * 32
        return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": KEY_ID})

    return sign


def altered(cloud: LocalCloud) -> str:
    """The claims of another ledger's portal under this one's signature."""
    header, _, signature = cloud.tokens.portal("north", "ehr").split(".")
    return f"{header}.{cloud.tokens.portal('south', 'lab').split('.')[1]}.{signature}"


PAST, LATER = int(time.time()) - 1000, int(time.time()) + 100_000

HOLDERS: dict[str, Holder] = {
    # Who is nobody.
    "no token": Holder(lambda _: None, genuine=False),
    "an empty token": Holder(lambda _: "", genuine=False),
    "garbage": Holder(lambda _: "a.b.c", genuine=False),
    "garbage of bytes": Holder(lambda _: "\xff\xfe.\xe9.=", genuine=False),
    "expired": Holder(scoped(f"{WRITE} {EHR}", exp=PAST), genuine=False),
    "not yet valid": Holder(scoped(f"{WRITE} {EHR}", nbf=LATER), genuine=False),
    "issued in the future": Holder(scoped(f"{WRITE} {EHR}", iat=LATER), genuine=False),
    "another issuer": Holder(scoped(f"{WRITE} {EHR}", iss="https://x.example"), genuine=False),
    "another audience": Holder(scoped(f"{WRITE} {EHR}", aud="another"), genuine=False),
    "another client": Holder(scoped(f"{WRITE} {EHR}", client_id="another"), genuine=False),
    "another key": Holder(
        signed_by(lambda cloud: TokenIssuer(cloud.tokens.issuer.issuer)), genuine=False
    ),
    "no signature": Holder(unsigned("none"), genuine=False),
    "an HMAC": Holder(unsigned("HS256"), genuine=False),
    "altered": Holder(altered, genuine=False),
    # Who is somebody.
    "portal of north": Holder(lambda c: c.tokens.portal("north", "ehr"), may_write=True),
    "portal of south": Holder(
        lambda c: c.tokens.portal("south", "lab"), ledger="south", may_write=True
    ),
    "security officer": Holder(lambda c: c.tokens.security("north")),
    "patient": Holder(lambda c: c.tokens.patient("north", "1")),
    # What a token may lack, or have too much of.
    "no scope to write": Holder(scoped(EHR)),
    "no scope at all": Holder(scoped(""), ledger=None),
    "no ledger": Holder(scoped(f"{WRITE} portal/ehr"), ledger=None),
    "two ledgers": Holder(scoped(f"{WRITE} {EHR} ledger/south"), ledger=None),
    "every ledger": Holder(scoped(f"{WRITE} ledger/* portal/ehr"), ledger=None),
    "a ledger that is none": Holder(scoped(f"{WRITE} ledger/west portal/ehr"), ledger="west"),
    "no portal": Holder(scoped(f"{WRITE} ledger/north")),
    "two portals": Holder(scoped(f"{WRITE} {EHR} portal/bus")),
    "another ledger's portal": Holder(scoped(f"{WRITE} ledger/north portal/lab")),
    "a claim against the scope": Holder(scoped(f"{WRITE} {EHR}", ledger="south"), ledger="south"),
    # SMART v2: any of cruds in that order, for this resource or all; the context must be system.
    "all, as a system": Holder(scoped(f"system/*.cruds {EHR}"), may_write=True),
    "all of AuditEvent": Holder(scoped(f"system/AuditEvent.cruds {EHR}"), may_write=True),
    "create among others": Holder(scoped(f"system/*.rs {WRITE} {EHR}"), may_write=True),
    "all but create": Holder(scoped(f"system/*.ruds {EHR}")),
    "another resource": Holder(scoped(f"system/Patient.cruds {EHR}")),
    "as a user": Holder(scoped(f"user/*.cruds {EHR}")),
    "as a patient": Holder(scoped(f"patient/*.cruds {EHR}")),
    "letters out of order": Holder(scoped(f"system/AuditEvent.sc {EHR}")),
    "a narrowed scope": Holder(scoped(f"{WRITE}?type=rest {EHR}")),
    "upper case": Holder(scoped(f"SYSTEM/AuditEvent.C {EHR}")),
    # SMART v1 is another language: it is not guessed at.
    "SMART v1 write": Holder(scoped(f"system/AuditEvent.write {EHR}")),
    "SMART v1 everything": Holder(scoped(f"system/*.* {EHR}")),
    "a wildcard alone": Holder(scoped(f"* {EHR}")),
}

EVENT = json.dumps(r4(entity=[{"what": {"reference": "Patient/1"}}])).encode()
BUNDLE = json.dumps({"resourceType": "Bundle", "type": "batch", "entry": []}).encode()
CLOUDEVENT = json.dumps({"specversion": "1.0", "id": "1", "source": "s", "type": "t"}).encode()


@dataclass(frozen=True)
class Route:
    """A request, what it is answered when allowed, and whose it is."""

    method: str
    path: str
    allowed: int
    ledger: str | None = None
    media_type: str = FHIR
    body: bytes | None = None


ROUTES: tuple[Route, ...] = (
    Route("POST", "/AuditEvent", 201, body=EVENT),
    Route("POST", "/", 200, body=BUNDLE),
    Route("POST", "/events", 202, media_type="application/cloudevents+json", body=CLOUDEVENT),
    Route("GET", "/metadata", 200),
    *(Route("GET", f"/published/{ledger}/checkpoint", 200, ledger) for ledger in LEDGERS),
    *(Route("GET", f"/published/{ledger}/tile/0/999", 404, ledger) for ledger in LEDGERS),
    Route("GET", "/published/west/checkpoint", 404, "west"),
    # Nobody climbs out of a ledger: to S3 that is a name, which no file has.
    Route("GET", "/published/north/../south/checkpoint", 404, "north"),
    Route("GET", "/published/north%2F..%2Fsouth%2Fcheckpoint", 404, "north"),
)


def rule(holder: Holder, route: Route) -> int:
    """The status that the documents demand.

    Anyone may ask what the server does. Without a genuine token nobody gets further. Whoever names
    a ledger may read what it has published. Who writes is a portal of its ledger, as a system.
    """
    if route.path == "/metadata":
        return 200
    if not holder.genuine:
        return 401
    if route.method == "GET":
        return route.allowed if holder.ledger == route.ledger else 403
    return route.allowed if holder.may_write else 403


@pytest.fixture(scope="module")
def cloud(assembly: Path) -> Iterator[LocalCloud]:
    """The real app with an event in each ledger, published."""
    with local_cloud(assembly) as cloud:
        for ledger, portal in (("north", "ehr"), ("south", "lab")):
            status, _ = ask(cloud, ROUTES[0], cloud.tokens.portal(ledger, portal))
            assert status == 201
        cloud.drain()
        cloud.publish()
        yield cloud


def ask(cloud: LocalCloud, route: Route, token: str | None) -> tuple[int, bytes]:
    """Send a request; give status and body."""
    connection = HTTPConnection("127.0.0.1", int(cloud.url.rpartition(":")[2]), timeout=60)
    headers = {"Content-Type": route.media_type}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    connection.request(route.method, route.path, route.body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


@pytest.mark.parametrize("name", HOLDERS)
def test_who_gets_in(cloud: LocalCloud, name: str) -> None:
    """Each route answers each token as the rules say, and a refusal tells nothing of the token."""
    holder = HOLDERS[name]
    token = holder.token(cloud)
    for route in ROUTES:
        status, content = ask(cloud, route, token)
        assert status == rule(holder, route), f"{route.method} {route.path}: {content!r}"
        if status in (401, 403):
            assert b"north" not in content
            assert b"south" not in content
    written = [record for batch in cloud.drain().batches for record in batch.messages]
    assert len(written) == (2 if holder.may_write else 0)


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
