"""Rows: entries, entry bundles and tiles of the published ledger."""

from tests.attacks.case import Case
from tests.attacks.ledger import B0, B1, B2, CHECKPOINT, D520, D600, OLD_B2, OLD_T2, T0, T1, T2, UP
from tests.attacks.mutate_files import (
    add,
    cut,
    cut_in_entry,
    flip,
    flip_in_entry,
    of_another_record,
    rearrange,
    remove,
    replace_entry,
    swap,
)

ENTRY, BUNDLE, PARTIAL_BUNDLE = "published entry", "full entry bundle", "partial entry bundle"
TILE, PARTIAL_TILE, UPPER_TILE = "full tile", "partial tile", "tile above"

ENTRY_ROWS = (
    Case(ENTRY, "changed", flip_in_entry(B1, 300), finds=(("entry-altered", B1, (300, 300)),)),
    Case(ENTRY, "first changed", flip_in_entry(B0, 0, 20), finds=(("entry-altered", B0, (0, 0)),)),
    Case(
        ENTRY,
        "last changed",
        flip_in_entry(B2, 599),
        finds=(("entry-altered", B2, (599, 599)),),
        publisher="frozen: tile/entries/002.p/88: not the entries of the tile above",
    ),
    Case(
        ENTRY,
        "exchanged for one of another record",
        rearrange(B1, lambda e: [*e[:44], of_another_record(e[44]), *e[45:]]),
        finds=(("entry-altered", B1, (300, 300)),),
    ),
    Case(
        ENTRY,
        "deleted",
        rearrange(B1, lambda e: e[:44] + e[45:]),
        finds=(("bundle-malformed", B1, (300, 511)),),
    ),
    Case(
        ENTRY,
        "inserted",
        rearrange(B1, lambda e: [*e[:44], of_another_record(e[44]), *e[44:]]),
        finds=(
            ("bundle-malformed", B1, (511, 511)),
            ("entry-altered", B1, (300, 511)),
        ),
    ),
    Case(
        ENTRY,
        "reordered",
        rearrange(B1, lambda e: [*e[:44], e[45], e[44], *e[46:]]),
        finds=(("entry-altered", B1, (300, 301)),),
    ),
    Case(
        ENTRY,
        "duplicated over the next",
        rearrange(B1, lambda e: [*e[:45], e[44], *e[46:]]),
        finds=(("entry-altered", B1, (301, 301)),),
    ),
    Case(
        ENTRY,
        "exchanged, and its leaf hash too",
        replace_entry(B1, T1, 44),
        finds=(
            ("link-broken", B1, (301, 301)),
            ("tile-altered", UP, (256, 511)),
            ("root-mismatch", CHECKPOINT, (300, 599)),
            ("digest-disagrees", D520, (300, 519)),
        ),
    ),
    Case(
        ENTRY,
        "last exchanged, and its leaf hash too",
        replace_entry(B2, T2, 87),
        finds=(
            ("root-mismatch", CHECKPOINT, (520, 599)),
            ("digest-disagrees", D600, (520, 599)),
        ),
        publisher="frozen: tile/0/002.p/88: not the hashes of the published root",
    ),
    Case(
        BUNDLE,
        "a length changed",
        flip_in_entry(B1, 300, -1),
        finds=(("bundle-malformed", B1, (300, 511)),),
    ),
    Case(
        BUNDLE,
        "swapped with another",
        swap(B0, B1),
        finds=(
            ("entry-altered", B0, (0, 255)),
            ("entry-altered", B1, (256, 511)),
        ),
    ),
    Case(BUNDLE, "emptied", cut(B0, 0), finds=(("bundle-malformed", B0, (0, 255)),)),
    Case(
        BUNDLE,
        "cut within an entry",
        cut_in_entry(B1, 300, 10),
        finds=(("bundle-malformed", B1, (300, 511)),),
    ),
    Case(BUNDLE, "a byte appended", add(B1, b"\0"), finds=(("bundle-malformed", B1, (511, 511)),)),
    Case(BUNDLE, "deleted", remove(B1), finds=(("missing", B1, (256, 511)),)),
    Case(
        PARTIAL_BUNDLE,
        "swapped with an older one",
        swap(OLD_B2, B2),
        finds=(("bundle-malformed", B2, (520, 599)),),
        publisher="frozen: tile/entries/002.p/88: entry bundle: 8 entries, expected 88",
    ),
    Case(
        PARTIAL_BUNDLE,
        "emptied",
        cut(B2, 0),
        finds=(("bundle-malformed", B2, (512, 599)),),
        publisher="frozen: tile/entries/002.p/88: entry bundle: 0 entries, expected 88",
    ),
    Case(
        PARTIAL_BUNDLE,
        "cut between entries",
        cut_in_entry(B2, 590, -2),
        finds=(("bundle-malformed", B2, (590, 599)),),
        publisher="frozen: tile/entries/002.p/88: entry bundle: 78 entries, expected 88",
    ),
    Case(
        PARTIAL_BUNDLE,
        "a byte appended",
        add(B2, b"\0"),
        finds=(("bundle-malformed", B2, (599, 599)),),
        publisher=(
            "frozen: tile/entries/002.p/88: entry bundle: ends within the length at byte 13376"
        ),
    ),
    Case(
        PARTIAL_BUNDLE,
        "deleted",
        remove(B2),
        finds=(("missing", B2, (512, 599)),),
        publisher="frozen: tile/entries/002.p/88: missing, and no full one in its place",
    ),
    Case(TILE, "a hash changed", flip(T1, 32 * 44), finds=(("tile-altered", T1, (300, 300)),)),
    Case(
        TILE,
        "swapped with another",
        swap(T0, T1),
        finds=(
            ("tile-altered", T0, (0, 255)),
            ("tile-altered", T1, (256, 511)),
        ),
    ),
    Case(TILE, "emptied", cut(T1, 0), finds=(("tile-malformed", T1, (256, 511)),)),
    Case(
        TILE, "cut within a hash", cut(T1, 32 * 44 + 7), finds=(("tile-malformed", T1, (300, 511)),)
    ),
    Case(TILE, "a byte appended", add(T1, b"\0"), finds=(("tile-malformed", T1, (511, 511)),)),
    Case(TILE, "deleted", remove(T1), finds=(("missing", T1, (256, 511)),)),
    Case(
        TILE,
        "deleted, and its entry bundle too",
        remove(T1, B1),
        finds=(
            ("missing", B1, (256, 511)),
            ("missing", T1, (256, 511)),
        ),
    ),
    Case(
        PARTIAL_TILE,
        "a hash changed",
        flip(T2, 32 * 10),
        finds=(("tile-altered", T2, (522, 522)),),
        publisher="frozen: tile/0/002.p/88: not the hashes of the published root",
    ),
    Case(
        PARTIAL_TILE,
        "swapped with an older one",
        swap(OLD_T2, T2),
        finds=(("tile-malformed", T2, (520, 599)),),
        publisher="frozen: tile/0/002.p/88: 256 bytes, expected 2816",
    ),
    Case(
        PARTIAL_TILE,
        "emptied",
        cut(T2, 0),
        finds=(("tile-malformed", T2, (512, 599)),),
        publisher="frozen: tile/0/002.p/88: 0 bytes, expected 2816",
    ),
    Case(
        PARTIAL_TILE,
        "cut within a hash",
        cut(T2, 32 * 44 + 7),
        finds=(("tile-malformed", T2, (556, 599)),),
        publisher="frozen: tile/0/002.p/88: 1415 bytes, expected 2816",
    ),
    Case(
        PARTIAL_TILE,
        "a byte appended",
        add(T2, b"\0"),
        finds=(("tile-malformed", T2, (599, 599)),),
        publisher="frozen: tile/0/002.p/88: 2817 bytes, expected 2816",
    ),
    Case(
        PARTIAL_TILE,
        "a hash appended",
        add(T2, bytes(32)),
        finds=(("tile-malformed", T2, (599, 599)),),
        publisher="frozen: tile/0/002.p/88: 2848 bytes, expected 2816",
    ),
    Case(
        PARTIAL_TILE,
        "deleted",
        remove(T2),
        finds=(("missing", T2, (512, 599)),),
        publisher="frozen: tile/0/002.p/88: missing, and no full one in its place",
    ),
    Case(
        PARTIAL_TILE,
        "older one changed",
        flip(OLD_T2, 32),
        finds=(("tile-altered", OLD_T2, (512, 519)),),
    ),
    Case(
        PARTIAL_BUNDLE,
        "older one changed",
        flip_in_entry(OLD_B2, 514),
        finds=(("entry-altered", OLD_B2, (512, 519)),),
    ),
    Case(
        UPPER_TILE,
        "a hash changed",
        flip(UP, 40),
        finds=(("tile-altered", UP, (256, 511)),),
        publisher="frozen: tile/1/000.p/2: not the hashes of the published root",
    ),
    Case(
        UPPER_TILE,
        "emptied",
        cut(UP, 0),
        finds=(("tile-malformed", UP, (0, 511)),),
        publisher="frozen: tile/1/000.p/2: 0 bytes, expected 64",
    ),
    Case(
        UPPER_TILE,
        "cut within a hash",
        cut(UP, 40),
        finds=(("tile-malformed", UP, (0, 511)),),
        publisher="frozen: tile/1/000.p/2: 40 bytes, expected 64",
    ),
    Case(
        UPPER_TILE,
        "a byte appended",
        add(UP, b"\0"),
        finds=(("tile-malformed", UP, (0, 511)),),
        publisher="frozen: tile/1/000.p/2: 65 bytes, expected 64",
    ),
    Case(
        UPPER_TILE,
        "deleted",
        remove(UP),
        finds=(("missing", UP, (0, 511)),),
        publisher="frozen: tile/1/000.p/2: missing, and no full one in its place",
    ),
)
