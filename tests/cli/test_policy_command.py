"""`ledger policy` writes the policy file from the public keys in KMS (moto) or from the API."""

from pathlib import Path

import pytest

from audit_ledger.cli.main import run
from audit_ledger.public_keys import raw_public_key
from audit_ledger.tlog.policy import parse_policy
from tests.cli.stub_server import StubResponse, StubServer
from tests.cli.stubbed_command import StubbedCommand
from tests.verify.writer import Keys
from tests.world import ALIAS, LEDGER, ORIGIN, STAGE, World

ARGUMENTS = ["policy", "--stage", STAGE, "--ledger", LEDGER]


def test_the_policy_has_both_keys_of_the_ledger(
    world: World, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """The Ed25519 key as log, the ML-DSA key as a witness in an `all` group with the quorum."""
    assert run(ARGUMENTS) == 0
    text = capsysbinary.readouterr().out
    policy = parse_policy(text)
    raw = [
        raw_public_key(world.kms.get_public_key(KeyId=f"{ALIAS}/checkpoint-{kind}")["PublicKey"])
        for kind in ("ed25519", "mldsa44")
    ]
    (log,) = policy.logs
    (witness,) = policy.witnesses.values()
    assert [(key.name, key.algorithm, key.key) for key in (log.key, witness.key)] == [
        (ORIGIN, 0x01, raw[0]),
        (ORIGIN, 0x06, raw[1]),
    ]
    lines = text.decode().splitlines()
    assert lines[-2:] == ["group ledger all ledger-mldsa44", "quorum ledger"]


def test_the_origin_can_be_an_option(
    world: World, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Users without access to the ledger's settings need it."""
    assert run([*ARGUMENTS, "--origin", "example.org/other"]) == 0
    policy = parse_policy(capsysbinary.readouterr().out)
    assert policy.logs[0].key.name == "example.org/other"


def test_an_unknown_ledger_is_reported_in_one_line(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line names the requested ledger."""
    assert run(["policy", "--stage", STAGE, "--ledger", "nowhere"]) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert "nowhere" in err
    assert run(["policy", "--stage", STAGE, "--ledger", "nowhere", "--origin", "x"]) == 3
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_policy_can_come_from_the_api(
    runner: StubbedCommand, stub: StubServer, tmp_path: Path
) -> None:
    """It is written unchanged below the ledger's name, with a warning to compare the keys."""
    text = Keys().policy().to_bytes()
    stub.next_responses = [StubResponse(200, text)]
    result = runner.run("policy", "-o", tmp_path / "policy")
    assert result.code == 0
    assert "compare them with those that you received by another way" in result.err
    origin = parse_policy(text).logs[0].key.name
    assert (tmp_path / "policy").read_bytes() == f"# Ledger {origin}\n".encode() + text
    (request,) = stub.requests
    assert (request.method, request.target) == ("GET", "/policy")


@pytest.mark.parametrize("text", [b"", b"quorum none\n", b"<html>", b"log x\r\nquorum none\r\n"])
def test_an_invalid_policy_is_not_written(
    runner: StubbedCommand, stub: StubServer, tmp_path: Path, text: bytes
) -> None:
    """The response is not that of a ledger's API."""
    stub.next_responses = [StubResponse(200, text)]
    runner.error_line(3, "policy", "-o", tmp_path / "policy")
    assert not (tmp_path / "policy").exists()


@pytest.mark.parametrize(
    "arguments", [("--stage", "dev"), ("--ledger", "x"), ("--stage", "dev", "--ledger", "x")]
)
def test_policy_options_of_kms_and_api_exclude_each_other(
    runner: StubbedCommand, arguments: tuple[str, ...]
) -> None:
    """The policy comes from KMS or the API; --stage and --ledger need each other."""
    assert runner.run("policy", *arguments).code == 2
