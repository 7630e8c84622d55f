"""Tampering with the blocks table, as an administrator with or without the sequencer's key."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec

from audit_ledger.ledger.block import Block, BlockItem, Body, parse_body
from audit_ledger.ledger.head import build_block, head_of
from audit_ledger.records.index_row import parse_index_row
from audit_ledger.records.sealed_record import SealedRecord
from tests.attacks.case import Tamper
from tests.attacks.ledger import AttackedLedger, block_key
from tests.attacks.mutate_files import of_another_record
from tests.builders.sealed_record import committed_record
from tests.verify.writer import Keys

Items = tuple[BlockItem, ...]
STRANGER = Keys(b"stranger")


def change_block(
    first_seq: int, change: Callable[[Body], Body], *, with_key: bool = False
) -> Tamper:
    """Change a block's body; its signature is unchanged, or renewed if `with_key`."""

    def tamper(ledger: AttackedLedger) -> None:
        block = ledger.block(first_seq)
        body = change(parse_body(block.body))
        changed = replace(block, count=len(body.items), body=body.to_bytes())
        ledger.put_block(signed(ledger, changed) if with_key else changed)

    return tamper


def change_items(
    first_seq: int, change: Callable[[Items], Items], *, with_key: bool = False
) -> Tamper:
    return change_block(
        first_seq, lambda body: replace(body, items=change(body.items)), with_key=with_key
    )


def signed(ledger: AttackedLedger, block: Block) -> Block:
    """Sign a block with the sequencer's key."""
    return replace(block, signature=ledger.sequencer_signs(block.signed_message()))


def exchange_entry(items: Items) -> Items:
    first = msgspec.structs.replace(items[0], entry=of_another_record(items[0].entry))
    return (first, *items[1:])


def delete_entry(items: Items) -> Items:
    return items[1:]


def insert_entry(items: Items) -> Items:
    return (*exchange_entry(items)[:1], *items)


def reorder_entries(items: Items) -> Items:
    return (items[1], items[0], *items[2:])


def duplicate_entry(items: Items) -> Items:
    return (items[0], items[0], *items[2:])


def exchange_record(items: Items) -> Items:
    return (msgspec.structs.replace(items[0], sealed=items[1].sealed), *items[1:])


def exchange_row(items: Items) -> Items:
    return (msgspec.structs.replace(items[0], row_bytes=items[1].row_bytes), *items[1:])


def omit_record(items: Items) -> Items:
    return (
        msgspec.structs.replace(
            items[0], sealed=b"", row_bytes=b"", row_blind=b"", record_commitment=b""
        ),
        *items[1:],
    )


def change_frontier(body: Body) -> Body:
    return replace(body, frontier=(bytes(32), *body.frontier[1:]))


def rewrite_blocks(*first_seqs: int, with_key: bool) -> Tamper:
    """Write other records into blocks, correctly linked; signed by a stranger or `with_key`."""

    def tamper(ledger: AttackedLedger) -> None:
        before = ledger.block(_before(first_seqs[0]))
        head = head_of(before, parse_body(before.body))
        for first_seq in first_seqs:
            block = ledger.block(first_seq)
            body, head, _ = build_block(block.origin, head, head.time, _others(block))
            rewritten = replace(block, head=head.hash, body=body.to_bytes())
            if with_key:
                ledger.put_block(signed(ledger, rewritten))
            else:
                signature = STRANGER.ed25519.sign(rewritten.signed_message())
                ledger.put_block(replace(rewritten, signature=signature))

    return tamper


def _before(first_seq: int) -> int:
    blocks = (0, 256, 300, 520, 600, 605)
    return blocks[blocks.index(first_seq) - 1]


def _others(block: Block) -> Sequence[SealedRecord]:
    others = []
    for item in parse_body(block.body).items:
        row = parse_index_row(item.row_bytes)
        others.append(committed_record(row, item.sealed))
    return others


def without_attribute(first_seq: int, name: str) -> Tamper:
    def tamper(ledger: AttackedLedger) -> None:
        item = ledger.item("blocks", **block_key(first_seq))
        del item[name]
        ledger.put_item("blocks", item)

    return tamper


def no_signature(ledger: AttackedLedger) -> None:
    ledger.put_block(replace(ledger.block(600), signature=bytes(64)))


def strangers_signature(ledger: AttackedLedger) -> None:
    block = ledger.block(600)
    signature = STRANGER.ed25519.sign(block.signed_message())
    ledger.put_block(replace(block, signature=signature))


def older_block_in_place(ledger: AttackedLedger) -> None:
    """Put a valid, signed block under the key of another."""
    ledger.put_block(replace(ledger.block(520), first_seq=600))


def delete_blocks(*first_seqs: int) -> Tamper:
    def tamper(ledger: AttackedLedger) -> None:
        for first_seq in first_seqs:
            ledger.delete_item("blocks", **block_key(first_seq))

    return tamper


def count_changed(ledger: AttackedLedger) -> None:
    """The count is signed only as part of the size after the block."""
    ledger.put_block(replace(ledger.block(600), count=4))


def head_changed(ledger: AttackedLedger) -> None:
    ledger.put_block(replace(ledger.block(600), head=bytes(32)))
