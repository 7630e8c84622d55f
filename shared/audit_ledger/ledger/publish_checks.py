"""Check the published data against the blocks, before anything is signed.

The publisher makes them in every run and freezes where one fails; who lifts a freeze makes them
too. Files are put from the state, after it is committed. So a newer file means that the state was
put back to an earlier time, and would sign a second successor of a digest that has one; or that
somebody put the file there, where it would stand for ever: nothing newer is ever replaced.
"""

from collections.abc import Callable, Iterable

from audit_ledger.errors import FormatError, VerificationError
from audit_ledger.ledger.block import Block, parse_body
from audit_ledger.ledger.block_signature import VerifyBlock
from audit_ledger.ledger.digest import LATEST, digest_name_order, is_digest_name
from audit_ledger.ledger.head import Head, head_of
from audit_ledger.ledger.publication_order import Age, checkpoint_age, digest_age
from audit_ledger.ledger.published_state import PublishedState
from audit_ledger.ledger.signed_digest import SignedDigest, parse_signed_digest
from audit_ledger.tlog.checkpoint import parse_checkpoint
from audit_ledger.tlog.note import Note, parse_note
from audit_ledger.tlog.tiles import CHECKPOINT

NOTHING_PUBLISHED: Age = (-1, 0)


def parse_state(state: PublishedState, origin: str) -> tuple[SignedDigest, Note]:
    """Return a state's digest and checkpoint, parsed, if its values are those of its digest.

    Raise VerificationError if not. Signatures are not verified here.
    """
    try:
        signed, checkpoint = parse_signed_digest(state.digest), parse_note(state.checkpoint)
        within = parse_note(signed.digest.checkpoint)
    except FormatError as error:
        raise VerificationError(f"published state: {error}") from None
    digest = signed.digest
    if (digest.name, digest.size_after, digest.period_to, digest.origin) != (
        state.digest_name,
        state.size,
        state.time,
        origin,
    ):
        raise VerificationError("published state: name, size or time are not its digest's")
    if checkpoint.text != within.text:
        raise VerificationError("published state: its checkpoint is not its digest's")
    return signed, checkpoint


def require_reach(block: Block | None, size: int) -> Block:
    """The last block that begins before the published size ends exactly there."""
    if block is None or block.size_after != size:
        raise VerificationError(f"the blocks do not reach the published size {size}")
    return block


def published_head(block: Block, checkpoint: bytes, verify_block: VerifyBlock) -> Head:
    """Where the published ledger ends, by its last block, whose tree must be the checkpoint's."""
    verify_block(block)
    head = head_of(block, parse_body(block.body))
    require_published(head, checkpoint)
    return head


def require_published(head: Head, checkpoint: bytes) -> None:
    """The tree at the published size is the one that was signed."""
    if head.root() != parse_checkpoint(parse_note(checkpoint).text).root:
        raise VerificationError(f"the blocks up to {head.size} are not what was published")


def require_newest(latest: bytes | None, checkpoint: bytes | None, known: Age) -> None:
    """Checkpoint and `digests/latest` are not newer than the state, whose age is `known`."""
    for path, there, age in (
        (LATEST, latest, digest_age),
        (CHECKPOINT, checkpoint, checkpoint_age),
    ):
        newest = age(there) if there is not None else None
        if newest is not None and newest > known:
            raise VerificationError(f"{path} is newer than the published state")


def require_last(last: str | None, names: Callable[[str, str], Iterable[str]]) -> None:
    """No digest is named after the state's, `last` (None: there is none), also without latest.

    `names`: gives the paths below a folder that sort behind a path.
    """
    known, after = ("", 0), "digests/"
    if last is not None:
        known, after = digest_name_order(last), last.rpartition("-")[0]  # sizes sort as numbers
    for name in filter(is_digest_name, names("digests/", after)):
        if digest_name_order(name) > known:
            raise VerificationError(f"{name} is newer than the published state")


def previous_digest(data: bytes) -> tuple[str, bytes]:
    """Name and SHA-256 of the digest before one; both empty for the first, and for what is none."""
    try:
        digest = parse_signed_digest(data).digest
    except FormatError:
        return "", b""
    return digest.previous_name, digest.previous_sha256
