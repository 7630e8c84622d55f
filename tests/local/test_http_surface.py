"""The deployed app for HTTP clients: negotiation, methods, links, encodings, origins."""

import gzip
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from infra.local.cloud import LocalCloud, local_cloud
from tests.assemblies import LEDGERS, synthesized
from tests.builders.audit_event import PATIENT_ROLE, r4, r5
from tests.http.test_accept_header import CHROMIUM, HAPI

PUBLIC = "https://audit.hospital.example/prod"
SITE = "https://portal.example.org"
FHIR = "application/fhir+json"
PATIENT = {"identifier": {"system": "https://north.example/mrn", "value": "1"}}
EVENT = r4(entity=[{"what": PATIENT, "role": PATIENT_ROLE}])


@dataclass(frozen=True)
class Surface:
    """The app behind a proxy, with an event of each release; `ids` of them."""

    cloud: LocalCloud
    ids: tuple[str, str]

    def ask(self, method: str, path: str, token: str | None = "security", **options: Any) -> Any:
        """Send a request; `token`: of security, of the portal, or none; `options`: for requests."""
        headers = {"Accept": None, **options.pop("headers", {})}
        if token is not None:
            of = self.cloud.tokens
            text = of.portal("north", "ehr") if token == "portal" else of.security("north")
            headers["Authorization"] = f"Bearer {text}"
        session = requests.Session()
        session.trust_env = False
        return session.request(
            method,
            f"{self.cloud.url}{path}",
            headers=headers,
            timeout=60,
            allow_redirects=False,
            **options,
        )


@pytest.fixture(scope="module")
def surface() -> Iterator[Surface]:
    settings = {"ledgers": LEDGERS, "public_url": PUBLIC, "cors_origins": [SITE]}
    with local_cloud(synthesized(settings)) as cloud:
        empty = Surface(cloud, ("", ""))
        ids = []
        for event in (EVENT, r5(patient=PATIENT)):
            sent = empty.ask(
                "POST", "/AuditEvent", "portal", json=event, headers={"Content-Type": FHIR}
            )
            assert sent.status_code == 201, sent.text
            assert sent.headers["Location"].startswith(f"{PUBLIC}/AuditEvent/")
            ids.append(sent.headers["Location"].rpartition("/")[2])
        cloud.drain()
        cloud.publish("north")
        yield Surface(cloud, (ids[0], ids[1]))


@pytest.mark.parametrize(
    ("accept", "status", "version"),
    [
        (HAPI, 200, "4.0"),
        ("application/fhir+json, application/fhir+xml", 200, "4.0"),
        ("application/fhir+xml;q=0.5, application/fhir+json", 200, "4.0"),
        (f"{FHIR};fhirVersion=4.0, {FHIR};fhirVersion=5.0;q=0.1", 200, "4.0"),
        (f"{FHIR};q=0.1, application/fhir+xml", 200, "4.0"),
        (CHROMIUM, 200, "4.0"),
        (f"{FHIR};fhirVersion=5.0", 200, "5.0"),
        ("application/fhir+xml", 406, ""),
        ("application/json;q=0", 406, ""),
    ],
)
def test_accept_is_a_list_on_every_route(
    surface: Surface, accept: str, status: int, version: str
) -> None:
    """FHIR declares its release; other responses have the type of their format."""
    for path in ("/metadata", "/AuditEvent?date=ge2020", f"/AuditEvent/{surface.ids[0]}"):
        response = surface.ask("GET", path, headers={"Accept": accept})
        assert response.status_code == status, (path, response.text)
        if status == 200:
            assert response.headers["Content-Type"] == f"{FHIR}; fhirVersion={version}"
        else:
            assert "fhir+json" in response.json()["issue"][0]["diagnostics"]
    for path in ("/digests/latest", "/findings", "/policy", "/published/north/checkpoint"):
        response = surface.ask("GET", path, headers={"Accept": accept})
        assert response.status_code == (200 if accept == CHROMIUM else 406), (path, accept)


def test_a_resource_is_of_the_release_that_it_declares(surface: Surface) -> None:
    """An R5 event, requested without a release: the content is of the declared one."""
    response = surface.ask("GET", f"/AuditEvent/{surface.ids[1]}")
    is_r5 = "code" in response.json()
    assert response.headers["Content-Type"].endswith("5.0" if is_r5 else "4.0")


def test_links_begin_with_the_public_url_and_with_no_header(surface: Surface) -> None:
    """The headers of proxies and clients are ignored."""
    spoofed = {
        "X-Forwarded-Proto": "https, http",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "proto=https;host=evil.example",
        "Host": "evil.example",
    }
    found = surface.ask("GET", "/AuditEvent?date=ge2020&_count=1", headers=spoofed).json()
    urls = [link["url"] for link in found["link"]]
    urls += [each["fullUrl"] for each in found["entry"] if each["search"]["mode"] == "match"]
    assert len(urls) == 3
    assert all(url.startswith(f"{PUBLIC}/AuditEvent") for url in urls)
    statement = surface.ask("GET", "/metadata", None, headers=spoofed).json()
    assert statement["implementation"]["url"] == PUBLIC


def test_head_is_supported_wherever_get_is(surface: Surface) -> None:
    """The same status and headers, and no body."""
    for path in ("/metadata", f"/AuditEvent/{surface.ids[0]}", "/published/north/checkpoint"):
        got, head = (surface.ask(method, path) for method in ("GET", "HEAD"))
        assert (head.status_code, head.content) == (200, b"")
        for name in ("Content-Type", "ETag", "Last-Modified"):
            assert head.headers.get(name) == got.headers.get(name)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DELETE", "/AuditEvent/1", 405),
        ("PUT", "/AuditEvent", 405),
        ("PATCH", "/metadata", 405),
        ("GET", "/events", 405),
        ("GET", "/", 405),
        ("GET", "/Patient/1", 404),
        ("POST", "/nothing", 404),
    ],
)
def test_an_unknown_route_is_an_operation_outcome(
    surface: Surface, method: str, path: str, status: int
) -> None:
    """Without a token it is 401."""
    response = surface.ask(method, path)
    assert response.status_code == status
    assert response.json()["resourceType"] == "OperationOutcome"
    assert ("Allow" in response.headers) == (status == 405)
    assert surface.ask(method, path, None).status_code == 401


def test_accepts_a_slash_at_the_end_of_a_path(surface: Surface) -> None:
    """Also without a token, for routes that need none."""
    assert surface.ask("GET", "/metadata/", None).status_code == 200
    assert surface.ask("GET", "/AuditEvent/?date=ge2020").json()["type"] == "searchset"
    posted = surface.ask(
        "POST", "/AuditEvent/", "portal", json=EVENT, headers={"Content-Type": FHIR}
    )
    assert posted.status_code == 201
    moved = surface.ask("POST", "/documents/verify/", json={})
    assert (moved.status_code, moved.headers["Location"]) == (308, f"{PUBLIC}/documents/verify")


def test_a_body_may_be_compressed(surface: Surface) -> None:
    """A decompression bomb is refused."""

    def send(body: bytes, coding: str) -> Any:
        headers = {"Content-Type": FHIR, "Content-Encoding": coding}
        return surface.ask("POST", "/AuditEvent", "portal", data=body, headers=headers)

    assert send(gzip.compress(json.dumps(EVENT).encode()), "gzip").status_code == 201
    assert send(gzip.compress(bytes(32 * 1024 * 1024)), "gzip").status_code == 413
    refused = send(b"{}", "br")
    assert (refused.status_code, refused.headers["Accept-Encoding"]) == (415, "gzip, identity")


@pytest.mark.parametrize("media_type", ["application/json", "application/json+fhir"])
def test_json_has_several_names(surface: Surface, media_type: str) -> None:
    """Including that of DSTU2."""
    response = surface.ask(
        "POST",
        "/AuditEvent",
        "portal",
        data=json.dumps(EVENT),
        headers={"Content-Type": media_type},
    )
    assert response.status_code == 201


def test_a_version_is_read_by_its_number(surface: Surface) -> None:
    """An event has one version; it is conditional like a read, with the same content."""
    path = f"/AuditEvent/{surface.ids[0]}"
    read, versioned = surface.ask("GET", path), surface.ask("GET", f"{path}/_history/1")
    assert versioned.content == read.content
    assert versioned.headers["ETag"] == 'W/"1"'
    assert versioned.headers["Last-Modified"].endswith(" GMT")
    assert surface.ask("GET", path, headers={"If-None-Match": 'W/"1"'}).status_code == 304
    for other in ("0", "2", "01", "x"):
        assert surface.ask("GET", f"{path}/_history/{other}").status_code == 404


def test_publishes_the_smart_configuration(surface: Surface) -> None:
    """SMART App Launch 2.2: the required members, and only true statements."""
    configuration = surface.ask("GET", "/.well-known/smart-configuration", None).json()
    assert configuration["token_endpoint"].endswith("/oauth2/token")
    assert configuration["grant_types_supported"] == ["client_credentials"]
    assert "permission-v2" in configuration["capabilities"]
    assert not {"authorization_endpoint", "launch_ehr"} & set(configuration)


def test_pages_of_a_named_site_may_call(surface: Surface) -> None:
    """Other sites get no such header; neither needs a token."""
    asks = {"Origin": SITE, "Access-Control-Request-Method": "POST"}
    allowed = surface.ask("OPTIONS", "/AuditEvent", None, headers=asks)
    assert (allowed.status_code, allowed.content) == (204, b"")
    assert allowed.headers["Access-Control-Allow-Origin"] == SITE
    assert "POST" in allowed.headers["Access-Control-Allow-Methods"]
    assert "authorization" in allowed.headers["Access-Control-Allow-Headers"]
    other = surface.ask(
        "OPTIONS", "/AuditEvent", None, headers={**asks, "Origin": "https://evil.example"}
    )
    assert not [name for name in other.headers if name.lower().startswith("access-control")]
    read = surface.ask("GET", "/metadata", None, headers={"Origin": SITE})
    assert read.headers["Access-Control-Allow-Origin"] == SITE
    assert "location" in read.headers["Access-Control-Expose-Headers"]


def test_raw_utf_8_in_a_header_is_what_was_sent(surface: Surface) -> None:
    """As Go's and Java's CloudEvents SDKs send it; the percent-encoded event is a duplicate."""

    def send(source: bytes) -> bytes:
        where = urlsplit(surface.cloud.url)
        token = surface.cloud.tokens.portal("north", "ehr").encode()
        lines = (
            b"POST /events HTTP/1.1",
            b"Host: x",
            b"Connection: close",
            b"Authorization: Bearer " + token,
            b"Content-Length: 0",
            b"ce-specversion: 1.0",
            b"ce-id: 1",
            b"ce-type: t",
            b"ce-source: " + source,
        )
        with socket.create_connection((where.hostname, where.port)) as connection:
            connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n")
            return connection.makefile("rb").read()

    raw, encoded = send("urn:Kraków à".encode()), send(b"urn:Krak%C3%B3w%20%C3%A0")
    assert b" 202 " in raw.partition(b"\r\n")[0]
    assert raw.partition(b"\r\n\r\n")[2] == encoded.partition(b"\r\n\r\n")[2]
    assert b" 400 " in send(b"urn:Krak" + b"\xe2\x82").partition(b"\r\n")[0]


def test_a_response_has_the_id_of_its_request(surface: Surface) -> None:
    """The id in the access log; a client's own id is returned too."""
    response = surface.ask("GET", "/metadata", None, headers={"X-Request-Id": "mine"})
    assert response.headers["X-Request-Id"]
    assert response.headers["X-Correlation-Id"] == "mine"
