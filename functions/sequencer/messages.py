"""Queued records of SQS messages; a message that cannot be appended fails alone."""

from collections.abc import Sequence
from typing import Any

import msgspec

from audit_ledger.errors import FormatError
from audit_ledger.records.queue_message import parse_queue_message
from audit_ledger.records.sealed_record import SealedRecord, parse_header
from functions.sequencer.append import fits_a_block


class Refused(msgspec.Struct, frozen=True):
    """A message that can never be appended: its place in the batch and why (no content)."""

    message: int
    reason: str


def read_messages(
    origin: str, messages: Sequence[dict[str, Any]]
) -> tuple[list[SealedRecord], list[Refused]]:
    """Return the records of a batch, in order of acceptance, and the messages refused.

    The order is by the time of acceptance, then by SQS' message id: the same on every delivery.
    """
    accepted: list[tuple[int, str, Sequence[SealedRecord]]] = []
    refused: list[Refused] = []
    for place, message in enumerate(messages):
        try:
            decoded = parse_queue_message(message["body"])
            if decoded.origin != origin:
                raise FormatError("queue message: of another ledger")
            for record in decoded.records:
                _require_appendable(record)
        except FormatError as error:
            refused.append(Refused(place, str(error)))
            continue
        accepted.append((decoded.accepted_ms, message["messageId"], decoded.records))
    accepted.sort(key=lambda a: a[:2])
    return [record for *_, records in accepted for record in records], refused


def _require_appendable(record: SealedRecord) -> None:
    record.require_committed()
    if parse_header(record.sealed).generation != record.row.generation:
        raise FormatError("queue message: sealed record and index row differ in generation")
    if not fits_a_block(record):
        raise FormatError("queue message: a record is larger than a block")
