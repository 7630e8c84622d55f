"""`ledger policy`: the policy file from the public keys in KMS (moto, taught these keys)."""

import pytest

from audit_ledger.cli.main import run
from audit_ledger.public_keys import raw_public_key
from audit_ledger.tlog.policy import parse_policy
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
