"""Checkpoint and newest digest, read so that they belong together.

A ledger publishes both within moments of each other, a reader gets them one by one. What does not
agree because it was read in that moment agrees when it is read again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from audit_ledger.chain.digest import decode_digest
from audit_ledger.errors import FormatError
from audit_ledger.tlog.checkpoint import Checkpoint, parse_checkpoint
from audit_ledger.tlog.note import parse_note
from audit_ledger.verify.digest_chain import LATEST
from audit_ledger.verify.findings import Code, Finding
from audit_ledger.verify.sources import Outcome, Source, read_outcome

CHECKPOINT = "checkpoint"

PUBLICATION_SECONDS = 300
"""How long a publication may take that was cut short: what is repaired by then is no finding."""

_DELAYS_SECONDS = (0, 0.5, 1.5)


@dataclass(frozen=True)
class Heads:
    """What was read as `checkpoint` and as `digests/latest`."""

    checkpoint: Outcome
    latest: Outcome


def read_heads(source: Source, now: int, wait: Callable[[float], None]) -> Heads:
    """Read checkpoint and newest digest, again where one of them has just been published."""
    heads = Heads(None, None)
    for delay_seconds in _DELAYS_SECONDS:
        wait(delay_seconds)
        checkpoint = read_outcome(source, CHECKPOINT)
        if not isinstance(checkpoint, bytes):
            return Heads(checkpoint, None)
        heads = Heads(checkpoint, read_outcome(source, LATEST))
        if not _was_read_amid(heads, now):
            break
    return heads


def _was_read_amid(heads: Heads, now: int) -> bool:
    if not isinstance(heads.checkpoint, bytes) or not isinstance(heads.latest, bytes):
        return False
    try:
        checkpoint = parse_checkpoint(parse_note(heads.checkpoint).text)
        digest = decode_digest(parse_note(heads.latest).text)
    except FormatError:
        return False  # said when they are verified
    # Digests are published before their checkpoint, which is read before them.
    is_recent = abs(now - digest.period_to) < PUBLICATION_SECONDS
    return is_recent and checkpoint.size < digest.size_after


def compare_heads(
    checkpoint: Checkpoint, checkpoint_time: int, latest: bytes, now: int
) -> Iterator[Finding]:
    """Say how a verified checkpoint and the newest digest disagree.

    `checkpoint_time`: newest signed time of the checkpoint, 0 where it has none.
    """
    try:
        digest = decode_digest(parse_note(latest).text)
    except FormatError:
        return  # said by the walk along the chain
    sizes = f"size {checkpoint.size}, the newest digest of {digest.size_after}"
    if checkpoint.size == digest.size_after:
        if checkpoint.root != digest.root:
            message = f"two signed roots at size {checkpoint.size}: the checkpoint's and {LATEST}'s"
            yield Finding(Code.FORKED, LATEST, (0, max(0, checkpoint.size - 1)), message)
        return
    if checkpoint.size < digest.size_after:
        where, code, time = CHECKPOINT, Code.CHECKPOINT_BEHIND, digest.period_to
        message = f"the checkpoint is of {sizes}: an older checkpoint stands in its place"
    else:
        where, code, time = LATEST, Code.DIGEST_BEHIND, checkpoint_time
        message = f"the checkpoint is of {sizes}: an older digest stands in its place"
    if now - time < PUBLICATION_SECONDS:
        code = Code.IN_PROGRESS
        message = f"the checkpoint is of {sizes}, minutes old: look again when both are published"
    entries = sorted((checkpoint.size, digest.size_after))
    yield Finding(code, where, (entries[0], entries[1] - 1), message)
