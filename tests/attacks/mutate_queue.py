"""Altering the messages of a ledger's queue, by anyone who may receive, send and delete there.

The queue has one request of two events, about Patient/0 and Patient/1: one message, two records.
"""

from collections.abc import Callable
from os import urandom
from typing import Any

import msgspec

from audit_ledger.records.index_row import IndexRow
from audit_ledger.records.queue_message import (
    QueueMessage,
    parse_queue_message,
)
from audit_ledger.records.sealed_record import SealedRecord
from tests.builders.sealed_record import committed_record
from tests.world import ORIGIN

Messages = list[dict[str, Any]]
Alter = Callable[[Messages], Messages]
Records = tuple[SealedRecord, ...]


def resent(change: Callable[[QueueMessage], QueueMessage]) -> Alter:
    """Replace the message by another."""

    def alter(messages: Messages) -> Messages:
        (message,) = messages
        decoded = change(parse_queue_message(message["body"]))
        body = decoded.to_text()
        return [{**message, "body": body}]

    return alter


def with_row(record: SealedRecord, row: IndexRow) -> SealedRecord:
    """Replace the row and commit to it, so that the sequencer detects no difference."""
    return committed_record(row, record.sealed, record_commitment=record.record_commitment)


def records(change: Callable[[Records], Records]) -> Alter:
    return resent(lambda m: QueueMessage(m.origin, m.accepted_ms, change(m.records)))


def first(change: Callable[[SealedRecord], SealedRecord]) -> Alter:
    return records(lambda found: (change(found[0]), *found[1:]))


def row(change: Callable[[IndexRow], dict[str, Any]]) -> Alter:
    """Change the row of the first record."""

    def rewritten(record: SealedRecord) -> SealedRecord:
        new = msgspec.structs.replace(record.row, **change(record.row))
        assert new != record.row
        return with_row(record, new)

    return first(rewritten)


def sealed(change: Callable[[bytes], bytes]) -> Alter:
    return first(lambda r: msgspec.structs.replace(r, sealed=change(r.sealed)))


def flipped(place: int) -> Alter:
    """Change a byte of the first sealed record."""

    def change(data: bytes) -> bytes:
        changed = bytearray(data)
        changed[place] ^= 1
        return bytes(changed)

    return sealed(change)


def of_other_key(data: bytes) -> bytes:
    return data[:1] + (7).to_bytes(2, "big") + data[3:]


def generation_everywhere(record: SealedRecord) -> SealedRecord:
    """Change row and header alike, so that the sequencer detects no difference."""
    new = msgspec.structs.replace(record.row, generation=record.row.generation + 1)
    data = record.sealed[:3] + new.generation.to_bytes(4, "big") + record.sealed[7:]
    return msgspec.structs.replace(with_row(record, new), sealed=data)


def swap(*fields: str) -> Alter:
    """Exchange fields of the two records."""

    def change(found: Records) -> Records:
        one, other = found
        return (
            msgspec.structs.replace(one, **{name: getattr(other, name) for name in fields}),
            msgspec.structs.replace(other, **{name: getattr(one, name) for name in fields}),
        )

    return records(change)


def made_up(found: Records) -> Records:
    """Add a record of random bytes with a row of its own."""
    new = msgspec.structs.replace(found[0].row, event_id="ab" * 32, patient=urandom(16))
    data = found[0].sealed[:7] + urandom(300)
    return (*found, committed_record(new, data))


def under_another_id(found: Records) -> Records:
    """Add a copy of the first record under another id, which is no duplicate."""
    copy = msgspec.structs.replace(found[0].row, event_id="cd" * 32)
    return (*found, with_row(found[0], copy))


def ahead_of_the_true_one(found: Records) -> Records:
    """Put a copy without the patient first, so that the true record is skipped as known."""
    copy = msgspec.structs.replace(found[0].row, patient=urandom(16))
    return (with_row(found[0], copy), *found)


def of_another_ledger(message: QueueMessage) -> QueueMessage:
    return QueueMessage(f"{ORIGIN}-2", message.accepted_ms, message.records)


def in_two_messages(messages: Messages) -> Messages:
    (message,) = messages
    decoded = parse_queue_message(message["body"])
    return [
        {
            "messageId": f"{n}",
            "body": QueueMessage(ORIGIN, decoded.accepted_ms, (record,)).to_text(),
        }
        for n, record in enumerate(reversed(decoded.records))
    ]
