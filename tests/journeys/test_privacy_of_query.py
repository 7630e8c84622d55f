"""Requests to query and their results appear in its responses to the requester alone."""

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import boto3
import pytest
import requests

from infra.local.aws.calls import Call, observing
from infra.local.cloud import REGION, LocalCloud, local_cloud
from infra.stacks.api import ACCESS_LOG
from tests.builders.audit_event import PATIENT_ROLE, r4

LEDGER = "south"  # whose portal names patients by reference
OFFICER, PATIENT, NURSE, MRN, NAME = NEEDLES = (
    "officer-Zelda-Needle",
    "rosetyler-needle",
    "nurse-needle-4711",
    "MRN-needle-0815",
    "Mallory O'Needle",
)
FHIR = "application/fhir+json"
EVENT = r4(
    recorded=datetime.now(UTC).isoformat(),
    agent=[{"who": {"reference": f"Practitioner/{NURSE}", "display": NAME}, "requestor": True}],
    entity=[
        {"what": {"reference": f"Patient/{PATIENT}"}, "role": PATIENT_ROLE, "name": NAME},
        {"what": {"identifier": {"system": "urn:mrn", "value": MRN}}, "description": NAME},
    ],
    outcomeDesc=NAME,
)
# Each names somebody, and each is answered with a page.
SEARCHES = (
    f"patient=Patient/{PATIENT}",
    f"agent=Practitioner/{NURSE}",
    f"agent.identifier={quote(f'urn:staff|{NURSE}')}",
    f"date=ge2020&entity.identifier={quote(f'urn:mrn|{MRN}')}",
    f"date=ge2020&address={quote(NAME)}",
    f"date=ge2020&agent={NURSE}",
    f"patient.identifier={quote(f'urn:mrn|{MRN}')}",
)
REPORTS = (
    f"/accounting?patient=Patient/{PATIENT}",
    f"/accesses?patient=Patient/{PATIENT}&_format=html",
    f"/reports/privacy?patient={PATIENT}&_format=csv",
    f"/reports/privacy?user=Practitioner/{NURSE}",
    f"/export?format=ocsf&patient={PATIENT}",
)
# Each names somebody where it may not, or asks wrongly for somebody: path and query, and status.
REFUSALS = (
    (f"/AuditEvent?date={PATIENT}", 400),
    (f"/AuditEvent?patient=Practitioner/{NURSE}", 400),
    (f"/AuditEvent?patient={PATIENT}&_sort={quote(NAME)}", 400),
    (f"/AuditEvent?patient={PATIENT}&_count={MRN}", 400),
    (f"/AuditEvent?patient={PATIENT}&_cursor={MRN}", 400),
    (f"/AuditEvent?patient:{quote(NAME)}={PATIENT}", 400),
    (f"/AuditEvent?{quote(NAME)}={PATIENT}", 400),
    (f"/AuditEvent?agent={NURSE}", 400),
    (f"/AuditEvent?patient={PATIENT}&_format={quote(NAME)}", 406),
    (f"/AuditEvent?patient={PATIENT}&address={quote(NAME) * 400}", 414),
    (f"/AuditEvent/{PATIENT}", 404),
    (f"/AuditEvent/{PATIENT}/receipt", 404),
    (f"/portals/{NURSE}/gaps", 404),
    (f"/accounting?patient=Practitioner/{NURSE}", 400),
    (f"/accounting?patient={PATIENT}&requested={MRN}", 400),
    (f"/accesses?patient={PATIENT}&{quote(NAME)}={MRN}", 400),
    (f"/accesses?patient={PATIENT}&zone={quote(NAME)}", 400),
    (f"/accesses?patient={PATIENT}&_format={MRN}", 406),
    (f"/reports/privacy?user={quote(NAME)}%7C{MRN}%7C&sort={NURSE}", 400),
    (f"/export?format={MRN}&patient={PATIENT}", 400),
    (f"/export?format=csv&patient={PATIENT}&receipts={quote(NAME)}", 400),
    (f"/digests?from={quote(NAME)}", 400),
    (f"/findings?to={MRN}", 400),
    (f"/consistency?from={MRN}", 400),
    (f"/nothing/{PATIENT}?patient={MRN}", 404),
)


def spellings(needle: str) -> Iterator[bytes]:
    """How a text may be written: as it is, percent-encoded, in JSON, in base64 anywhere."""
    raw = needle.encode()
    yield from {raw, quote(needle).encode(), json.dumps(needle)[1:-1].encode()}
    for shift in range(3):
        encoded = b64encode(b"\0" * shift + raw)
        yield encoded[4 if shift else 0 : -4]


def found_in(data: bytes) -> list[str]:
    """Which needles are in it."""
    return [needle for needle in NEEDLES if any(spelt in data for spelt in spellings(needle))]


@dataclass
class Asking:
    """The requester, and all calls to AWS meanwhile except those of query to ingest."""

    cloud: LocalCloud
    told: list[Call] = field(default_factory=list)
    answers: list[requests.Response] = field(default_factory=list)

    def ask(
        self, path: str, token: str | None = None, method: str = "GET", **more: str
    ) -> requests.Response:
        """Send a request, and store the response."""
        headers = {"Accept": f"{FHIR}, */*;q=0.1", **more}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        body = NAME.encode() if method == "POST" else None
        answer = requests.request(
            method, self.cloud.url + path, headers=headers, data=body, timeout=60
        )
        self.answers.append(answer)
        return answer

    def token(self, scope: str = "system/AuditEvent.rs", **claims: str) -> str:
        """A token of somebody with a name."""
        audience = min(self.cloud.tokens.authorizer.audience)
        scopes = [*scope.split(), f"ledger/{LEDGER}"]
        return self.cloud.tokens.issuer.token(audience, scopes, {"sub": OFFICER, **claims})


@pytest.fixture
def asking(assembly: Path) -> Iterator[Asking]:
    """A ledger with one event about somebody, published."""
    with local_cloud(assembly) as cloud:
        asking = Asking(cloud)
        token = cloud.tokens.portal(LEDGER, "lab")
        sent = requests.post(
            f"{cloud.url}/AuditEvent",
            json.dumps(EVENT),
            headers={"Authorization": f"Bearer {token}", "Content-Type": FHIR},
            timeout=60,
        )
        assert sent.status_code == 201
        cloud.drain()
        cloud.publish()
        with observing(asking.told.append):
            yield asking


def outside(asking: Asking) -> Iterator[tuple[str, bytes]]:
    """Yield all outputs but permitted responses: logs and metrics, calls to AWS, refusals."""
    for name, log in asking.cloud.runner.logs.items():
        yield f"log of {name}", "\n".join(log.lines).encode()
    for call in asking.told:
        if call.service == "lambda":  # what query tells ingest: a call, which nobody keeps
            continue
        yield f"{call.service} {call.operation}", repr(dict(call.parameters)).encode()
        for value in call.parameters.values():
            if isinstance(value, bytes):
                yield f"{call.service} {call.operation}", value
    for event in asking.cloud.bus.seen:
        yield "bus", json.dumps(event.content).encode()
    s3 = boto3.client("s3", REGION)
    for bucket in s3.list_buckets()["Buckets"]:
        for item in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", []):
            body = s3.get_object(Bucket=bucket["Name"], Key=item["Key"])["Body"].read()
            yield f"{bucket['Name']}/{item['Key']}", item["Key"].encode() + body
    dynamodb = boto3.client("dynamodb", REGION)
    for table in dynamodb.list_tables()["TableNames"]:
        for row in dynamodb.scan(TableName=table)["Items"]:
            yield table, repr(row).encode()
    for answer in asking.answers:
        yield f"headers of {answer.status_code}", repr(dict(answer.headers)).encode()
        if answer.status_code >= 400:
            yield f"answer {answer.status_code}", answer.content


def assert_nothing_outside(asking: Asking) -> None:
    """None of the needles, in any spelling."""
    for where, data in list(outside(asking)):
        assert found_in(data) == [], where


def test_a_needle_would_be_found_in_any_spelling() -> None:
    """Within other text, too."""
    for needle in NEEDLES:
        for text in (needle, quote(needle), json.dumps([needle])):
            assert needle in found_in(f"some {text} text".encode())
        for before in ("", "x", "xy", "xyz"):
            assert needle in found_in(b64encode(f"{before}{needle} and more".encode()))
    assert found_in(b"some other text") == []


def test_what_was_found_is_in_the_answer_alone(asking: Asking) -> None:
    """Searches, reads, receipts and reports; and the events of these uses."""
    officer, patient = asking.token(), asking.token("patient/*.rs", patient=PATIENT)
    unasked = 0  # searches that showed the officer a record whose patient they do not name
    for token in (officer, patient):
        for query in SEARCHES:
            answer = asking.ask(f"/AuditEvent?{query}", token)
            assert answer.status_code == 200, answer.text
            entries = answer.json().get("entry", ())
            is_shown = any(entry["search"]["mode"] == "match" for entry in entries)
            unasked += token == officer and is_shown and not query.startswith("patient=")
    assert unasked
    found = asking.ask(f"/AuditEvent?patient={PATIENT}", officer).json()
    (event_id,) = [entry["fullUrl"].rpartition("/")[2] for entry in found["entry"]]
    assert set(found_in(json.dumps(found).encode())) == {PATIENT, NURSE, MRN, NAME}
    for token in (officer, patient):
        for path in (f"/AuditEvent/{event_id}", f"/AuditEvent/{event_id}/receipt"):
            assert asking.ask(path, token).status_code == 200
    for path in REPORTS:
        answer = asking.ask(path, officer, Accept="*/*")
        assert answer.status_code == 200, answer.text
        assert PATIENT in answer.text
    for path in ("/digests", "/digests/latest", "/consistency?from=1", "/policy", "/findings"):
        assert asking.ask(path, officer).status_code == 200
    uses = len(asking.cloud.drain().batches)
    assert uses > 0
    asking.cloud.publish()
    asking.cloud.drain()
    assert_nothing_outside(asking)
    sent = [call for call in asking.told if call.operation == "SendMessage"]
    # The officer's uses are the ledger's own, and once more the patient's whom they name or show.
    searches = len(SEARCHES) + (unasked + 1) + 2
    assert len(sent) == searches + 4 + 2 * len(REPORTS) + 2 + 1 + (len(SEARCHES) + 2)


@pytest.mark.parametrize("prefer", ["handling=strict", "handling=lenient"])
def test_refusals_say_nothing_of_what_was_asked(asking: Asking, prefer: str) -> None:
    """Wrong values, unknown ids, other forms; no token, too little of one, another ledger's."""
    officer = asking.token()
    for path, status in REFUSALS:
        answer = asking.ask(path, officer, Prefer=prefer, Accept="*/*")
        if answer.status_code == 200:  # a name that is no parameter's is left out, and named
            assert prefer == "handling=lenient"
            assert quote(NAME) in path
            continue
        assert answer.status_code == status, f"{path}: {answer.text}"
    search = f"/AuditEvent?patient={PATIENT}"
    assert asking.ask(search, officer, Accept="application/fhir+xml").status_code == 406
    assert asking.ask(search).status_code == 401
    assert asking.ask(search, f"{officer}x").status_code == 401
    assert asking.ask(search, asking.token(f"system/Patient.rs {NURSE}")).status_code == 403
    assert asking.ask(search, asking.token("patient/*.rs")).status_code == 403
    assert (
        asking.ask(f"/findings?from={MRN}", asking.token("patient/*.rs", patient=MRN)).ok is False
    )
    posted = {"Content-Type": "application/json"}
    assert asking.ask("/documents/verify", officer, "POST", **posted).status_code == 400
    assert_nothing_outside(asking)


def test_failures_say_nothing_either(asking: Asking) -> None:
    """The use cannot be recorded, 503; blocks are damaged, 500: the kind of error in the log."""
    officer = asking.token()
    sqs = boto3.client("sqs", REGION)
    url = sqs.get_queue_url(QueueName=asking.cloud.ledger(LEDGER).queue)["QueueUrl"]
    sqs.delete_queue(QueueUrl=url)
    for query in SEARCHES:
        assert asking.ask(f"/AuditEvent?{query}", officer).status_code == 503
    dynamodb = boto3.client("dynamodb", REGION)
    for block in dynamodb.scan(TableName="audit-ledger-dev-blocks")["Items"]:
        damaged = block | {"body": {"B": block["body"]["B"][:-1]}}
        dynamodb.put_item(TableName="audit-ledger-dev-blocks", Item=damaged)
    for query in SEARCHES:
        assert asking.ask(f"/AuditEvent?{query}", officer).status_code == 500
    log = asking.cloud.runner.log_of("audit-ledger-dev-query").lines
    assert sum("request failed" in line for line in log) == 2 * len(SEARCHES)
    assert_nothing_outside(asking)


def test_the_access_log_of_the_api_holds_no_path_and_no_query() -> None:
    """What API Gateway writes of a request, by its variables."""
    told = {variable.removeprefix("$context.") for variable in ACCESS_LOG.values()}
    telling = {"path", "resourcePath", "customDomain.basePathMatched"}
    assert not told & telling
    assert not [name for name in told if "query" in name.lower() or "claims.sub" in name]
    assert "routeKey" in told  # GET /AuditEvent/{id}, as declared
