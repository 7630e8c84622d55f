"""Rows: the tables (blocks, ledgers, events) and the archive."""

from tests.attacks import mutate_blocks as blocks
from tests.attacks import mutate_tables as tables
from tests.attacks.case import Case
from tests.attacks.ledger import D600
from tests.attacks.mutate_blocks import change_block, change_items, delete_blocks, rewrite_blocks
from tests.attacks.mutate_tables import archive, change_state, restore
from tests.world import ORIGIN

COMMITTED, PUBLISHED, OLD = (
    "block not yet published",
    "newest published block",
    "older published block",
)
WITH_KEY = "block not yet published, with the sequencer's key"
STATE, INDEX, ARCHIVE, BLOCKS = "published state", "event index", "archive", "blocks table"
STREAM = "MODIFY or REMOVE in the stream of the blocks table"
AGAINST_BLOCKS = "index against blocks"
UNSIGNED = "frozen: block 600: not signed by the sequencer's key"

TABLE_ROWS = (
    *(
        Case(COMMITTED, way, tamper, publisher=UNSIGNED)
        for way, tamper in (
            ("an entry changed", change_items(600, blocks.exchange_entry)),
            ("an entry deleted", change_items(600, blocks.delete_entry)),
            ("an entry inserted", change_items(600, blocks.insert_entry)),
            ("entries reordered", change_items(600, blocks.reorder_entries)),
            ("an entry duplicated", change_items(600, blocks.duplicate_entry)),
            ("a record changed", change_items(600, blocks.exchange_record)),
            ("an index row changed", change_items(600, blocks.exchange_row)),
            ("frontier changed", change_block(600, blocks.change_frontier)),
            ("head changed", blocks.head_changed),
            ("count changed", blocks.count_changed),
            ("overwritten, without a signature", blocks.no_signature),
            ("overwritten, another key's signature", blocks.strangers_signature),
            ("overwritten by an older block", blocks.older_block_in_place),
        )
    ),
    Case(COMMITTED, "signature attribute removed", blocks.without_attribute(600, "signature"),
         publisher="frozen: block 600: the item is no block"),
    Case(COMMITTED, "deleted, its successor left", delete_blocks(600),
         publisher="frozen: block 605: expected entry 600 next"),
    Case(COMMITTED, "all rewritten, without the key", rewrite_blocks(600, 605, with_key=False),
         publisher=UNSIGNED),
    Case(COMMITTED, "all deleted", delete_blocks(600, 605), monitor=STREAM),
    Case(WITH_KEY, "an entry changed", change_items(600, blocks.exchange_entry, with_key=True),
         publisher="frozen: entry 600: it commits to another index row"),
    Case(WITH_KEY, "an entry deleted", change_items(600, blocks.delete_entry, with_key=True),
         publisher="frozen: entry 600: its seq is 601"),
    Case(WITH_KEY, "an entry inserted", change_items(600, blocks.insert_entry, with_key=True),
         publisher="frozen: entry 600: it commits to another index row"),
    Case(WITH_KEY, "entries reordered", change_items(600, blocks.reorder_entries, with_key=True),
         publisher="frozen: entry 600: its seq is 601"),
    Case(WITH_KEY, "an entry duplicated",
         change_items(600, blocks.duplicate_entry, with_key=True),
         publisher="frozen: entry 601: its seq is 600"),
    Case(WITH_KEY, "record and index row removed",
         change_items(600, blocks.omit_record, with_key=True),
         publisher="frozen: entry 600: record or index row missing, or one too many"),
    Case(WITH_KEY, "frontier changed", change_block(600, blocks.change_frontier, with_key=True),
         publisher="frozen: block 600: frontier is not that of its entries"),
    Case(WITH_KEY, "one rewritten, its successor left", rewrite_blocks(600, with_key=True),
         publisher="frozen: entry 605: prev is not the hash of the entry before"),
    Case(WITH_KEY, "a record exchanged", change_items(600, blocks.exchange_record, with_key=True),
         monitor=STREAM),
    Case(WITH_KEY, "an index row exchanged",
         change_items(600, blocks.exchange_row, with_key=True),
         publisher="frozen: entry 600: it commits to another index row"),
    Case(WITH_KEY, "all rewritten", rewrite_blocks(600, 605, with_key=True), monitor=STREAM),
    Case(PUBLISHED, "an entry changed", change_items(520, blocks.exchange_entry),
         publisher="frozen: block 520: not signed by the sequencer's key"),
    Case(PUBLISHED, "a record changed", change_items(520, blocks.exchange_record),
         publisher="frozen: block 520: not signed by the sequencer's key"),
    Case(PUBLISHED, "rewritten, with the sequencer's key", rewrite_blocks(520, with_key=True),
         publisher="frozen: the blocks up to 600 are not what was published"),
    Case(PUBLISHED, "deleted, with all that came after", delete_blocks(520, 600, 605),
         publisher="frozen: the blocks do not reach the published size 600"),
    Case(PUBLISHED, "deleted, what came after left", delete_blocks(520),
         publisher="frozen: the blocks do not reach the published size 600"),
    Case(OLD, "an entry changed", change_items(300, blocks.exchange_entry), monitor=STREAM),
    Case(OLD, "a record changed", change_items(300, blocks.exchange_record), monitor=STREAM),
    # A cold publisher reads the rows of the partial run again.
    Case(OLD, "deleted", delete_blocks(300),
         publisher="frozen: the entries from 0 to 600 are not those of the index"),
    Case(OLD, "rewritten, with the sequencer's key", rewrite_blocks(300, with_key=True),
         monitor=STREAM),
    Case(BLOCKS, "restored to before the newest checkpoint", restore(520, "blocks", "events"),
         publisher="frozen: the blocks do not reach the published size 600"),
    Case(BLOCKS, "restored to the newest checkpoint", restore(600, "blocks", "events"),
         monitor=STREAM),
    Case(BLOCKS, "restored to before the newest checkpoint, the published state too",
         restore(520, "blocks", "events", "ledgers"),
         publisher=f"frozen: {D600} is newer than the published state"),
    Case(STATE, "restored to an earlier time", restore(520, "ledgers"),
         publisher=f"frozen: {D600} is newer than the published state"),
    Case(STATE, "deleted", tables.delete_state,
         publisher="frozen: digests/latest is newer than the published state"),
    Case(STATE, "an older digest in it", tables.older_digest_in_state,
         publisher="frozen: published state: name, size or time are not its digest's"),
    Case(STATE, "a forged digest in it", tables.forged_digest_in_state,
         publisher=f"frozen: published state: note, key {ORIGIN}: "
                   "the Ed25519 signature does not verify"),
    Case(STATE, "an older checkpoint in it", tables.older_checkpoint_in_state,
         publisher="frozen: published state: its checkpoint is not its digest's"),
    Case(STATE, "size raised", change_state(lambda _: {"size": {"N": "605"}}),
         publisher="frozen: published state: name, size or time are not its digest's"),
    Case(INDEX, "a row removed", tables.index_row_removed, monitor=AGAINST_BLOCKS),
    Case(INDEX, "a row pointed to another entry", tables.index_row_repointed,
         monitor=AGAINST_BLOCKS),
    Case(INDEX, "a row changed", tables.index_row_changed, monitor=AGAINST_BLOCKS),
    Case(INDEX, "a row added", tables.index_row_added, monitor=AGAINST_BLOCKS),
    Case(ARCHIVE, "planted where the next block will be",
         archive(f"blocks/{600:020}", b"planted"),
         publisher="frozen: blocks/00000000000000000600: exists with other bytes"),
    Case(ARCHIVE, "an old block changed", archive(f"blocks/{300:020}", b"changed"),
         monitor="archive against blocks"),
    Case(ARCHIVE, "an old block deleted", archive(f"blocks/{300:020}", None),
         monitor="archive against blocks"),
)  # fmt: skip
