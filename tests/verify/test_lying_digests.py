"""Digests that the ledger's own keys signed and that do not say the truth."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import pytest

from audit_ledger.ledger.digest import Digest
from audit_ledger.tlog.checkpoint import Checkpoint, parse_checkpoint
from audit_ledger.tlog.note import Note, parse_note
from audit_ledger.verify.findings import Verdict
from audit_ledger.verify.ledger_verifier import verify_ledger
from tests.verify.writer import ORIGIN, Keys, Writer

STRANGER = Keys(b"stranger")


def build(change: Callable[[Digest], Digest] = lambda digest: digest) -> Writer:
    """600 entries, published at 1, 257, 300 and 600; `change` lies in each digest."""
    writer = Writer()
    writer.publish(change)
    writer.add_events(256)
    writer.publish(change)
    writer.add_events(23)
    writer.add_control()
    writer.add_events(19)
    writer.publish(change)
    writer.add_events(300)
    writer.publish(change)
    return writer


LIES: dict[str, tuple[Callable[[Digest], Digest], set[str]]] = {
    "control entries": (
        lambda d: replace(d, control_entries=min(9, d.entries)),
        {"digest-disagrees"},
    ),
    "more control entries than entries": (
        lambda d: replace(d, control_entries=d.entries + 1),
        {"digest-malformed"},
    ),
    "no block": (lambda d: replace(d, blocks=0), {"digest-malformed"}),
    "more blocks than entries": (
        lambda d: replace(d, blocks=d.entries + 1),
        {"digest-malformed"},
    ),
    "a sextillion blocks": (lambda d: replace(d, blocks=10**18), {"digest-malformed"}),
    "fewer blocks than its entries fill": (
        lambda d: replace(d, blocks=1) if d.entries > 256 else d,
        {"digest-malformed"},
    ),
    "an end before its checkpoint was cosigned": (
        lambda d: replace(d, checkpoint=_cosigned_at(d, d.period_to + 1)),
        {"digest-disagrees"},
    ),
    "an end after its checkpoint was cosigned": (
        lambda d: replace(d, checkpoint=_cosigned_at(d, d.period_to - 3000)),
        {"digest-disagrees"},
    ),
    "a checkpoint that was cosigned without a time": (
        lambda d: replace(d, checkpoint=_cosigned_at(d, 0)),
        {"digest-disagrees"},
    ),
    "size before": (
        lambda d: replace(
            d,
            size_before=d.size_before // 2,
            entries=d.size_after - d.size_before // 2,
            blocks=-(-(d.size_after - d.size_before // 2) // 256),
        ),
        {"digest-chain-broken", "digest-disagrees"},
    ),
    "previous": (
        lambda d: (
            replace(d, previous_sha256=sha256(d.previous_name.encode()).digest())
            if d.previous_name
            else d
        ),
        {"digest-chain-broken"},
    ),
    "checkpoint": (
        lambda d: replace(d, checkpoint=Writer().checkpoint(Checkpoint(ORIGIN, 7, bytes(32)))),
        {"digest-disagrees"},
    ),
    "checkpoint's cosignature": (
        lambda d: replace(d, checkpoint=_without_cosignature(d.checkpoint)),
        {"not-witnessed"},
    ),
    "checkpoint's signature": (
        lambda d: replace(d, checkpoint=_signed_by_stranger(d.checkpoint)),
        {"digest-rejected"},
    ),
    "origin": (
        lambda d: replace(d, origin="audit.example.org/other"),
        {"digest-disagrees"},
    ),
}


def _without_cosignature(checkpoint: bytes) -> bytes:
    note = parse_note(checkpoint)
    return Note(note.text, note.signatures[:1]).to_bytes()


def _cosigned_at(digest: Digest, time: int) -> bytes:
    """Its checkpoint, cosigned by the ledger's own key at another time than the period's end."""
    note = parse_note(digest.checkpoint)
    cosignature = Keys().cosign(parse_checkpoint(note.text), time)
    return Note(note.text, (note.signatures[0], cosignature)).to_bytes()


def _signed_by_stranger(checkpoint: bytes) -> bytes:
    text = parse_note(checkpoint).text
    return Note(text, (STRANGER.sign(text),)).to_bytes()


@pytest.mark.parametrize("what", LIES)
def test_a_false_signed_digest_is_a_finding(what: str) -> None:
    """The ledger's own signer is not trusted."""
    change, expected = LIES[what]
    writer = build(change)
    report = verify_ledger(
        writer.objects, Keys().policy(), writer.now, workers=1, wait=lambda _: None
    )
    codes = {str(finding.code) for finding in report.findings}
    assert codes == expected
    assert report.answer is (Verdict.INCOMPLETE if codes == {"not-witnessed"} else Verdict.FAILED)
