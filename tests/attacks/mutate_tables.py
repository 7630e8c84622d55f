"""Tampering with the other tables and the archive, and restoring them to an earlier time."""

from collections.abc import Callable
from typing import Any

from audit_ledger.ledger.block import parse_body
from audit_ledger.records.index_row import parse_index_row
from tests.attacks.case import Tamper
from tests.attacks.ledger import D520, HEARTBEAT, AttackedLedger
from tests.attacks.mutate_heads import digest_of
from tests.world import LEDGER, NAME, ORIGIN


def change_state(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Tamper:
    def tamper(ledger: AttackedLedger) -> None:
        item = ledger.item("ledgers", key={"S": f"{ORIGIN}#published"})
        ledger.put_item("ledgers", item | change(item))

    return tamper


def restore(size: int, *tables: str) -> Tamper:
    return lambda ledger: ledger.earlier[size].load(*tables)


def older_digest_in_state(ledger: AttackedLedger) -> None:
    """The next digest would name it, and not the newest."""
    digest = ledger.files[D520]
    change_state(lambda _: {"digest": {"B": digest}})(ledger)


def forged_digest_in_state(ledger: AttackedLedger) -> None:
    data = ledger.files[HEARTBEAT]
    change_state(lambda _: {"digest": {"B": data[:-10] + b"A" + data[-9:]}})(ledger)


def older_checkpoint_in_state(ledger: AttackedLedger) -> None:
    checkpoint = digest_of(ledger, D520).checkpoint
    change_state(lambda _: {"checkpoint": {"B": checkpoint}})(ledger)


def delete_state(ledger: AttackedLedger) -> None:
    ledger.delete_item("ledgers", key={"S": f"{ORIGIN}#published"})


def index_key(ledger: AttackedLedger, seq: int) -> str:
    """Return the key of the index row of an entry."""
    row = parse_body(ledger.block(0).body).items[seq].row_bytes
    return f"{ORIGIN}#{parse_index_row(row).event_id}"


def index_row_removed(ledger: AttackedLedger) -> None:
    ledger.delete_item("events", key={"S": index_key(ledger, 41)})


def index_row_repointed(ledger: AttackedLedger) -> None:
    item = ledger.item("events", key={"S": index_key(ledger, 41)})
    ledger.put_item("events", item | {"seq": {"N": "42"}})


def index_row_changed(ledger: AttackedLedger) -> None:
    item = ledger.item("events", key={"S": index_key(ledger, 41)})
    other = ledger.item("events", key={"S": index_key(ledger, 42)})
    ledger.put_item("events", item | {"row": other["row"], "patient": other["patient"]})


def index_row_added(ledger: AttackedLedger) -> None:
    item = ledger.item("events", key={"S": index_key(ledger, 41)})
    ledger.put_item("events", item | {"key": {"S": f"{ORIGIN}#{'0' * 64}"}})


def archive(path: str, data: bytes | None) -> Tamper:
    def tamper(ledger: AttackedLedger) -> None:
        where = {"Bucket": f"{NAME}-archive", "Key": f"{LEDGER}/{path}"}
        if data is None:
            ledger.world.s3.delete_object(**where)
        else:
            ledger.world.s3.put_object(**where, Body=data)

    return tamper
