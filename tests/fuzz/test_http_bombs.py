"""Bombs over HTTP get the documented response, which names the place and repeats nothing."""

import json
from base64 import b64encode
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

import pytest

from infra.local.cloud import LocalCloud
from infra.openapi import DOCUMENT
from tests.builders.audit_event import r4

FHIR = "application/fhir+json"
JSON = "application/json"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
SECRET = "Mallory-O-Secret"
DEEP = 100_000
ATTRIBUTES = {"specversion": "1.0", "id": "1", "source": "s", "type": "record.created"}


def event(**elements: Any) -> bytes:
    """Return an AuditEvent that is valid except for these elements."""
    return json.dumps(r4(outcomeDesc=SECRET, **elements)).encode()


def bundle(*entries: Any, kind: str = "collection") -> bytes:
    """Return a Bundle of resources."""
    listed = [{"resource": entry} for entry in entries]
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": listed}).encode()


def nested(levels: int, within: bytes) -> bytes:
    """Return a document with a value nested this deep."""
    return within.replace(b'"?"', b"[" * levels + b"]" * levels)


# Route, media type, body, status, and the place that the response names.
Bomb = tuple[str, str, Callable[[], bytes], int, str]
BOMBS: dict[str, Bomb] = {
    "nested arrays": ("/AuditEvent", FHIR, lambda: b"[" * DEEP, 400, "AuditEvent"),
    "nested objects": ("/AuditEvent", FHIR, lambda: b'{"a":' * 40_000, 400, "AuditEvent"),
    "nested, closed": (
        "/AuditEvent",
        FHIR,
        lambda: nested(65, event(extension="?")),
        400,
        "AuditEvent",
    ),
    "nested in a Bundle": (
        "/",
        FHIR,
        lambda: nested(DEEP, bundle(kind="?").replace(b'"collection"', b'"?"')),
        400,
        "Bundle",
    ),
    "a Bundle in Bundles": (
        "/",
        FHIR,
        lambda: (
            b'{"resourceType":"Bundle","type":"batch","entry":[{"resource":' * 5000 + b"}]}" * 5000
        ),
        400,
        "Bundle",
    ),
    "nested in a batch": ("/events", BATCH, lambda: b'[{"data":' * DEEP, 400, "CloudEvents"),
    "nested in a CloudEvent": (
        "/events",
        STRUCTURED,
        lambda: nested(70, json.dumps({**ATTRIBUTES, "data": "?"}).encode()),
        400,
        "CloudEvent",
    ),
    "nested in base64": (
        "/events",
        STRUCTURED,
        lambda: json.dumps(
            {
                **ATTRIBUTES,
                "datacontenttype": JSON,
                "data_base64": b64encode(b"[" * 50_000).decode(),
            }
        ).encode(),
        400,
        "CloudEvent.data_base64",
    ),
    "a number of 100,000 digits": (
        "/AuditEvent",
        FHIR,
        lambda: event(x=0).replace(b'"x": 0', b'"x": ' + b"9" * DEEP),
        400,
        "AuditEvent",
    ),
    "a number over every double": (
        "/AuditEvent",
        FHIR,
        lambda: event(x=0).replace(b'"x": 0', b'"x": 1e999999999'),
        400,
        "AuditEvent",
    ),
    "a name twice": (
        "/AuditEvent",
        FHIR,
        lambda: event(action="R").replace(b'"action": "R"', b'"action": "R", "action": "D"'),
        400,
        "AuditEvent",
    ),
    "a name twice, with an escape": (
        "/AuditEvent",
        FHIR,
        lambda: event(action="R").replace(b'"action": "R"', b'"action": "R", "\\u0061ction": "D"'),
        400,
        "AuditEvent",
    ),
    "a name twice in a Bundle": (
        "/",
        FHIR,
        lambda: b'{"resourceType":"Bundle","resourceType":"Bundle","type":"batch"}',
        400,
        "Bundle",
    ),
    "invalid UTF-8": ("/AuditEvent", FHIR, lambda: event(x="?") + b"\xff", 400, "AuditEvent"),
    "invalid UTF-8 in a text": (
        "/AuditEvent",
        FHIR,
        lambda: event(x="?").replace(b"?", b"\xc3\x28"),
        400,
        "AuditEvent",
    ),
    "invalid UTF-8 passed as text": (
        "/AuditEvent",
        JSON,
        lambda: event(x="?").replace(b"?", b"\xed\xa0\x80"),
        400,
        "the body",
    ),
    "a lone surrogate": (
        "/AuditEvent",
        FHIR,
        lambda: event(x="?").replace(b"?", b"\\ud800"),
        400,
        "AuditEvent",
    ),
    "a byte order mark": (
        "/AuditEvent",
        FHIR,
        lambda: b"\xef\xbb\xbf" + event(),
        400,
        "AuditEvent",
    ),
    "UTF-16": ("/AuditEvent", FHIR, lambda: event().decode().encode("utf-16"), 400, "AuditEvent"),
    "an event over 256 KB": (
        "/AuditEvent",
        FHIR,
        lambda: event(x="a" * 262_144),
        413,
        "AuditEvent",
    ),
    "more entries than a Bundle may have": (
        "/",
        FHIR,
        lambda: b'{"resourceType":"Bundle","type":"batch","entry":[' + b"0," * 2_000_000 + b"0]}",
        413,
        "Bundle.entry",
    ),
    "more events than a batch may have": (
        "/events",
        BATCH,
        lambda: b"[" + b"0," * 2_000_000 + b"0]",
        413,
        "CloudEvents",
    ),
    "more patients than an event may have": (
        "/AuditEvent",
        FHIR,
        lambda: event(entity=[{"what": {"reference": f"Patient/{n}"}} for n in range(257)]),
        413,
        "AuditEvent",
    ),
    "more patients than a request may have": (
        "/",
        FHIR,
        lambda: bundle(
            *(
                r4(entity=[{"what": {"reference": f"Patient/{b}-{n}"}} for n in range(10)])
                for b in range(300)
            )
        ),
        413,
        "Bundle.entry",
    ),
}


def post(
    cloud: LocalCloud, path: str, body: bytes, headers: dict[str, str], token: str | None = None
) -> tuple[int, str, bytes]:
    """POST; return status, media type and body."""
    connection = HTTPConnection("127.0.0.1", int(cloud.url.rpartition(":")[2]), timeout=60)
    bearer = cloud.tokens.portal("north", "ehr") if token is None else token
    connection.request("POST", path, body, {"Authorization": f"Bearer {bearer}", **headers})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, response.headers["content-type"], content


def get(cloud: LocalCloud, path: str) -> tuple[int, bytes]:
    """GET as a security officer of north; return status and body."""
    connection = HTTPConnection("127.0.0.1", int(cloud.url.rpartition(":")[2]), timeout=60)
    headers = {"Authorization": f"Bearer {cloud.tokens.security('north')}"}
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, content


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_gets_the_documented_status(cloud: LocalCloud, name: str) -> None:
    """An OperationOutcome states where and what was expected; nothing is queued."""
    path, media_type, make, status, place = BOMBS[name]
    response = post(cloud, path, make(), {"Content-Type": media_type})
    assert response[:2] == (status, FHIR), response
    (issue,) = json.loads(response[2])["issue"]
    assert issue["expression"] == [place]
    assert issue["diagnostics"].startswith("expected ")
    assert SECRET.encode() not in response[2]
    assert cloud.drain().batches == ()
    documented = json.loads(DOCUMENT.read_bytes())["paths"][path]["post"]["responses"]
    assert str(status) in documented


@pytest.mark.parametrize("path", ["/AuditEvent", "/", "/events"])
@pytest.mark.parametrize("megabytes", [5, 10, 11])
def test_a_body_above_the_limit_of_the_platform_is_413(
    cloud: LocalCloud, path: str, megabytes: int
) -> None:
    """Lambda accepts 6 MB as base64, API Gateway 10: the function is not invoked."""
    response = post(cloud, path, b" " * (megabytes << 20), {"Content-Type": FHIR})
    assert response[:2] == (413, JSON)
    assert set(json.loads(response[2])) == {"message"}


@pytest.mark.parametrize(
    ("headers", "status", "place"),
    [
        ({"Content-Encoding": "zstd"}, 415, "Content-Encoding"),
        ({"Content-Encoding": "gzip, zstd"}, 415, "Content-Encoding"),
        ({"Idempotency-Key": ""}, 400, "Idempotency-Key"),
        ({"Idempotency-Key": "k" * 256}, 400, "Idempotency-Key"),
        ({"Idempotency-Key": "é"}, 400, "Idempotency-Key"),
        ({"Content-Type": f"{FHIR}; fhirVersion={'9' * 5000}"}, 415, "AuditEvent"),
        ({"Content-Type": ";" * 5000}, 415, "Content-Type"),
    ],
)
def test_a_hostile_header_gets_the_documented_status(
    cloud: LocalCloud, headers: dict[str, str], status: int, place: str
) -> None:
    """The response has the header's name and nothing of its value."""
    response = post(cloud, "/AuditEvent", event(), {"Content-Type": FHIR, **headers})
    assert response[:2] == (status, FHIR), response
    (issue,) = json.loads(response[2])["issue"]
    assert issue["expression"] == [place]
    assert all(v not in response[2].decode() for v in headers.values() if len(v) > 100)


@pytest.mark.parametrize(
    "name", ["ce-", "ce-data", "ce-datacontenttype", "ce-a_b", "ce-" + "a" * 300 + "-"]
)
def test_a_header_that_names_no_attribute_is_400(cloud: LocalCloud, name: str) -> None:
    """In binary mode."""
    headers = {"Content-Type": JSON, **{f"ce-{n}": v for n, v in ATTRIBUTES.items()}, name: "x"}
    status, _, content = post(cloud, "/events", b"{}", headers)
    assert status == 400
    assert json.loads(content)["issue"][0]["expression"] == ["headers"]


@pytest.mark.parametrize("value", ["%ff", "%ed%a0%80", "é%"])
def test_an_attribute_of_invalid_utf_8_is_400(cloud: LocalCloud, value: str) -> None:
    """Percent-encoding is decoded once, as UTF-8; an incomplete escape is accepted."""
    headers = {"Content-Type": JSON, **{f"ce-{n}": v for n, v in ATTRIBUTES.items()}}
    status, _, content = post(cloud, "/events", b"{}", {**headers, "ce-subject": value})
    assert status == (400 if value.startswith("%") else 202), content
    cloud.drain()


@pytest.mark.parametrize(
    "path",
    ["checkpoint/" * 200, "%00", "%ff%fe", "..%2fsouth/checkpoint", "tile/" + "9" * 2000, "%F0%9F"],
)
def test_a_path_that_no_file_has_is_404(cloud: LocalCloud, path: str) -> None:
    """However long or odd: never 5xx, and the response does not repeat it."""
    status, content = get(cloud, f"/published/north/{path}")
    assert status == 404
    (issue,) = json.loads(content)["issue"]
    assert issue["diagnostics"] == "no such file in this ledger"
