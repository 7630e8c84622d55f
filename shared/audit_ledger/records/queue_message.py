"""Queue message: one accepted request on its way from ingest to the sequencer.

Base64 (SQS carries text) of, integers big-endian:

    u8 version = 1 ‖ u16 length ‖ origin ‖ u64 accepted, milliseconds since 1970 ‖ u16 number of
    records, then each: 32 bytes commitment ‖ 32 bytes row blind ‖ 32 bytes record commitment
    ‖ u16 length ‖ index row ‖ u32 length ‖ sealed record

Its records are sealed under keys that the sequencer does not have. One request is one message, so
it is accepted completely or not at all.
"""

import struct
from base64 import b64encode
from binascii import Error, a2b_base64

import msgspec

from audit_ledger.errors import FormatError, TooLargeError
from audit_ledger.records.index_row import parse_index_row
from audit_ledger.records.sealed_record import SealedRecord

VERSION = 1
MAX_MESSAGE_BYTES = 1024 * 1024  # SQS
MAX_RECORDS = 0xFFFF

_HEAD = struct.Struct(">BH")
_ACCEPTED = struct.Struct(">QH")
_U16 = struct.Struct(">H")
_U32 = struct.Struct(">I")


class MessageTooLargeError(TooLargeError):
    """The message exceeds the limit of SQS. `size_bytes`: its size in base64."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(
            f"the request takes {size_bytes} bytes sealed, at most {MAX_MESSAGE_BYTES}"
        )
        self.size_bytes = size_bytes


class QueueMessage(msgspec.Struct, frozen=True):
    """The records of one request. `accepted_ms`: when ingest accepted it."""

    origin: str
    accepted_ms: int
    records: tuple[SealedRecord, ...]

    def to_text(self) -> str:
        """Return the message in base64. Raise TooLargeError if SQS would not carry it."""
        origin, count = self.origin.encode(), len(self.records)
        if not 1 <= count <= MAX_RECORDS:
            raise TooLargeError(f"{count} records in a request, expected 1 to {MAX_RECORDS}")
        pieces = [_HEAD.pack(VERSION, len(origin)), origin, _ACCEPTED.pack(self.accepted_ms, count)]
        for record in self.records:
            pieces += (record.commitment, record.row_blind, record.record_commitment)
            pieces += (_U16.pack(len(record.row_bytes)), record.row_bytes)
            pieces += (_U32.pack(len(record.sealed)), record.sealed)
        body = b64encode(b"".join(pieces))
        if len(body) > MAX_MESSAGE_BYTES:
            raise MessageTooLargeError(len(body))
        return body.decode("ascii")


def parse_queue_message(body: str) -> QueueMessage:
    """Return the message that these characters encode; FormatError for any other spelling.

    All lengths are of fixed width and every byte belongs to one field, so no two spellings decode
    to one message: only the bits behind the last byte, which base64 leaves open, are compared.
    """
    if len(body) > MAX_MESSAGE_BYTES:
        raise FormatError(f"queue message: {len(body)} bytes, at most {MAX_MESSAGE_BYTES}")
    try:
        data = a2b_base64(body.encode("ascii"), strict_mode=True)
    except (Error, UnicodeEncodeError):
        raise FormatError("queue message: not base64") from None
    if not body.endswith(b64encode(data[len(data) - len(data) % 3 :]).decode("ascii")):
        raise FormatError("queue message: base64 has set bits behind its last byte")
    try:
        version, length = _HEAD.unpack_from(data)
        if version != VERSION:
            raise FormatError(f"queue message: version {version}, expected {VERSION}")
        position = _HEAD.size + length
        origin = data[_HEAD.size : position].decode()
        accepted_ms, count = _ACCEPTED.unpack_from(data, position)
        position += _ACCEPTED.size
        records = []
        for _ in range(count):
            record, position = _record(data, position)
            records.append(record)
    except (struct.error, UnicodeDecodeError):
        raise FormatError("queue message: ends early or is not text where text is due") from None
    if position != len(data) or not records:
        raise FormatError("queue message: more or less than its records")
    return QueueMessage(origin, accepted_ms, tuple(records))


def _record(data: bytes, position: int) -> tuple[SealedRecord, int]:
    commitment, row_blind, record_commitment = (
        data[start : start + 32] for start in range(position, position + 96, 32)
    )
    position += 96
    row_bytes, position = _counted(data, position, _U16)
    sealed, position = _counted(data, position, _U32)
    row = parse_index_row(row_bytes)
    record = SealedRecord(row, row_bytes, row_blind, record_commitment, commitment, sealed)
    return record, position


def _counted(data: bytes, position: int, length: struct.Struct) -> tuple[bytes, int]:
    start = position + length.size
    end = start + length.unpack_from(data, position)[0]
    if end > len(data):
        raise FormatError("queue message: a part is shorter than its stated length")
    return data[start:end], end
