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
# Each names a person, and returns a page.
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
# Each contains the name of a person, and is refused: path and query, and status.
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
    """Yield a text as it is, percent-encoded, in JSON, and in base64 at any offset."""
    raw = needle.encode()
    yield from {raw, quote(needle).encode(), json.dumps(needle)[1:-1].encode()}
    for shift in range(3):
        encoded = b64encode(b"\0" * shift + raw)
        yield encoded[4 if shift else 0 : -4]


def found_in(data: bytes) -> list[str]:
    """Return the needles that the data contains."""
    return [needle for needle in NEEDLES if any(spelling in data for spelling in spellings(needle))]


@dataclass
class ObservedApi:
    """The API, the responses of requests to it, and the calls to AWS that they caused."""

    cloud: LocalCloud
    calls: list[Call] = field(default_factory=list)
    responses: list[requests.Response] = field(default_factory=list)

    def request(
        self, path: str, token: str | None = None, method: str = "GET", **more: str
    ) -> requests.Response:
        """Return the response to a request, and store it."""
        headers = {"Accept": f"{FHIR}, */*;q=0.1", **more}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        body = NAME.encode() if method == "POST" else None
        response = requests.request(
            method, self.cloud.url + path, headers=headers, data=body, timeout=60
        )
        self.responses.append(response)
        return response

    def token(self, scope: str = "system/AuditEvent.rs", **claims: str) -> str:
        """Return the token of an officer, whose name is a needle."""
        audience = min(self.cloud.tokens.authorizer.audience)
        scopes = [*scope.split(), f"ledger/{LEDGER}"]
        return self.cloud.tokens.issuer.token(audience, scopes, {"sub": OFFICER, **claims})


@pytest.fixture
def observed(assembly: Path) -> Iterator[ObservedApi]:
    """A ledger with one published event, whose texts are needles."""
    with local_cloud(assembly) as cloud:
        api = ObservedApi(cloud)
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
        with observing(api.calls.append):
            yield api


def outputs(api: ObservedApi) -> Iterator[tuple[str, bytes]]:
    """Yield all outputs but permitted responses: logs and metrics, calls to AWS, refusals."""
    for name, log in api.cloud.runner.logs.items():
        yield f"log of {name}", "\n".join(log.lines).encode()
    for call in api.calls:
        if call.service == "lambda":  # query invokes ingest: nobody stores the payload
            continue
        yield f"{call.service} {call.operation}", repr(dict(call.parameters)).encode()
        for value in call.parameters.values():
            if isinstance(value, bytes):
                yield f"{call.service} {call.operation}", value
    for event in api.cloud.bus.seen:
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
    for response in api.responses:
        yield f"headers of {response.status_code}", repr(dict(response.headers)).encode()
        if response.status_code >= 400:
            yield f"response {response.status_code}", response.content


def assert_no_needle_in_outputs(api: ObservedApi) -> None:
    """Check that no output contains a needle in any spelling."""
    for output, data in list(outputs(api)):
        assert found_in(data) == [], output


def test_a_needle_is_found_in_any_spelling() -> None:
    """Also within other text."""
    for needle in NEEDLES:
        for text in (needle, quote(needle), json.dumps([needle])):
            assert needle in found_in(f"some {text} text".encode())
        for before in ("", "x", "xy", "xyz"):
            assert needle in found_in(b64encode(f"{before}{needle} and more".encode()))
    assert found_in(b"some other text") == []


def test_events_are_in_the_response_alone(observed: ObservedApi) -> None:
    """Of searches, reads, receipts and reports; recorded uses contain nothing of them either."""
    officer, patient = observed.token(), observed.token("patient/*.rs", patient=PATIENT)
    unnamed = 0  # searches that showed the officer a record, and do not name its patient
    for token in (officer, patient):
        for query in SEARCHES:
            response = observed.request(f"/AuditEvent?{query}", token)
            assert response.status_code == 200, response.text
            entries = response.json().get("entry", ())
            is_shown = any(entry["search"]["mode"] == "match" for entry in entries)
            unnamed += token == officer and is_shown and not query.startswith("patient=")
    assert unnamed
    found = observed.request(f"/AuditEvent?patient={PATIENT}", officer).json()
    (event_id,) = [entry["fullUrl"].rpartition("/")[2] for entry in found["entry"]]
    assert set(found_in(json.dumps(found).encode())) == {PATIENT, NURSE, MRN, NAME}
    for token in (officer, patient):
        for path in (f"/AuditEvent/{event_id}", f"/AuditEvent/{event_id}/receipt"):
            assert observed.request(path, token).status_code == 200
    for path in REPORTS:
        response = observed.request(path, officer, Accept="*/*")
        assert response.status_code == 200, response.text
        assert PATIENT in response.text
    for path in ("/digests", "/digests/latest", "/consistency?from=1", "/policy", "/findings"):
        assert observed.request(path, officer).status_code == 200
    uses = len(observed.cloud.drain().batches)
    assert uses > 0
    observed.cloud.publish()
    observed.cloud.drain()
    assert_no_needle_in_outputs(observed)
    sent = [call for call in observed.calls if call.operation == "SendMessage"]
    # An officer's use is recorded for the ledger, and for each patient whom it names or shows.
    searches = len(SEARCHES) + (unnamed + 1) + 2
    assert len(sent) == searches + 4 + 2 * len(REPORTS) + 2 + 1 + (len(SEARCHES) + 2)


@pytest.mark.parametrize("prefer", ["handling=strict", "handling=lenient"])
def test_a_refusal_contains_nothing_of_the_request(observed: ObservedApi, prefer: str) -> None:
    """Invalid values, unknown ids, other formats; no token, an invalid one, too few scopes."""
    officer = observed.token()
    for path, status in REFUSALS:
        response = observed.request(path, officer, Prefer=prefer, Accept="*/*")
        if response.status_code == 200:  # an unknown parameter is left out
            assert prefer == "handling=lenient"
            assert quote(NAME) in path
            continue
        assert response.status_code == status, f"{path}: {response.text}"
    search = f"/AuditEvent?patient={PATIENT}"
    assert observed.request(search, officer, Accept="application/fhir+xml").status_code == 406
    assert observed.request(search).status_code == 401
    assert observed.request(search, f"{officer}x").status_code == 401
    assert observed.request(search, observed.token(f"system/Patient.rs {NURSE}")).status_code == 403
    assert observed.request(search, observed.token("patient/*.rs")).status_code == 403
    patient = observed.token("patient/*.rs", patient=MRN)
    assert not observed.request(f"/findings?from={MRN}", patient).ok
    posted = {"Content-Type": "application/json"}
    assert observed.request("/documents/verify", officer, "POST", **posted).status_code == 400
    assert_no_needle_in_outputs(observed)


def test_a_failure_contains_nothing_of_the_request(observed: ObservedApi) -> None:
    """503 if the use cannot be recorded, 500 if blocks are damaged; the log names the error."""
    officer = observed.token()
    sqs = boto3.client("sqs", REGION)
    url = sqs.get_queue_url(QueueName=observed.cloud.ledger(LEDGER).queue)["QueueUrl"]
    sqs.delete_queue(QueueUrl=url)
    for query in SEARCHES:
        assert observed.request(f"/AuditEvent?{query}", officer).status_code == 503
    dynamodb = boto3.client("dynamodb", REGION)
    for block in dynamodb.scan(TableName="audit-ledger-dev-blocks")["Items"]:
        damaged = block | {"body": {"B": block["body"]["B"][:-1]}}
        dynamodb.put_item(TableName="audit-ledger-dev-blocks", Item=damaged)
    for query in SEARCHES:
        assert observed.request(f"/AuditEvent?{query}", officer).status_code == 500
    log = observed.cloud.runner.log_of("audit-ledger-dev-query").lines
    assert sum("request failed" in line for line in log) == 2 * len(SEARCHES)
    assert_no_needle_in_outputs(observed)


def test_the_access_log_contains_no_path_and_no_query() -> None:
    """By the variables that API Gateway writes."""
    variables = {variable.removeprefix("$context.") for variable in ACCESS_LOG.values()}
    assert variables.isdisjoint({"path", "resourcePath", "customDomain.basePathMatched"})
    assert not [name for name in variables if "query" in name.lower() or "claims.sub" in name]
    assert "routeKey" in variables  # GET /AuditEvent/{id}, as declared
