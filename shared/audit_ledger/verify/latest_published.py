"""Checkpoint and newest digest, read so that they belong together.

A ledger publishes both within moments, and a reader reads one after the other. If they disagree
because they were read at such a moment, they agree when they are read again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from audit_ledger.errors import FormatError
from audit_ledger.ledger.digest import Digest
from audit_ledger.ledger.digest_name import LATEST, digest_name_order
from audit_ledger.ledger.signed_digest import parse_signed_digest
from audit_ledger.tlog.checkpoint import Checkpoint, parse_checkpoint
from audit_ledger.tlog.note import parse_note
from audit_ledger.tlog.tiles import CHECKPOINT
from audit_ledger.verify.digest_chain import DigestClaim
from audit_ledger.verify.findings import Finding, FindingCode
from audit_ledger.verify.freshness import format_time
from audit_ledger.verify.sources import ReadOutcome, Source, read_outcome

PUBLICATION_SECONDS = 300
"""How long an interrupted publication may take: what is repaired by then is no finding."""

_DELAYS_SECONDS = (0, 0.5, 1.5)


@dataclass(frozen=True)
class LatestPublished:
    """The outcomes of reading `checkpoint` and `digests/latest`."""

    checkpoint: ReadOutcome
    latest: ReadOutcome

    @cached_property
    def parsed_checkpoint(self) -> Checkpoint | None:
        """The checkpoint; None if it is missing or malformed, which its check reports."""
        try:
            if isinstance(self.checkpoint, bytes):
                return parse_checkpoint(parse_note(self.checkpoint).text)
        except FormatError:
            pass
        return None

    @cached_property
    def digest(self) -> Digest | None:
        """The newest digest; None if it is missing or malformed, which the walk reports."""
        try:
            if isinstance(self.latest, bytes):
                return parse_signed_digest(self.latest).digest
        except FormatError:
            pass
        return None


def read_latest_published(
    source: Source, now: int, wait: Callable[[float], None]
) -> LatestPublished:
    """Read checkpoint and newest digest, again if one of them has just been published."""
    heads = LatestPublished(None, None)
    for delay_seconds in _DELAYS_SECONDS:
        wait(delay_seconds)
        checkpoint = read_outcome(source, CHECKPOINT)
        if not isinstance(checkpoint, bytes):
            return LatestPublished(checkpoint, None)
        heads = LatestPublished(checkpoint, read_outcome(source, LATEST))
        if not _was_read_amid(heads, now):
            break
    return heads


def are_older(heads: LatestPublished, size: int, digest_name: str | None) -> bool:
    """Return whether a checkpoint of that size, or the digest of that name, is newer than these.

    Anything malformed is not older: its own check reports it.
    """
    checkpoint, digest = heads.parsed_checkpoint, heads.digest
    if checkpoint is not None and checkpoint.size < size:
        return True
    if isinstance(heads.checkpoint, bytes) and checkpoint is None:
        return False
    if digest_name is None or digest is None:
        return False
    return digest_name_order(digest.name) < digest_name_order(digest_name)


def _was_read_amid(heads: LatestPublished, now: int) -> bool:
    checkpoint, digest = heads.parsed_checkpoint, heads.digest
    if checkpoint is None or digest is None or not isinstance(heads.checkpoint, bytes):
        return False
    # Digests are published before their checkpoint, which is read before them. One without growth
    # (a heartbeat) has a checkpoint of the same size, but with signatures of its own.
    is_recent = abs(now - digest.period_to) < PUBLICATION_SECONDS
    is_older = checkpoint.size == digest.size_after and not _has_signatures_of(
        heads.checkpoint, digest.checkpoint
    )
    return is_recent and (checkpoint.size < digest.size_after or is_older)


def _has_signatures_of(checkpoint: bytes, in_digest: bytes) -> bool:
    """Return whether a checkpoint is the one in a digest, cosignatures of others aside."""
    try:
        expected = parse_note(in_digest).signatures
    except FormatError:
        return True  # reported when the digest is verified
    return set(expected) <= set(parse_note(checkpoint).signatures)


def compare_heads(
    checkpoint: Checkpoint, own_time: int | None, digest: Digest | None, now: int
) -> Iterator[Finding]:
    """Report a `digests/latest` that is behind a verified checkpoint, or forked.

    `digest`: the one read there; None if it is missing or malformed, which the walk reports.
    `own_time`: when the ledger's own key cosigned the checkpoint, which is the end of its digest's
    period; None where that key is not in the policy or did not sign.
    """
    if digest is None:
        return
    wrapped = digest.wrapped
    if checkpoint.size == wrapped.size and checkpoint.root != wrapped.root:
        size = checkpoint.size
        message = f"two signed roots at size {size}: the checkpoint's and {LATEST}'s"
        yield Finding(FindingCode.FORKED, LATEST, (0, max(0, size - 1)), message)
        return
    if _age(checkpoint, own_time, digest) > (digest.size_after, digest.period_to):
        yield _behind(FindingCode.DIGEST_BEHIND, checkpoint, own_time, digest, now)


def compare_with_newest(
    checkpoint: Checkpoint, own_time: int | None, newest: Digest | DigestClaim | None, now: int
) -> Iterator[Finding]:
    """Check that the checkpoint is not older than the newest digest, wherever that is."""
    if newest and _age(checkpoint, own_time, newest) < (newest.size_after, newest.period_to):
        yield _behind(FindingCode.CHECKPOINT_BEHIND, checkpoint, own_time, newest, now)


def _age(
    checkpoint: Checkpoint, own_time: int | None, newest: Digest | DigestClaim
) -> tuple[int, int]:
    """Return size and time; one that states no time is as old as a digest of its size."""
    return checkpoint.size, newest.period_to if own_time is None else own_time


def _behind(
    code: FindingCode,
    checkpoint: Checkpoint,
    own_time: int | None,
    newest: Digest | DigestClaim,
    now: int,
) -> Finding:
    """Report which of the two is behind or, if the other is minutes old, that they differ."""
    if code is FindingCode.CHECKPOINT_BEHIND:
        where, what, newer_time = CHECKPOINT, "checkpoint", newest.period_to
    else:
        where, what, newer_time = LATEST, "digest", own_time or 0
    ages = f"of size {checkpoint.size}, the newest digest of {newest.size_after}"
    if checkpoint.size == newest.size_after:
        time = _age(checkpoint, own_time, newest)[1]
        ages = (
            f"signed at {format_time(time)}, the newest digest at {format_time(newest.period_to)}"
        )
    message = f"the checkpoint is {ages}: an older {what} stands in its place"
    if abs(now - newer_time) < PUBLICATION_SECONDS:
        code = FindingCode.IN_PROGRESS
        message = f"the checkpoint is {ages}, minutes old: look again when both are published"
    first, end = sorted((checkpoint.size, newest.size_after))
    return Finding(code, where, (first, end - 1) if first < end else None, message)
