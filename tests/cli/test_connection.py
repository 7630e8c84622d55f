"""Requests of the API: which are retried, and how failures are reported."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from urllib3 import HTTPHeaderDict

from audit_ledger.client.api import ConnectionOptions
from audit_ledger.client.credentials import Credentials
from audit_ledger.client.http_client import ApiRequest
from audit_ledger.client.profiles import Profile
from audit_ledger.http_transport import HttpResponse
from tests.cli.stub_server import StubResponse, StubServer, stub_server
from tests.cli.stubbed_command import TOKEN, StubbedCommand

DONE, USAGE, INCOMPLETE = 0, 2, 3
EMPTY = StubResponse(200, {"resourceType": "Bundle", "type": "searchset"})
SEARCH = ("search", "--patient", "Mr-Secret")


def test_passing_failures_are_retried(runner: StubbedCommand, stub: StubServer) -> None:
    """The first response is 503, the second connection is reset, the third request succeeds."""
    stub.next_responses = [StubResponse(503), StubResponse(resets=True), EMPTY]
    assert runner.run(*SEARCH).code == DONE
    assert len(stub.requests) == 3
    assert runner.pauses == sorted(runner.pauses)


@pytest.mark.parametrize(
    ("response", "code", "message"),
    [
        (StubResponse(400, {"issue": [{"diagnostics": "date: expected a date"}]}), USAGE, "a date"),
        (StubResponse(401), USAGE, "the token is not taken (401)"),
        (
            StubResponse(403, {"message": "Forbidden"}),
            USAGE,
            "does not allow this (403): Forbidden",
        ),
        (StubResponse(404), USAGE, "not found (404)"),
        (StubResponse(418), USAGE, "refused (418)"),
        (StubResponse(500), INCOMPLETE, "HTTP status 500"),
        (StubResponse(501), INCOMPLETE, "HTTP status 501"),
        (StubResponse(503), INCOMPLETE, "the ledger cannot answer this now"),
        (StubResponse(429), INCOMPLETE, "too many requests at once"),
        (StubResponse(200, b"<html>"), INCOMPLETE, "not what the API gives"),
        (StubResponse(200, b'{"entry":5}'), INCOMPLETE, "not what the API gives"),
        (StubResponse(200, b"[" * 100_000), INCOMPLETE, "not what the API gives"),
        (StubResponse(200, b'{"entry":', missing_bytes=10), INCOMPLETE, "ended within the answer"),
        (StubResponse(resets=True), INCOMPLETE, "onnection"),
        (StubResponse(204), INCOMPLETE, "HTTP status 204"),
    ],
)
def test_each_failed_request_is_reported_in_one_line(
    runner: StubbedCommand, stub: StubServer, response: StubResponse, code: int, message: str
) -> None:
    """The line names the fault and the address, and no value that was searched for."""
    stub.respond = lambda _: response
    line = runner.error_line(code, *SEARCH)
    assert line.startswith(f"ledger: {stub.url}")
    assert message in line
    assert "Secret" not in line


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_token_follows_no_redirect(runner: StubbedCommand, stub: StubServer, status: int) -> None:
    """A redirect ends the command, and nothing is sent to its target."""
    with stub_server() as other:
        stub.respond = lambda _: StubResponse(
            status, headers={"Location": f"{other.url}/AuditEvent"}
        )
        assert f"redirects ({status})" in runner.error_line(USAGE, *SEARCH)
        assert (len(stub.requests), other.requests) == (1, [])


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://ledger.example", "https only"),
        ("http://127.0.0.1.example", "https only"),
        ("ftp://127.0.0.1", "not an https URL"),
        ("https://user:hunter2@ledger.example", "without user and password"),
        ("https://ledger.example/?a=b", "without a query"),
        ("https://", "not an https URL"),
        ("https://[::1", "not a URL"),
        ("https://ledger.example:port", "not a URL"),
        ("https://lédger", "not a URL"),
        ("ledger.example", "not an https URL"),
    ],
)
def test_invalid_urls_are_rejected(runner: StubbedCommand, url: str, message: str) -> None:
    """The message does not contain the password."""
    runner.url = url
    assert message in runner.error_line(USAGE, *SEARCH)
    assert "hunter2" not in runner.error_line(USAGE, *SEARCH)


def test_a_refused_connection_is_incomplete(runner: StubbedCommand, stub: StubServer) -> None:
    """The result is reported in one line."""
    runner.url = "http://127.0.0.1:9"
    assert (
        runner.error_line(INCOMPLETE, *SEARCH) == "ledger: http://127.0.0.1:9: Connection refused"
    )


def test_an_unknown_host_is_not_retried(
    runner: StubbedCommand, stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A retry would not help."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setenv("no_proxy", "*")
    runner.url = "https://ledger.invalid"
    message = runner.error_line(INCOMPLETE, *SEARCH)
    assert message == "ledger: https://ledger.invalid: unknown host ledger.invalid"
    assert runner.pauses == []


def test_an_untrusted_certificate_is_not_retried(runner: StubbedCommand, stub: StubServer) -> None:
    """Nothing of the request is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed_certificate(runner.path))
    with stub_server(context) as untrusted:
        runner.url = untrusted.url
        message = runner.error_line(INCOMPLETE, *SEARCH)
        assert (
            message
            == f"ledger: {runner.url}: its certificate is not trusted: self-signed certificate"
        )
        assert untrusted.requests == []
    assert runner.pauses == []


def self_signed_certificate(folder: Path) -> Path:
    """Write a key and a certificate for 127.0.0.1 in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    return file


def test_no_repr_shows_a_token() -> None:
    """This applies to each value that contains one."""
    profile = Profile("https://x", token=TOKEN)
    request = ApiRequest("GET", "/", f"q={TOKEN}", TOKEN.encode(), {"Authorization": TOKEN})
    for value in (
        profile,
        Credentials(profile, {}, TOKEN),
        ConnectionOptions(None, None, TOKEN),
        request,
        HttpResponse(200, HTTPHeaderDict(), TOKEN.encode()),
    ):
        assert TOKEN not in repr(value)
