"""`ledger policy`: the policy file from the public keys in KMS (moto, taught these keys)."""

from pathlib import Path

import pytest

from audit_ledger.cli.main import run
from audit_ledger.public_keys import raw_public_key
from audit_ledger.tlog.policy import parse_policy
from tests.cli.asking import Asker
from tests.cli.stub_server import Says, StubServer
from tests.verify.writer import Keys
from tests.world import ALIAS, LEDGER, ORIGIN, STAGE, World

ARGUMENTS = ["policy", "--stage", STAGE, "--ledger", LEDGER]


def test_both_keys_are_asked_for(world: World, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
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


def test_an_origin_may_be_given(world: World, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Where its settings cannot be read."""
    assert run([*ARGUMENTS, "--origin", "example.org/other"]) == 0
    policy = parse_policy(capsysbinary.readouterr().out)
    assert policy.logs[0].key.name == "example.org/other"


def test_a_ledger_that_does_not_exist_is_said_in_one_line(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what was asked for."""
    assert run(["policy", "--stage", STAGE, "--ledger", "nowhere"]) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert "nowhere" in err
    assert run(["policy", "--stage", STAGE, "--ledger", "nowhere", "--origin", "x"]) == 3
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_api_gives_the_policy_too(asker: Asker, stub: StubServer, tmp_path: Path) -> None:
    """As it came, under a line that names the ledger; where the keys come from is said."""
    text = Keys().policy().to_bytes()
    stub.next_answers = [Says(200, text)]
    ran = asker.run("policy", "-o", tmp_path / "policy")
    assert ran.code == 0
    assert "compare them with those that you received by another way" in ran.err
    origin = parse_policy(text).logs[0].key.name
    assert (tmp_path / "policy").read_bytes() == f"# Ledger {origin}\n".encode() + text
    (got,) = stub.got
    assert (got.method, got.target) == ("GET", "/policy")


@pytest.mark.parametrize("text", [b"", b"quorum none\n", b"<html>", b"log x\r\nquorum none\r\n"])
def test_what_is_no_policy_of_a_ledger_is_not_written(
    asker: Asker, stub: StubServer, tmp_path: Path, text: bytes
) -> None:
    """Whoever answered is no ledger's API."""
    stub.next_answers = [Says(200, text)]
    asker.said(3, "policy", "-o", tmp_path / "policy")
    assert not (tmp_path / "policy").exists()


@pytest.mark.parametrize(
    "arguments", [("--stage", "dev"), ("--ledger", "x"), ("--stage", "dev", "--ledger", "x")]
)
def test_keys_come_from_kms_or_from_the_api(asker: Asker, arguments: tuple[str, ...]) -> None:
    """Not from both, and --stage goes with --ledger."""
    assert asker.run("policy", *arguments).code == 2
