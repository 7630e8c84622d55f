"""Index row: what an entry is found by. Pseudonyms only; bound to the entry by its commitment.

UTF-8 JSON, these keys in this order, no white space; absent where empty: patient, agents, others,
flags:

    {"id":"<64 hex>","time":1732255140123,"patient":"<b64 of 16>","agents":["<b64 of 16>"],
     "others":["<b64 of 16>"],"fingerprint":"<b64 of 32>","generation":2026000,"flags":["…"]}

`time` is the event's own, in milliseconds. `agents` are persons, who the index finds events by;
`others` are applications and devices, found among the events of a patient or a period
(docs/decisions/agents-in-the-index.md). Without `patient` the subject is `ledger`.
"""

import re
from typing import Annotated

import msgspec

from audit_ledger import strict_base64
from audit_ledger.errors import FormatError

PSEUDONYM_BYTES = 16
FINGERPRINT_BYTES = 32
MAX_ROW_BYTES = 8 * 1024
FIRST_MS, LAST_MS = -62_135_596_800_000, 253_402_300_799_999  # years 1 to 9999, UTC

_EVENT_ID = re.compile(r"[0-9a-f]{64}")
_FLAG = re.compile(r"[a-z0-9.-]{1,64}")


class IndexRow(msgspec.Struct, frozen=True):
    """An index row, read. Times in milliseconds since 1970, pseudonyms of 16 bytes."""

    event_id: str
    time_ms: int
    patient: bytes | None
    agents: tuple[bytes, ...]
    others: tuple[bytes, ...]
    fingerprint: bytes
    generation: int
    flags: tuple[str, ...] = ()


class _Wire(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    id: str
    time: Annotated[int, msgspec.Meta(ge=FIRST_MS, le=LAST_MS)]
    patient: str | None = None
    agents: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    fingerprint: str
    generation: Annotated[int, msgspec.Meta(ge=0, lt=2**32)]
    flags: tuple[str, ...] = ()


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Wire)


def encode_index_row(row: IndexRow) -> bytes:
    """Give the bytes that are committed to, stored and disclosed."""
    return _encoder.encode(
        _Wire(
            id=row.event_id,
            time=row.time_ms,
            patient=None if row.patient is None else strict_base64.encode(row.patient),
            agents=tuple(map(strict_base64.encode, row.agents)),
            others=tuple(map(strict_base64.encode, row.others)),
            fingerprint=strict_base64.encode(row.fingerprint),
            generation=row.generation,
            flags=row.flags,
        )
    )


def decode_index_row(data: bytes) -> IndexRow:
    """Read what `encode_index_row` writes; FormatError for anything else."""
    if len(data) > MAX_ROW_BYTES:
        raise FormatError(f"index row: {len(data)} bytes, at most {MAX_ROW_BYTES}")
    try:
        wire = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise FormatError("index row: not JSON with exactly the keys of an index row") from None
    if not _EVENT_ID.fullmatch(wire.id):
        raise FormatError("index row: id is not 64 lower-case hex digits")
    if not all(map(_FLAG.fullmatch, wire.flags)):
        raise FormatError("index row: a flag is no code")
    row = IndexRow(
        wire.id,
        wire.time,
        None if wire.patient is None else _pseudonym(wire.patient),
        tuple(map(_pseudonym, wire.agents)),
        tuple(map(_pseudonym, wire.others)),
        strict_base64.decode(
            wire.fingerprint, size=FINGERPRINT_BYTES, what="index row: fingerprint"
        ),
        wire.generation,
        wire.flags,
    )
    if encode_index_row(row) != data:
        raise FormatError("index row: not spelled as the encoder spells it")
    return row


def _pseudonym(text: str) -> bytes:
    return strict_base64.decode(text, size=PSEUDONYM_BYTES, what="index row: pseudonym")
