"""What a policy makes of a signed checkpoint."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_ledger.errors import FormatError, VerificationError
from audit_ledger.tlog.policy import Policy, parse_policy
from tests.tlog.keys import (
    LOG,
    LOG_MLDSA,
    STRANGER,
    WITNESS_1,
    WITNESS_2,
    WITNESS_3,
    Signer,
    checkpoint_text,
    root,
    signed,
)

TEXT = checkpoint_text()
NOW = 1_700_000_000
WITNESSES = {"X1": WITNESS_1, "X2": WITNESS_2, "X3": WITNESS_3}
DEFINITIONS = f"log {LOG.vkey}\n" + "".join(
    f"witness {name} {signer.vkey}\n" for name, signer in WITNESSES.items()
)


def policy(rules: str) -> Policy:
    return parse_policy((DEFINITIONS + rules).encode())


@pytest.mark.parametrize(
    ("rules", "sufficient"),
    [
        pytest.param("quorum none\n", ["", "X1", "X1 X2 X3"], id="none"),
        pytest.param("quorum X2\n", ["X2", "X1 X2", "X2 X3"], id="one witness"),
        pytest.param("group g any X1 X2\nquorum g\n", ["X1", "X2", "X1 X3"], id="any"),
        pytest.param("group g all X1 X2\nquorum g\n", ["X1 X2"], id="all"),
        pytest.param("group g 2 X1 X2 X3\nquorum g\n", ["X1 X2", "X1 X3", "X2 X3"], id="2 of 3"),
        pytest.param(
            "group g any X1 X2\ngroup h all g X3\nquorum h\n", ["X1 X3", "X2 X3"], id="nested"
        ),
        pytest.param("group g all X1 X2\nquorum X3\n", ["X3"], id="a group that does not count"),
    ],
)
def test_quorum(rules: str, sufficient: list[str]) -> None:
    """Exactly the sets of witnesses that contain a sufficient one satisfy the policy."""
    for count in range(4):
        for names in combinations(WITNESSES, count):
            note = signed(TEXT, LOG, *(WITNESSES[name] for name in names))
            result = policy(rules).evaluate(note)
            assert result.satisfied is any(set(each.split()) <= set(names) for each in sufficient)
            assert result.cosignatures == dict.fromkeys(names, NOW)
            assert bool(result.missing) is not result.satisfied


@pytest.mark.parametrize(
    ("own_line", "own_time"),
    [
        pytest.param(f"witness own {LOG_MLDSA.vkey}\n", 7, id="witness line"),
        pytest.param(f"log {LOG_MLDSA.vkey}\n", 7, id="log line"),
        pytest.param("", None, id="not in the policy"),
    ],
)
def test_own_cosignature_is_not_that_of_an_independent_witness(
    own_line: str, own_time: int | None
) -> None:
    """A key is the log's own by its name, on a witness or a log line of the policy."""
    lines = LOG.line(TEXT), LOG_MLDSA.line(TEXT, time=7), WITNESS_1.line(TEXT, time=9)
    result = policy(f"{own_line}quorum none\n").evaluate((TEXT + "\n" + "".join(lines)).encode())
    assert result.own_cosigned_at == own_time
    assert result.independent_witnesses == {"X1": 9}


def test_policy_result() -> None:
    """The result contains the checkpoint, the log's key and the times."""
    note = f"{TEXT}\n{LOG.line(TEXT)}{WITNESS_1.line(TEXT, 5)}{WITNESS_2.line(TEXT, 7)}".encode()
    result = policy("group g all X1 X2\nquorum g\n").evaluate(note)
    assert (result.checkpoint.origin, result.checkpoint.size) == (LOG.name, 42)
    assert result.checkpoint.root == root(42)
    assert result.log_key == LOG.key
    assert result.cosignatures == result.independent_witnesses == {"X1": 5, "X2": 7}
    assert result.own_cosigned_at is None
    assert result.satisfied
    assert result.missing == ()


def test_missing_witnesses_are_those_below_the_quorum() -> None:
    """Not those that the quorum does not ask, and not those that cosigned."""
    rules = "group g any X1\ngroup h all g X2\nquorum h\n"
    assert policy(rules).evaluate(signed(TEXT, LOG)).missing == ("X1", "X2")
    assert policy(rules).evaluate(signed(TEXT, LOG, WITNESS_2)).missing == ("X1",)


def test_ledgers_own_policy() -> None:
    """An Ed25519 log key, and an ML-DSA-44 key of the same name as witness in an all group."""
    text = (
        f"log {LOG.vkey}\nwitness mldsa {LOG_MLDSA.vkey}\n"
        f"witness w1 {WITNESS_1.vkey}\ngroup quantum-safe all mldsa w1\nquorum quantum-safe\n"
    )
    own = parse_policy(text.encode())
    assert own.evaluate(signed(TEXT, LOG, LOG_MLDSA, WITNESS_1)).satisfied
    assert not own.evaluate(signed(TEXT, LOG, WITNESS_1)).satisfied
    assert not own.evaluate(signed(TEXT, LOG, LOG_MLDSA)).satisfied


@pytest.mark.parametrize("algorithm", [0x01, 0x04, 0x06])
def test_log_may_sign_with_any_type(algorithm: int) -> None:
    """tlog-checkpoint leaves the signature type to the log."""
    log = Signer(LOG.name, algorithm, b"any type")
    only = parse_policy(f"log {log.vkey}\nquorum none\n".encode())
    assert only.evaluate(signed(TEXT, log)).log_key == log.key


def test_either_log_of_a_rotation_suffices() -> None:
    """Any one of the listed logs; the first that signed is returned."""
    after = Signer(LOG.name, LOG.algorithm, b"after")
    both = parse_policy(f"log {LOG.vkey}\nlog {after.vkey}\nquorum none\n".encode())
    assert both.evaluate(signed(TEXT, LOG)).log_key == LOG.key
    assert both.evaluate(signed(TEXT, after)).log_key == after.key
    assert both.evaluate(signed(TEXT, after, LOG)).log_key == LOG.key


def test_checkpoint_that_no_listed_log_signed() -> None:
    """Cosignatures alone are not enough, and without logs nothing is."""
    for note in (signed(TEXT, STRANGER), signed(TEXT, WITNESS_1, WITNESS_2, WITNESS_3)):
        with pytest.raises(VerificationError, match="not signed by any log"):
            policy("quorum none\n").evaluate(note)
    with pytest.raises(VerificationError, match="not signed by any log"):
        Policy().evaluate(signed(TEXT, LOG))


def test_log_signs_for_its_own_origin_only() -> None:
    """A good signature by a listed log under another log's origin counts for nothing."""
    with pytest.raises(VerificationError, match="not signed by any log of that origin"):
        policy("quorum none\n").evaluate(signed(checkpoint_text("example.com/other"), LOG))


@pytest.mark.parametrize("signer", [LOG, *WITNESSES.values()], ids=["log", "X1", "X2", "X3"])
def test_bad_signature_of_any_listed_key_rejects(signer: Signer) -> None:
    """Also where the quorum does not ask it, and beside a good one by the same key."""
    bad = signer.line_of(signer.value(checkpoint_text(size=43), NOW))
    good = "".join(each.line(TEXT) for each in (LOG, *WITNESSES.values()))
    for lines in (good + bad, bad + good, LOG.line(TEXT) + bad):
        with pytest.raises(VerificationError, match="does not verify"):
            policy("quorum none\n").evaluate(f"{TEXT}\n{lines}".encode())


def test_bad_signature_of_a_listed_log_of_another_origin_rejects() -> None:
    """Known is known."""
    other = Signer("example.com/other", 0x01, b"other")
    both = parse_policy(f"log {LOG.vkey}\nlog {other.vkey}\nquorum none\n".encode())
    note = f"{TEXT}\n{LOG.line(TEXT)}{other.line_of(bytes(64))}".encode()
    with pytest.raises(VerificationError, match="does not verify"):
        both.evaluate(note)


def test_malformed_cosignature_of_a_listed_witness_rejects() -> None:
    """A cosignature that is none is not passed over."""
    note = f"{TEXT}\n{LOG.line(TEXT)}{WITNESS_1.line_of(bytes(71))}".encode()
    with pytest.raises(FormatError, match="71 bytes"):
        policy("quorum none\n").evaluate(note)


def test_signatures_of_keys_that_are_not_listed_are_ignored() -> None:
    """Whatever they are."""
    note = f"{TEXT}\n{STRANGER.line_of(b'x')}{LOG.line(TEXT)}{LOG_MLDSA.line_of(b'x')}".encode()
    assert policy("quorum none\n").evaluate(note).satisfied


@pytest.mark.parametrize("note", [b"", signed("No checkpoint.\n", LOG)], ids=["empty", "text"])
def test_note_that_is_no_checkpoint(note: bytes) -> None:
    """A well signed text is not a checkpoint."""
    with pytest.raises(FormatError):
        policy("quorum none\n").evaluate(note)


@settings(deadline=None)
@given(st.integers(0, 8), st.integers(1, 8), st.data())
def test_threshold_counts_cosigners(cosigners: int, threshold: int, data: st.DataObject) -> None:
    """k of n: satisfied from the k-th cosigner on, no matter which they are."""
    signers = [Signer(f"w/{number}", 0x04, b"%d" % number) for number in range(8)]
    lines = "".join(f"witness w{at} {signer.vkey}\n" for at, signer in enumerate(signers))
    names = " ".join(f"w{at}" for at in range(8))
    text = f"log {LOG.vkey}\n{lines}group g {threshold} {names}\nquorum g\n"
    some = data.draw(st.permutations(signers))[:cosigners]
    result = parse_policy(text.encode()).evaluate(signed(TEXT, LOG, *some))
    assert result.satisfied is (cosigners >= threshold)
