"""From SQS messages to records that wait; what cannot be appended fails alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from audit_ledger.errors import FormatError
from audit_ledger.ledger.head import Pending
from audit_ledger.records.index_row import decode_index_row
from audit_ledger.records.queue_message import SealedRecord, decode_queue_message
from audit_ledger.records.seal_header import read_header
from functions.sequencer.append import Waiting, fits_a_block


@dataclass(frozen=True)
class Refused:
    """A message that can never be appended: its place in the batch and why (no content)."""

    message: int
    reason: str


def read_messages(
    origin: str, messages: Sequence[dict[str, Any]]
) -> tuple[list[Waiting], list[Refused]]:
    """Read a batch of SQS records. Gives what waits, in order of acceptance, and what is refused.

    The order is by the time of acceptance, then by SQS' message id: the same on every delivery.
    """
    accepted: list[tuple[int, str, int, list[Waiting]]] = []
    refused: list[Refused] = []
    for place, message in enumerate(messages):
        try:
            decoded = decode_queue_message(message["body"])
            if decoded.origin != origin:
                raise FormatError("queue message: of another ledger")
            waiting = [_waiting(place, record) for record in decoded.records]
        except FormatError as error:
            refused.append(Refused(place, str(error)))
            continue
        accepted.append((decoded.accepted_ms, message["messageId"], place, waiting))
    accepted.sort(key=lambda a: a[:2])
    return [w for *_, waiting in accepted for w in waiting], refused


def _waiting(place: int, record: SealedRecord) -> Waiting:
    row = decode_index_row(record.row)
    if read_header(record.sealed).generation != row.generation:
        raise FormatError("queue message: sealed record and index row differ in generation")
    pending = Pending(record.commitment, record.sealed, record.row)
    if not fits_a_block(pending):
        raise FormatError("queue message: a record is larger than a block")
    return Waiting(place, row, pending)
