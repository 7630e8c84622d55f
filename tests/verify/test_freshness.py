"""Freshness comes from signed times only, and a copy can be judged as of when it was made."""

from dataclasses import replace

import pytest

from audit_ledger.ledger.digest import Digest
from audit_ledger.tlog.checkpoint import parse_checkpoint
from audit_ledger.tlog.cosignature import ed25519_message, pack_timestamped_signature
from audit_ledger.tlog.note import (
    ED25519_COSIGNATURE,
    Note,
    Signature,
    VerifierKey,
    parse_note,
)
from audit_ledger.tlog.policy import Log, Policy, Witness
from audit_ledger.verify.findings import Verdict
from audit_ledger.verify.ledger_verifier import verify_ledger
from audit_ledger.verify.verification_report import VerificationReport
from tests.verify.writer import MINUTE, Keys, Writer, ledger_of


def at(writer: Writer, now: int, policy: Policy | None = None) -> VerificationReport:
    return verify_ledger(
        writer.objects, policy or Keys().policy(), now, workers=1, wait=lambda _: None
    )


@pytest.mark.parametrize(
    ("minutes", "answer"),
    [
        (0, Verdict.VERIFIED),
        (75, Verdict.VERIFIED),
        (76, Verdict.INCOMPLETE),
        (10**6, Verdict.INCOMPLETE),
    ],
)
def test_a_ledger_is_fresh_for_75_minutes(minutes: int, answer: Verdict) -> None:
    """Longer than the hour after which an idle ledger publishes a heartbeat."""
    writer = ledger_of(300)
    report = at(writer, writer.now + minutes * MINUTE)
    assert report.answer is answer
    assert report.signed_time == writer.now
    assert [str(f.code) for f in report.findings] == ["stale"] * (answer is Verdict.INCOMPLETE)


def test_a_few_minutes_ahead_are_tolerated_and_more_is_a_finding() -> None:
    """In digest, checkpoint and last entry."""
    writer = ledger_of(300)
    assert at(writer, writer.now - 5 * MINUTE).answer is Verdict.VERIFIED
    report = at(writer, writer.now - 6 * MINUTE)
    assert report.answer is Verdict.FAILED
    places = [finding.where for finding in report.findings]
    assert {str(finding.code) for finding in report.findings} == {"future-time"}
    assert "checkpoint" in places
    assert writer.last is not None
    assert writer.last.name in places


def test_an_entry_from_the_future_fails() -> None:
    """Even if it is signed."""
    writer = Writer()
    writer.now += 1000 * MINUTE
    writer.add_events(3)
    writer.now -= 1000 * MINUTE
    writer.publish()
    report = at(writer, writer.now)
    assert [(str(f.code), f.entries) for f in report.findings] == [("future-time", (3, 3))]


def witnessed(writer: Writer, time: int, name: str = "witness.example/w") -> Policy:
    """Have a witness cosign what is the checkpoint now; a policy that trusts it too."""
    witness = Keys(b"witness")
    note = parse_note(writer.objects.files["checkpoint"])
    cosignature = witness.cosign(parse_checkpoint(note.text), time, name)
    signatures = (*note.signatures, cosignature)
    writer.objects.files["checkpoint"] = Note(note.text, signatures).to_bytes()
    own = Keys().policy()
    theirs = witness.policy(name).witnesses["ledger-mldsa44"]
    return replace(own, witnesses={**own.witnesses, "w": theirs})


@pytest.mark.parametrize("quorum", ["ledger", "w", "none"])
def test_a_fresh_witness_does_not_make_an_old_ledger_fresh(quorum: str) -> None:
    """It cosigns any checkpoint that it gets, at any time."""
    writer = ledger_of(300)
    later = writer.now + 100 * MINUTE
    policy = replace(witnessed(writer, later), quorum=quorum)
    report = at(writer, later, policy)
    assert (report.answer, report.signed_time) == (Verdict.INCOMPLETE, writer.now)
    assert [str(finding.code) for finding in report.findings] == ["stale"]
    assert not any("no independent witness" in note for note in report.not_covered)
    assert at(writer, writer.now + MINUTE, policy).answer is Verdict.FAILED, "a witness ahead"


def test_a_cosignature_in_an_old_digest_does_not_make_it_fresh() -> None:
    """The ledger's signer can put a witness's cosignature there."""
    writer = Writer()
    writer.add_events(299)
    later = writer.now + 200 * MINUTE
    signer = Keys(b"witness").ed25519
    key = VerifierKey(
        "witness.example/w", ED25519_COSIGNATURE, signer.public_key().public_bytes_raw()
    )

    def witness_it(digest: Digest) -> Digest:
        note = parse_note(digest.checkpoint)
        signed = signer.sign(ed25519_message(later, note.text))
        line = Signature(key.name, key.key_id, pack_timestamped_signature(later, signed))
        return replace(digest, checkpoint=Note(note.text, (*note.signatures, line)).to_bytes())

    writer.publish(witness_it)
    own = Keys().policy()
    policy = replace(own, witnesses={**own.witnesses, "w": Witness(key)})
    report = at(writer, later, policy)
    assert [str(finding.code) for finding in report.findings] == ["stale"]


def test_a_log_key_that_cosigns_is_the_ledgers_own() -> None:
    """A policy may have the ML-DSA key on a line `log`, and then no witness of that name."""
    writer = ledger_of(300)
    own = Keys().policy()
    mldsa44 = own.witnesses["ledger-mldsa44"].key
    policy = Policy((*own.logs, Log(mldsa44)))
    report = at(writer, writer.now, policy)
    assert (report.answer, report.signed_time) == (Verdict.VERIFIED, writer.now)
    assert at(writer, writer.now + 76 * MINUTE, policy).answer is Verdict.INCOMPLETE


def test_a_missing_required_cosignature_is_incomplete() -> None:
    """Everything else is verified."""
    writer = ledger_of(300)
    data = bytearray(writer.objects.files["tile/0/000"])
    data[0] ^= 1
    own = Keys().policy()
    theirs = Keys(b"witness").policy("witness.example/w").witnesses["ledger-mldsa44"]
    policy = replace(own, witnesses={**own.witnesses, "w": theirs}, quorum="w")
    report = at(writer, writer.now, policy)
    assert report.answer is Verdict.INCOMPLETE
    assert [f.message for f in report.findings] == [
        "not witnessed as the policy asks; no cosignature by w"
    ]
    writer.objects.files["tile/0/000"] = bytes(data)
    assert at(writer, writer.now, policy).answer is Verdict.FAILED
