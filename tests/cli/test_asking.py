"""Asking an API: to whom a token goes, what is tried again, what is said where nobody answers."""

import json
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from urllib3 import HTTPHeaderDict

from audit_ledger.cli.commands import ledger
from tests.cli.asking import TOKEN, Asker
from tests.cli.stub_server import Says, StubServer, stub_server

DONE, FAILED, USAGE, INCOMPLETE = 0, 1, 2, 3
EMPTY = Says(200, {"resourceType": "Bundle", "type": "searchset"})
SEARCH = ("search", "--patient", "Mr-Secret")


def test_a_search_is_asked_again_where_that_may_help(asker: Asker, stub: StubServer) -> None:
    """503, then a connection that is reset, then the answer."""
    stub.next_answers = [Says(503), Says(resets=True), EMPTY]
    assert asker.run(*SEARCH).code == DONE
    assert len(stub.got) == 3
    assert asker.pauses == sorted(asker.pauses)


@pytest.mark.parametrize(
    ("says", "code", "said"),
    [
        (Says(400, {"issue": [{"diagnostics": "date: expected a date"}]}), USAGE, "a date"),
        (Says(401), USAGE, "the token is not taken (401)"),
        (Says(403, {"message": "Forbidden"}), USAGE, "does not allow this (403): Forbidden"),
        (Says(404), USAGE, "not found (404)"),
        (Says(418), USAGE, "refused (418)"),
        (Says(500), INCOMPLETE, "HTTP status 500"),
        (Says(501), INCOMPLETE, "HTTP status 501"),
        (Says(503), INCOMPLETE, "the ledger cannot answer this now"),
        (Says(429), INCOMPLETE, "too many requests at once"),
        (Says(200, b"<html>"), INCOMPLETE, "not what the API gives"),
        (Says(200, b'{"entry":5}'), INCOMPLETE, "not what the API gives"),
        (Says(200, b"[" * 100_000), INCOMPLETE, "not what the API gives"),
        (Says(200, b'{"entry":', lacks=10), INCOMPLETE, "ended within the answer"),
        (Says(resets=True), INCOMPLETE, "onnection"),
        (Says(204), INCOMPLETE, "HTTP status 204"),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(
    asker: Asker, stub: StubServer, says: Says, code: int, said: str
) -> None:
    """What and where, and nothing of what was asked for."""
    stub.answering = lambda _: says
    line = asker.said(code, *SEARCH)
    assert line.startswith(f"ledger: {stub.url}")
    assert said in line
    assert "Secret" not in line


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_token_follows_no_redirect(asker: Asker, stub: StubServer, status: int) -> None:
    """Not to another host, and not within this one."""
    with stub_server() as other:
        stub.answering = lambda _: Says(status, headers={"Location": f"{other.url}/AuditEvent"})
        assert f"redirects ({status})" in asker.said(USAGE, *SEARCH)
        assert (len(stub.got), other.got) == (1, [])


@pytest.mark.parametrize(
    ("url", "said"),
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
def test_what_is_not_asked(asker: Asker, url: str, said: str) -> None:
    """Before anything is sent anywhere."""
    asker.url = url
    assert said in asker.said(USAGE, *SEARCH)
    assert "hunter2" not in asker.said(USAGE, *SEARCH)


def test_nobody_listens(asker: Asker, stub: StubServer) -> None:
    """Which is incomplete, in one line."""
    asker.url = "http://127.0.0.1:9"
    assert asker.said(INCOMPLETE, *SEARCH) == "ledger: http://127.0.0.1:9: Connection refused"


def test_an_unknown_host_is_named_at_once(
    asker: Asker, stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asking again would not make it known."""
    import socket

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setenv("no_proxy", "*")
    asker.url = "https://ledger.invalid"
    said = asker.said(INCOMPLETE, *SEARCH)
    assert said == "ledger: https://ledger.invalid: unknown host ledger.invalid"
    assert asker.pauses == []


def test_a_certificate_that_is_not_trusted_ends_it(asker: Asker, stub: StubServer) -> None:
    """No retry, and no way around; nothing of the request is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed_certificate(asker.path))
    with stub_server(context) as untrusted:
        asker.url = untrusted.url
        said = asker.said(INCOMPLETE, *SEARCH)
        assert (
            said == f"ledger: {asker.url}: its certificate is not trusted: self-signed certificate"
        )
        assert untrusted.got == []
    assert asker.pauses == []


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


# ── profiles ──


def write_profiles(asker: Asker, text: str, mode: int = 0o600) -> Path:
    file = asker.path / "config" / "audit-ledger" / "profiles.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)
    return file


def token_used(asker: Asker, stub: StubServer, *options: str) -> str:
    """Search by a profile; gives the token that arrived."""
    stub.answering = lambda _: EMPTY
    ran = asker.run(*SEARCH, *options, asks=False)
    assert ran.code == DONE, ran
    return stub.got[-1].token.removeprefix("Bearer ")


def test_a_profile_says_where_and_how(asker: Asker, stub: StubServer) -> None:
    """Named, or by default, or the only one."""
    one = f'[profiles.one]\nurl = "{stub.url}/"\ntoken = "one"\n'
    two = f'[profiles.two]\nurl = "{stub.url}"\ntoken = "two"\n'
    write_profiles(asker, one)
    assert token_used(asker, stub) == "one"
    assert stub.got[-1].target.startswith("/AuditEvent?")
    write_profiles(asker, 'default = "two"\n' + one + two)
    assert token_used(asker, stub) == "two"
    assert token_used(asker, stub, "--profile", "one") == "one"


def test_the_environment_goes_before_profiles_and_options_before_it(
    asker: Asker, stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profile that is named on the command line takes nothing from the environment."""
    with stub_server() as other:
        other.answering = lambda _: EMPTY
        write_profiles(
            asker,
            f'[profiles.one]\nurl = "{stub.url}"\ntoken = "one"\n'
            f'[profiles.two]\nurl = "{stub.url}"\ntoken = "two"\n',
        )
        monkeypatch.setenv("AUDIT_LEDGER_PROFILE", "two")
        assert token_used(asker, stub) == "two"
        monkeypatch.setenv("AUDIT_LEDGER_TOKEN", "env")
        assert token_used(asker, stub) == "env"
        assert token_used(asker, stub, "--token", "opt") == "opt"
        assert token_used(asker, stub, "--profile", "one") == "one"
        monkeypatch.setenv("AUDIT_LEDGER_URL", other.url)
        assert token_used(asker, stub, "--profile", "one") == "one"
        assert asker.run(*SEARCH, asks=False).code == DONE
        assert [got.token for got in other.got] == ["Bearer env"]
        assert token_used(asker, stub, "--url", stub.url) == "env"


def test_a_profiles_token_goes_to_no_other_address(
    asker: Asker, stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address that is given otherwise needs a token that is, too."""
    write_profiles(asker, f'[profiles.one]\nurl = "{stub.url}"\ntoken = "{TOKEN}"\n')
    with stub_server() as other:
        assert "no token" in asker.said(USAGE, *SEARCH, "--url", other.url, asks=False)
        monkeypatch.setenv("AUDIT_LEDGER_URL", other.url)
        assert "no token" in asker.said(USAGE, *SEARCH, asks=False)
        asker.said(USAGE, *SEARCH, "--url", other.url, "--profile", "one", asks=False)
        assert other.got == []


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o666])
def test_a_token_that_others_can_read_is_not_used(
    asker: Asker, stub: StubServer, mode: int
) -> None:
    """The line says what to do; without a token in it the file may be read by all."""
    text = f'[profiles.one]\nurl = "{stub.url}"\ntoken = "{TOKEN}"\n'
    file = write_profiles(asker, text, mode)
    for command in (SEARCH, ("profiles",)):
        assert f"chmod 600 {file}" in asker.said(USAGE, *command, asks=False)
    assert stub.got == []
    write_profiles(asker, text.replace(f'token = "{TOKEN}"', "token_command = 'pass'"), mode)
    assert asker.run("profiles", asks=False).code == DONE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("url", "not TOML"),
        ('[profiles.one]\ntoken = "x"', "missing required field `url`"),
        ('[profiles.one]\nurl = "https://x"\ntokne = "x"', "unknown field `tokne`"),
        ('[profiles.one]\nurl = "https://x"\ntoken = "x"\ntoken_command = ["x"]', "not more"),
        ('[profiles.one]\nurl = "https://x"\ntoken_command = []', "expected a program"),
        ('[profiles.one]\nurl = "https://x"\ntoken_command = "a \'b"', "expected a program"),
        ('[profiles.one]\nurl = "https://x"\ntoken_endpoint = "https://x"', "a client_id"),
        ('[profiles.one]\nurl = "https://x"', "AUDIT_LEDGER_TOKEN or --token"),
        ('[profiles.a]\nurl = "x"\n[profiles.b]\nurl = "x"', "which ledger?"),
        ('default = "b"\n[profiles.a]\nurl = "x"', "no profile b (there: a)"),
        ("", "which ledger?"),
    ],
)
def test_a_wrong_profile_is_said_in_one_line(
    asker: Asker, stub: StubServer, text: str, said: str
) -> None:
    """With the file's name, or what is missing."""
    write_profiles(asker, text)
    assert said in asker.said(USAGE, *SEARCH, asks=False)


def test_a_command_gives_the_token_and_another_when_it_has_expired(
    asker: Asker, stub: StubServer
) -> None:
    """It runs without a shell, once, and once more when the token is no longer taken."""
    count = asker.path / "count"
    program = asker.write("token.sh", b'#!/bin/sh\necho x >> "$1"\necho token$(wc -l < "$1")')
    program.chmod(0o700)
    write_profiles(
        asker,
        f'[profiles.one]\nurl = "{stub.url}"\ntoken_command = ["{program}", "{count}"]\n',
    )
    stub.next_answers = [EMPTY, Says(401), EMPTY, Says(401), Says(401)]
    for _ in range(2):
        assert asker.run(*SEARCH, asks=False).code == DONE
    tokens = [got.token for got in stub.got]
    assert tokens == ["Bearer token1", "Bearer token2", "Bearer token3"]
    assert "the token is not taken" in asker.said(USAGE, *SEARCH, asks=False)
    assert len(stub.got) == 5
    write_profiles(asker, f'[profiles.one]\nurl = "{stub.url}"\ntoken_command = "echo $HOME;id"\n')
    assert "not a bearer token" in asker.said(USAGE, *SEARCH, asks=False)


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("/no/such/program", USAGE, "No such file"),
        ("false", INCOMPLETE, "exit code 1"),
        ("true", USAGE, "not a bearer token"),
        ("echo two words", USAGE, "not a bearer token"),
    ],
)
def test_a_command_that_gives_none_is_said(
    asker: Asker, stub: StubServer, command: str, code: int, said: str
) -> None:
    """And nothing is asked."""
    write_profiles(asker, f'[profiles.one]\nurl = "{stub.url}"\ntoken_command = "{command}"\n')
    assert said in asker.said(code, *SEARCH, asks=False)
    assert stub.got == []


def test_client_credentials_give_the_token(
    asker: Asker, stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 6749, Section 4.4: the secret from the environment, in HTTP Basic, form-encoded."""
    write_profiles(
        asker,
        f'[profiles.one]\nurl = "{stub.url}"\ntoken_endpoint = "{stub.url}/token"\n'
        'client_id = "me:1"\nclient_secret_env = "MINE"\nscope = "ledger/north"\n',
    )
    assert "MINE is not set" in asker.said(USAGE, *SEARCH, asks=False)
    monkeypatch.setenv("MINE", "s/ecret")
    stub.next_answers = [Says(200, {"access_token": "granted", "token_type": "Bearer"}), EMPTY]
    assert asker.run(*SEARCH, asks=False).code == DONE
    grant, search = stub.got
    assert (grant.method, grant.target) == ("POST", "/token")
    assert grant.token == "Basic bWUlM0ExOnMlMkZlY3JldA=="
    assert grant.body == b"grant_type=client_credentials&scope=ledger%2Fnorth"
    assert search.token == "Bearer granted"
    stub.next_answers = [Says(400, {"error": "invalid_client"})]
    assert "wrong secret, client or scope" in asker.said(USAGE, *SEARCH, asks=False)
    stub.next_answers = [Says(200, {"oops": 1})]
    assert "no token in the answer" in asker.said(INCOMPLETE, *SEARCH, asks=False)


def test_a_secret_goes_over_https_only(
    asker: Asker, stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But to this machine."""
    monkeypatch.setenv("AUDIT_LEDGER_CLIENT_SECRET", "x")
    write_profiles(
        asker,
        f'[profiles.one]\nurl = "{stub.url}"\nclient_id = "me"\n'
        'token_endpoint = "http://issuer.example/token"\n',
    )
    assert "token_endpoint http://issuer.example/token: https only" in asker.said(
        USAGE, *SEARCH, asks=False
    )


def test_profiles_are_listed_without_tokens(asker: Asker, stub: StubServer) -> None:
    """For people and for machines; no command runs, and nothing is asked."""
    touched = asker.path / "touched"
    write_profiles(
        asker,
        f'default = "one"\n[profiles.one]\nurl = "{stub.url}"\ntoken = "{TOKEN}"\n'
        f'[profiles.two]\nurl = "https://two.example"\ntoken_command = "touch {touched}"\n'
        '[profiles.three]\nurl = "https://3.example"\nclient_id = "me"\n'
        'token_endpoint = "https://issuer.example"\n[profiles.four]\nurl = "https://4.example"\n',
    )
    ran = asker.run("profiles", asks=False)
    assert ran.code == DONE
    for words in (stub.url, "one (default)", "the command touch", "client credentials of me"):
        assert words in ran.out
    report = asker.run("profiles", "--json", asks=False).report
    assert [(p["name"], p["default"]) for p in report["profiles"]] == [
        ("four", False),
        ("one", True),
        ("three", False),
        ("two", False),
    ]
    assert not touched.exists()
    assert stub.got == []


def write_session(asker: Asker, url: str) -> None:
    tokens = {"portal": "p", "security": "s", "patient": "x"}
    asker.write("build/local/session.json", {"url": url, "tokens": tokens, "ledger": "north"})


def test_what_make_local_serves_is_a_profile(asker: Asker, stub: StubServer) -> None:
    """The token is that of the role, or of the one that is named."""
    write_session(asker, stub.url)
    assert token_used(asker, stub, "--profile", "local") == "s"
    assert token_used(asker, stub, "--profile", "local:patient") == "x"
    assert "local:portal" in asker.said(USAGE, *SEARCH, "--profile", "local:king", asks=False)
    stub.answering = lambda _: Says(201, {}, {"Location": "/AuditEvent/1"})
    event = asker.write("one.json", {"resourceType": "AuditEvent"})
    assert asker.run("send", event, "--profile", "local", asks=False).code == DONE
    assert stub.got[-1].token == "Bearer p"
    assert "local" in asker.run("profiles", asks=False).out


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b'{"url":5}', b'{"url":"http://evil.example","tokens":{"security":"x"}}'],
)
def test_a_session_that_is_none_is_said(asker: Asker, content: bytes) -> None:
    """Or that leads away from this machine."""
    assert "session.json: not here" in asker.said(USAGE, *SEARCH, "--profile", "local", asks=False)
    asker.write("build/local/session.json", content)
    assert "session.json: " in asker.said(USAGE, *SEARCH, "--profile", "local", asks=False)


def test_no_repr_shows_a_token() -> None:
    """Of anything that holds one."""
    from audit_ledger.client.api import ConnectionOptions
    from audit_ledger.client.credentials import Credentials
    from audit_ledger.client.http_client import ApiRequest
    from audit_ledger.client.profiles import Profile
    from audit_ledger.http_transport import HttpResponse

    profile = Profile("https://x", token=TOKEN)
    asked = ApiRequest("GET", "/", f"q={TOKEN}", TOKEN.encode(), {"Authorization": TOKEN})
    for holder in (
        profile,
        Credentials(profile, {}, TOKEN),
        ConnectionOptions(None, None, TOKEN),
        asked,
        HttpResponse(200, HTTPHeaderDict(), TOKEN.encode()),
    ):
        assert TOKEN not in repr(holder)


@pytest.mark.parametrize("typed", [["send"], ["document"], ["verify"], ["verify-export"]])
def test_files_complete(typed: list[str]) -> None:
    """The shell is told to look for files, where a file is asked for."""
    (found,) = ShellComplete(ledger, {}, "ledger", "_X").get_completions(typed, "eve")
    assert found.type in ("file", "dir")


def test_completion_scripts_are_printed(asker: Asker) -> None:
    """For three shells; and the command answers what such a script asks."""
    for shell in ("bash", "zsh", "fish"):
        ran = asker.run("completion", shell, asks=False)
        assert ran.code == DONE
        assert "_LEDGER_COMPLETE" in ran.out
    assert asker.run("completion", "cmd", asks=False).code == USAGE


def test_words_are_completed(
    asker: Asker, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As bash asks for it."""
    from audit_ledger.cli.main import run

    monkeypatch.setenv("_LEDGER_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "ledger se")
    monkeypatch.setenv("COMP_CWORD", "1")
    with pytest.raises(SystemExit) as ended:
        run([])
    assert ended.value.code == DONE
    assert capsys.readouterr().out.split() == ["plain,search", "plain,send"]


def test_a_session_is_what_make_local_writes(asker: Asker) -> None:
    """The same names as `infra.local.serve` gives; a change there must not go unseen here."""
    import inspect

    from infra.local import serve

    source = inspect.getsource(serve.describe_session)
    for name in ("url", "tokens", "portal", "security", "patient"):
        assert json.dumps(name) in source
