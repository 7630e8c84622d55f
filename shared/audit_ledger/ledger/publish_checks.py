"""Check the published data against the blocks, before anything is signed.

The publisher makes these checks in every run, and freezes the ledger if one fails; so does
`ledger unfreeze` before it lifts a freeze. Files are put from the state, after it is committed. So
a file that is newer than the state shows that the state was restored to an earlier time, and a
second successor of a digest would be signed; or that someone else put the file, which would never
be replaced.
"""

from collections.abc import Callable, Iterable

from audit_ledger.errors import FormatError, VerificationError
from audit_ledger.ledger.block import Block, parse_body
from audit_ledger.ledger.block_signature import VerifyBlock
from audit_ledger.ledger.digest_name import LATEST, digest_name_order, is_digest_name
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
    """Return the last block that begins before the published size, if it ends exactly there."""
    if block is None or block.size_after != size:
        raise VerificationError(f"the blocks do not reach the published size {size}")
    return block


def published_head(block: Block, checkpoint: bytes, verify_block: VerifyBlock) -> Head:
    """Return the head after the last published block, whose tree must be the checkpoint's."""
    verify_block(block)
    head = head_of(block, parse_body(block.body))
    require_published(head, checkpoint)
    return head


def require_published(head: Head, checkpoint: bytes) -> None:
    """Raise VerificationError unless the tree at the published size is the signed one."""
    if head.root() != parse_checkpoint(parse_note(checkpoint).text).root:
        raise VerificationError(f"the blocks up to {head.size} are not what was published")


def require_newest(latest: bytes | None, checkpoint: bytes | None, state_age: Age) -> None:
    """Raise VerificationError if checkpoint or `digests/latest` are newer than the state's age."""
    for path, data, age in (
        (LATEST, latest, digest_age),
        (CHECKPOINT, checkpoint, checkpoint_age),
    ):
        file_age = age(data) if data is not None else None
        if file_age is not None and file_age > state_age:
            raise VerificationError(f"{path} is newer than the published state")


def require_last(last: str | None, names: Callable[[str, str], Iterable[str]]) -> None:
    """Raise VerificationError if a later digest exists than the state's, `last` (None: none).

    `names`: returns the paths below a folder that sort after a path.
    """
    order, after = ("", 0), "digests/"
    if last is not None:
        order, after = digest_name_order(last), last.rpartition("-")[0]  # sizes sort as numbers
    for name in filter(is_digest_name, names("digests/", after)):
        if digest_name_order(name) > order:
            raise VerificationError(f"{name} is newer than the published state")


def previous_digest(data: bytes) -> tuple[str, bytes]:
    """Return name and SHA-256 of the digest before one, empty for the first and for no digest."""
    try:
        digest = parse_signed_digest(data).digest
    except FormatError:
        return "", b""
    return digest.previous_name, digest.previous_sha256
