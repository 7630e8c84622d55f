"""What was published, held against the blocks: the checks that come before anything is signed.

The publisher makes them in every run and freezes where one fails; who lifts a freeze makes them
too.
"""

from audit_ledger.chain.age import Age, checkpoint_age, digest_age
from audit_ledger.chain.block import Block
from audit_ledger.chain.block_signature import VerifyBlock
from audit_ledger.chain.head import Head, head_of
from audit_ledger.errors import VerificationError
from audit_ledger.tlog.checkpoint import parse_checkpoint
from audit_ledger.tlog.note import parse_note

LATEST = "digests/latest"
CHECKPOINT = "checkpoint"
NOTHING_PUBLISHED: Age = (-1, 0)


def require_reach(block: Block | None, size: int) -> Block:
    """The last block that begins before the published size ends exactly there."""
    if block is None or block.size_after != size:
        raise VerificationError(f"the blocks do not reach the published size {size}")
    return block


def published_head(block: Block, checkpoint: bytes, verify_block: VerifyBlock) -> Head:
    """Where the published ledger ends, by its last block, whose tree must be the checkpoint's."""
    verify_block(block)
    head = head_of(block)
    require_published(head, checkpoint)
    return head


def require_published(head: Head, checkpoint: bytes) -> None:
    """The tree at the published size is the one that was signed."""
    if head.root() != parse_checkpoint(parse_note(checkpoint).text).root:
        raise VerificationError(f"the blocks up to {head.size} are not what was published")


def require_newest(latest: bytes | None, checkpoint: bytes | None, known: Age) -> None:
    """Newest digest and checkpoint must be the state's, of age `known`: a state restored to an
    earlier time would sign a second successor of a digest that has one, and what claims to be newer
    than all that was signed would stand for ever, as nothing newer is ever replaced."""
    for path, there, age in (
        (LATEST, latest, digest_age),
        (CHECKPOINT, checkpoint, checkpoint_age),
    ):
        newest = age(there) if there is not None else None
        if newest is not None and newest > known:
            raise VerificationError(f"{path} is newer than the published state")
