"""The address and the token of a request come from options, the environment or a profile."""

import inspect
import json
from pathlib import Path

import pytest

from infra.local import serve
from tests.cli.stub_server import StubResponse, StubServer, stub_server
from tests.cli.stubbed_command import TOKEN, StubbedCommand

DONE, USAGE, INCOMPLETE = 0, 2, 3
EMPTY = StubResponse(200, {"resourceType": "Bundle", "type": "searchset"})
SEARCH = ("search", "--patient", "Mr-Secret")


def write_profiles(runner: StubbedCommand, text: str, mode: int = 0o600) -> Path:
    file = runner.path / "config" / "audit-ledger" / "profiles.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)
    return file


def token_used(runner: StubbedCommand, stub: StubServer, *options: str) -> str:
    """Search, and return the token that arrived."""
    stub.respond = lambda _: EMPTY
    result = runner.run(*SEARCH, *options, with_connection=False)
    assert result.code == DONE, result
    return stub.requests[-1].token.removeprefix("Bearer ")


def test_a_profile_selects_url_and_token(runner: StubbedCommand, stub: StubServer) -> None:
    """It is the only one, the default, or the one that an option names."""
    one = f'[profiles.one]\nurl = "{stub.url}/"\ntoken = "one"\n'
    two = f'[profiles.two]\nurl = "{stub.url}"\ntoken = "two"\n'
    write_profiles(runner, one)
    assert token_used(runner, stub) == "one"
    assert stub.requests[-1].target.startswith("/AuditEvent?")
    write_profiles(runner, 'default = "two"\n' + one + two)
    assert token_used(runner, stub) == "two"
    assert token_used(runner, stub, "--profile", "one") == "one"


def test_options_override_the_environment_which_overrides_profiles(
    runner: StubbedCommand, stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profile that an option names is used without the environment."""
    with stub_server() as other:
        other.respond = lambda _: EMPTY
        write_profiles(
            runner,
            f'[profiles.one]\nurl = "{stub.url}"\ntoken = "one"\n'
            f'[profiles.two]\nurl = "{stub.url}"\ntoken = "two"\n',
        )
        monkeypatch.setenv("AUDIT_LEDGER_PROFILE", "two")
        assert token_used(runner, stub) == "two"
        monkeypatch.setenv("AUDIT_LEDGER_TOKEN", "env")
        assert token_used(runner, stub) == "env"
        assert token_used(runner, stub, "--token", "opt") == "opt"
        assert token_used(runner, stub, "--profile", "one") == "one"
        monkeypatch.setenv("AUDIT_LEDGER_URL", other.url)
        assert token_used(runner, stub, "--profile", "one") == "one"
        assert runner.run(*SEARCH, with_connection=False).code == DONE
        assert [request.token for request in other.requests] == ["Bearer env"]
        assert token_used(runner, stub, "--url", stub.url) == "env"


def test_a_token_of_a_profile_is_not_sent_to_another_url(
    runner: StubbedCommand, stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address from elsewhere needs a token from elsewhere."""
    write_profiles(runner, f'[profiles.one]\nurl = "{stub.url}"\ntoken = "{TOKEN}"\n')
    with stub_server() as other:
        assert "no token" in runner.error_line(
            USAGE, *SEARCH, "--url", other.url, with_connection=False
        )
        monkeypatch.setenv("AUDIT_LEDGER_URL", other.url)
        assert "no token" in runner.error_line(USAGE, *SEARCH, with_connection=False)
        runner.error_line(
            USAGE, *SEARCH, "--url", other.url, "--profile", "one", with_connection=False
        )
        assert other.requests == []


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o666])
def test_a_token_that_others_can_read_is_rejected(
    runner: StubbedCommand, stub: StubServer, mode: int
) -> None:
    """The line states the remedy; others may read a file without a token."""
    text = f'[profiles.one]\nurl = "{stub.url}"\ntoken = "{TOKEN}"\n'
    file = write_profiles(runner, text, mode)
    for command in (SEARCH, ("profiles",)):
        assert f"chmod 600 {file}" in runner.error_line(USAGE, *command, with_connection=False)
    assert stub.requests == []
    write_profiles(runner, text.replace(f'token = "{TOKEN}"', "token_command = 'pass'"), mode)
    assert runner.run("profiles", with_connection=False).code == DONE


@pytest.mark.parametrize(
    ("text", "message"),
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
def test_an_invalid_profile_is_reported_in_one_line(
    runner: StubbedCommand, stub: StubServer, text: str, message: str
) -> None:
    """The line states the fault."""
    write_profiles(runner, text)
    assert message in runner.error_line(USAGE, *SEARCH, with_connection=False)


def test_a_rejected_token_of_a_token_command_is_renewed(
    runner: StubbedCommand, stub: StubServer
) -> None:
    """The command runs once without a shell, and again after the token was refused."""
    count = runner.path / "count"
    program = runner.write("token.sh", b'#!/bin/sh\necho x >> "$1"\necho token$(wc -l < "$1")')
    program.chmod(0o700)
    write_profiles(
        runner,
        f'[profiles.one]\nurl = "{stub.url}"\ntoken_command = ["{program}", "{count}"]\n',
    )
    stub.next_responses = [EMPTY, StubResponse(401), EMPTY, StubResponse(401), StubResponse(401)]
    for _ in range(2):
        assert runner.run(*SEARCH, with_connection=False).code == DONE
    tokens = [request.token for request in stub.requests]
    assert tokens == ["Bearer token1", "Bearer token2", "Bearer token3"]
    assert "the token is not taken" in runner.error_line(USAGE, *SEARCH, with_connection=False)
    assert len(stub.requests) == 5
    write_profiles(runner, f'[profiles.one]\nurl = "{stub.url}"\ntoken_command = "echo $HOME;id"\n')
    assert "not a bearer token" in runner.error_line(USAGE, *SEARCH, with_connection=False)


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ("/no/such/program", USAGE, "No such file"),
        ("false", INCOMPLETE, "exit code 1"),
        ("true", USAGE, "not a bearer token"),
        ("echo two words", USAGE, "not a bearer token"),
    ],
)
def test_a_token_command_without_a_token_is_reported(
    runner: StubbedCommand, stub: StubServer, command: str, code: int, message: str
) -> None:
    """Nothing is requested."""
    write_profiles(runner, f'[profiles.one]\nurl = "{stub.url}"\ntoken_command = "{command}"\n')
    assert message in runner.error_line(code, *SEARCH, with_connection=False)
    assert stub.requests == []


def test_client_credentials_obtain_the_token(
    runner: StubbedCommand, stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 6749, Section 4.4; the secret of the environment is sent by HTTP Basic authentication."""
    write_profiles(
        runner,
        f'[profiles.one]\nurl = "{stub.url}"\ntoken_endpoint = "{stub.url}/token"\n'
        'client_id = "me:1"\nclient_secret_env = "MINE"\nscope = "ledger/north"\n',
    )
    assert "MINE is not set" in runner.error_line(USAGE, *SEARCH, with_connection=False)
    monkeypatch.setenv("MINE", "my/secret")
    stub.next_responses = [
        StubResponse(200, {"access_token": "granted", "token_type": "Bearer"}),
        EMPTY,
    ]
    assert runner.run(*SEARCH, with_connection=False).code == DONE
    grant, search = stub.requests
    assert (grant.method, grant.target) == ("POST", "/token")
    assert grant.token == "Basic bWUlM0ExOm15JTJGc2VjcmV0"
    assert grant.body == b"grant_type=client_credentials&scope=ledger%2Fnorth"
    assert search.token == "Bearer granted"
    stub.next_responses = [StubResponse(400, {"error": "invalid_client"})]
    assert "wrong secret, client or scope" in runner.error_line(
        USAGE, *SEARCH, with_connection=False
    )
    stub.next_responses = [StubResponse(200, {"oops": 1})]
    assert "no token in the answer" in runner.error_line(INCOMPLETE, *SEARCH, with_connection=False)


def test_a_client_secret_is_sent_over_https_only(
    runner: StubbedCommand, stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This machine is the exception."""
    monkeypatch.setenv("AUDIT_LEDGER_CLIENT_SECRET", "x")
    write_profiles(
        runner,
        f'[profiles.one]\nurl = "{stub.url}"\nclient_id = "me"\n'
        'token_endpoint = "http://issuer.example/token"\n',
    )
    assert "token_endpoint http://issuer.example/token: https only" in runner.error_line(
        USAGE, *SEARCH, with_connection=False
    )


def test_profiles_are_listed_without_tokens(runner: StubbedCommand, stub: StubServer) -> None:
    """No token command runs, and nothing is requested."""
    touched = runner.path / "touched"
    write_profiles(
        runner,
        f'default = "one"\n[profiles.one]\nurl = "{stub.url}"\ntoken = "{TOKEN}"\n'
        f'[profiles.two]\nurl = "https://two.example"\ntoken_command = "touch {touched}"\n'
        '[profiles.three]\nurl = "https://3.example"\nclient_id = "me"\n'
        'token_endpoint = "https://issuer.example"\n[profiles.four]\nurl = "https://4.example"\n',
    )
    result = runner.run("profiles", with_connection=False)
    assert result.code == DONE
    for words in (stub.url, "one (default)", "the command touch", "client credentials of me"):
        assert words in result.out
    report = runner.run("profiles", "--json", with_connection=False).report
    assert [(p["name"], p["default"]) for p in report["profiles"]] == [
        ("four", False),
        ("one", True),
        ("three", False),
        ("two", False),
    ]
    assert not touched.exists()
    assert stub.requests == []


def write_session(runner: StubbedCommand, url: str) -> None:
    tokens = {"portal": "p", "security": "s", "patient": "x"}
    runner.write("build/local/session.json", {"url": url, "tokens": tokens, "ledger": "north"})


def test_the_session_of_make_local_is_a_profile(runner: StubbedCommand, stub: StubServer) -> None:
    """The command determines the role of the token, unless the profile names one."""
    write_session(runner, stub.url)
    assert token_used(runner, stub, "--profile", "local") == "s"
    assert token_used(runner, stub, "--profile", "local:patient") == "x"
    assert "local:portal" in runner.error_line(
        USAGE, *SEARCH, "--profile", "local:king", with_connection=False
    )
    stub.respond = lambda _: StubResponse(201, {}, {"Location": "/AuditEvent/1"})
    event = runner.write("one.json", {"resourceType": "AuditEvent"})
    assert runner.run("send", event, "--profile", "local", with_connection=False).code == DONE
    assert stub.requests[-1].token == "Bearer p"
    assert "local" in runner.run("profiles", with_connection=False).out


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b'{"url":5}', b'{"url":"http://evil.example","tokens":{"security":"x"}}'],
)
def test_an_invalid_session_file_is_reported(runner: StubbedCommand, content: bytes) -> None:
    """A missing file or the address of another machine is reported too."""
    assert "session.json: not here" in runner.error_line(
        USAGE, *SEARCH, "--profile", "local", with_connection=False
    )
    runner.write("build/local/session.json", content)
    assert "session.json: " in runner.error_line(
        USAGE, *SEARCH, "--profile", "local", with_connection=False
    )


def test_make_local_writes_the_fields_of_a_session() -> None:
    """`infra.local.serve` writes the names that the client reads."""
    source = inspect.getsource(serve.describe_session)
    for name in ("url", "tokens", "portal", "security", "patient"):
        assert json.dumps(name) in source
