"""Digests that the ledger's own keys signed and that do not say the truth."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import pytest

from audit_ledger.chain.digest import Digest
from audit_ledger.tlog.checkpoint import Checkpoint
from audit_ledger.tlog.note import Note, parse_note
from audit_ledger.verify.findings import Answer
from audit_ledger.verify.verification import verify
from tests.verify.writer import BEGIN, ORIGIN, Keys, Writer

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
    "root": (lambda d: replace(d, root=bytes(32)), {"digest-disagrees", "forked"}),
    "control entries": (lambda d: replace(d, control_entries=9), {"digest-disagrees"}),
    "period": (
        lambda d: replace(d, period_from=max(BEGIN, d.period_from - 1)),
        {"digest-chain-broken"},
    ),
    "size before": (
        lambda d: replace(
            d, size_before=d.size_before // 2, entries=d.size_after - d.size_before // 2
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
    return Note(note.text, note.signatures[:1]).encode()


def _signed_by_stranger(checkpoint: bytes) -> bytes:
    text = parse_note(checkpoint).text
    return Note(text, (STRANGER.sign(text),)).encode()


@pytest.mark.parametrize("what", LIES)
def test_a_signed_digest_that_lies_is_found(what: str) -> None:
    """Being signed does not make a digest true: the ledger's own signer is not trusted either."""
    change, expected = LIES[what]
    writer = build(change)
    report = verify(writer.objects, Keys().policy(), writer.now, workers=1, wait=lambda _: None)
    codes = {str(finding.code) for finding in report.findings}
    assert codes == expected
    assert report.answer is (Answer.INCOMPLETE if codes == {"not-witnessed"} else Answer.FAILED)
