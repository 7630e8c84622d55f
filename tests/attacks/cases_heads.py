"""Rows: checkpoint and digests of the published ledger, and what is planted beside them."""

from tests.attacks import mutate_heads as heads
from tests.attacks.case import HEALS, NOTHING, Case
from tests.attacks.ledger import CHECKPOINT, D300, D520, D600, HEARTBEAT, LATEST, T2
from tests.attacks.mutate_files import add, all_of, copy, cut, flip, move, remove, swap
from tests.attacks.mutate_heads import (
    LATER,
    MOVED,
    PLANTED_DIGEST,
    TO_COME,
    digest_by_a_stranger,
    keep_signature,
    older_checkpoint,
)
from tests.world import ORIGIN

CHECKPOINTS, SIGNATURES = "checkpoint", "checkpoint's signatures"
DIGESTS, PLANTED = "digests", "planted object"

HEAD_ROWS = (
    Case(
        CHECKPOINTS,
        "a byte of the root changed",
        flip(CHECKPOINT, len(ORIGIN) + 12),
        finds=(("checkpoint-rejected", CHECKPOINT, None),),
        publisher=HEALS,
    ),
    Case(
        CHECKPOINTS,
        "cut to no note",
        cut(CHECKPOINT, 20),
        finds=(("checkpoint-malformed", CHECKPOINT, None),),
        publisher=HEALS,
    ),
    Case(
        CHECKPOINTS,
        "deleted",
        remove(CHECKPOINT),
        finds=(("missing", CHECKPOINT, None),),
        publisher=HEALS,
    ),
    Case(
        CHECKPOINTS,
        "rolled back, digests left",
        older_checkpoint(D520),
        finds=(("checkpoint-behind", CHECKPOINT, (520, 599)),),
        remembering=(
            ("rolled-back", CHECKPOINT, (520, 599)),
            ("checkpoint-behind", CHECKPOINT, (520, 599)),
        ),
        publisher=HEALS,
    ),
    Case(
        CHECKPOINTS,
        "rolled back to one of the same size",
        older_checkpoint(D600),
        finds=(("checkpoint-behind", CHECKPOINT, None),),
        publisher=HEALS,
    ),
    Case(
        CHECKPOINTS,
        "of another origin, by the same keys",
        heads.of_another_origin,
        finds=(("checkpoint-rejected", CHECKPOINT, None),),
        publisher="frozen: checkpoint is newer than the published state",
    ),
    Case(
        CHECKPOINTS,
        "forged as larger than all that was signed",
        heads.claimed_larger,
        finds=(("checkpoint-rejected", CHECKPOINT, None),),
        publisher="frozen: checkpoint is newer than the published state",
    ),
    Case(
        CHECKPOINTS,
        "another root, signed with both keys",
        heads.another_root_signed,
        finds=(
            ("root-mismatch", CHECKPOINT, None),
            ("forked", LATEST, (0, 599)),
        ),
        remembering=(
            ("root-mismatch", CHECKPOINT, None),
            ("forked", CHECKPOINT, (0, 599)),
            ("forked", LATEST, (0, 599)),
        ),
        publisher=HEALS,
    ),
    Case(
        SIGNATURES,
        "by unknown keys",
        heads.signed_by_a_stranger,
        finds=(("checkpoint-rejected", CHECKPOINT, None),),
        publisher="frozen: checkpoint is newer than the published state",
    ),
    Case(
        SIGNATURES,
        "Ed25519 missing",
        keep_signature(1),
        finds=(("checkpoint-rejected", CHECKPOINT, None),),
        publisher=HEALS,
    ),
    Case(
        SIGNATURES,
        "ML-DSA missing",
        keep_signature(0),
        finds=(("not-witnessed", CHECKPOINT, None),),
        publisher=HEALS,
    ),
    Case(
        SIGNATURES,
        "cosigner name wrong",
        heads.cosigned_under_another_name,
        finds=(("not-witnessed", CHECKPOINT, None),),
        publisher=HEALS,
    ),
    Case(
        SIGNATURES,
        "cosignature of another root",
        heads.cosigned_another_root,
        finds=(("checkpoint-rejected", CHECKPOINT, None),),
        publisher="frozen: checkpoint is newer than the published state",
    ),
    Case(
        SIGNATURES,
        "timestamp in the future, by the key",
        heads.signed_ahead,
        finds=(
            ("digest-behind", LATEST, None),
            ("future-time", CHECKPOINT, None),
        ),
        publisher="frozen: checkpoint is newer than the published state",
    ),
    Case(
        DIGESTS, "older one changed", flip(D520, 70), finds=(("digest-chain-broken", D520, None),)
    ),
    Case(
        DIGESTS,
        "one replaced by an older valid one",
        copy(D300, D520),
        finds=(("digest-chain-broken", D520, None),),
    ),
    Case(
        DIGESTS,
        "two swapped",
        swap(D520, D600),
        finds=(
            ("digest-chain-broken", D600, None),
            ("digest-chain-broken", D520, None),
        ),
    ),
    Case(
        DIGESTS,
        "older one signed by a stranger",
        digest_by_a_stranger(D520),
        finds=(("digest-chain-broken", D520, None),),
    ),
    Case(
        DIGESTS,
        "newest signed by a stranger",
        digest_by_a_stranger(HEARTBEAT, LATEST),
        finds=(("digest-rejected", HEARTBEAT, None),),
        publisher="frozen: digests/2026/11/23/20261123T031520Z-600: other bytes are there already",
    ),
    Case(
        DIGESTS,
        "moved to another name",
        move(D520, MOVED),
        finds=(
            ("missing", D520, None),
            ("unknown-object", MOVED, None),
        ),
    ),
    Case(DIGESTS, "gap: one deleted", remove(D520), finds=(("missing", D520, None),)),
    Case(
        DIGESTS,
        "gap: one passed over, signed with the key",
        heads.skip_a_digest,
        finds=(
            ("digest-chain-broken", D520, None),
            ("unknown-object", D600, None),
        ),
        remembering=(
            ("digest-chain-broken", D520, None),
            ("forked", HEARTBEAT, None),
            ("unknown-object", D600, None),
        ),
        publisher="frozen: digests/2026/11/23/20261123T031520Z-600: other bytes are there already",
    ),
    Case(DIGESTS, "first deleted", remove(D300), finds=(("missing", D300, None),)),
    Case(
        DIGESTS,
        "newest deleted",
        remove(HEARTBEAT, LATEST),
        finds=(("missing", LATEST, None),),
        publisher=HEALS,
    ),
    Case(
        DIGESTS,
        "newest deleted, latest put back to the one before",
        all_of(remove(HEARTBEAT), copy(D600, LATEST)),
        finds=(("digest-behind", LATEST, None),),
        remembering=(
            ("rolled-back", LATEST, None),
            ("digest-behind", LATEST, None),
        ),
        publisher=HEALS,
    ),
    Case(
        DIGESTS,
        "two newest deleted, latest put back to the one before",
        all_of(remove(HEARTBEAT, D600), copy(D520, LATEST)),
        finds=(("digest-behind", LATEST, (520, 599)),),
        remembering=(
            ("rolled-back", LATEST, None),
            ("digest-behind", LATEST, (520, 599)),
        ),
    ),
    Case(
        DIGESTS,
        "newest deleted, latest left",
        remove(HEARTBEAT),
        finds=(("missing", HEARTBEAT, None),),
        publisher=HEALS,
    ),
    Case(
        DIGESTS,
        "latest deleted",
        remove(LATEST),
        finds=(("missing", LATEST, None),),
        publisher=HEALS,
    ),
    Case(
        DIGESTS,
        "latest cut to no note",
        cut(LATEST, 30),
        finds=(("digest-malformed", LATEST, None),),
        publisher=HEALS,
    ),
    Case(
        DIGESTS,
        "all deleted",
        remove(LATEST, HEARTBEAT, D600, D520, D300),
        finds=(("missing", LATEST, None),),
    ),
    Case(
        PLANTED,
        "beside the tiles",
        add("index.html"),
        finds=(("unknown-object", "index.html", None),),
    ),
    Case(
        PLANTED,
        "among the tiles",
        add("tile/0/planted"),
        finds=(("unknown-object", "tile/0/planted", None),),
    ),
    Case(
        PLANTED,
        "a tile that no next checkpoint can have",
        add("tile/9/000"),
        finds=(("unknown-object", "tile/9/000", None),),
    ),
    Case(
        PLANTED,
        "an entry bundle far beyond the checkpoint",
        add("tile/entries/x009/999"),
        finds=(("unknown-object", "tile/entries/x009/999", None),),
    ),
    Case(
        PLANTED,
        "a tile of another length where the next checkpoint's will be",
        add("tile/0/002.p/98"),
        finds=(("tile-malformed", "tile/0/002.p/98", (512, 609)),),
        publisher="frozen: tile/0/002.p/98: other bytes are there already",
    ),
    Case(
        PLANTED,
        "a bundle of another length where the next checkpoint's will be",
        add("tile/entries/002.p/98"),
        finds=(("bundle-malformed", "tile/entries/002.p/98", (512, 609)),),
        publisher="frozen: tile/entries/002.p/98: other bytes are there already",
    ),
    Case(
        PLANTED,
        "a wider tile that does not begin as the signed one",
        add("tile/0/002.p/98", bytes(98 * 32)),
        finds=(("tile-altered", "tile/0/002.p/98", (512, 599)),),
        publisher="frozen: tile/0/002.p/98: other bytes are there already",
    ),
    Case(
        PLANTED,
        "a wider tile that goes on otherwise than the ledger will",
        lambda ledger: ledger.write("tile/0/002.p/98", ledger.files[T2] + bytes(10 * 32)),
        publisher="frozen: tile/0/002.p/98: other bytes are there already",
    ),
    Case(
        PLANTED,
        "a copy of the newest digest under a later name",
        copy(HEARTBEAT, LATER),
        unlisted=NOTHING,
        finds=(("digest-chain-broken", LATER, None),),
        publisher=f"frozen: {LATER} is newer than the published state",
    ),
    Case(
        PLANTED,
        "a copy of an older digest under a later name",
        copy(D520, LATER),
        unlisted=NOTHING,
        finds=(("digest-chain-broken", LATER, None),),
        publisher=f"frozen: {LATER} is newer than the published state",
    ),
    Case(
        PLANTED,
        "a copy of an older digest under an earlier name",
        copy(D520, MOVED),
        finds=(("unknown-object", MOVED, None),),
    ),
    Case(
        PLANTED,
        "a digest, signed with the key",
        heads.plant_signed_digest,
        finds=(("unknown-object", PLANTED_DIGEST, None),),
    ),
    Case(
        PLANTED,
        "an unsigned digest of a time to come",
        add(TO_COME),
        finds=(("unknown-object", TO_COME, None),),
        publisher=f"frozen: {TO_COME} is newer than the published state",
    ),
    Case(
        PLANTED,
        "an old partial tile that never was",
        add("tile/0/002.p/3", bytes(96)),
        finds=(("tile-altered", "tile/0/002.p/3", (512, 514)),),
    ),
    Case(
        PLANTED,
        "an old partial entry bundle that never was",
        add("tile/entries/001.p/1", b"\0\1x"),
        finds=(("entry-altered", "tile/entries/001.p/1", (256, 256)),),
    ),
)
