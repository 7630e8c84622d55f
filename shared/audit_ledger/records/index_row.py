"""Index row: the searchable fields of an entry, as pseudonyms; its commitment binds both.

UTF-8 JSON, these keys in this order, no white space; absent where empty: patient, agents, others,
flags:

    {"id":"<64 hex>","time":1732255140123,"patient":"<b64 of 16>","agents":["<b64 of 16>"],
     "others":["<b64 of 16>"],"fingerprint":"<b64 of 32>","generation":2026000,"flags":["…"]}

`time` is the event's own, in milliseconds. `agents` are persons, and indexed; `others` are
applications and devices, which are searched within the events of a patient or a period
(docs/decisions/0001-agents-in-the-index.md). Without `patient` the subject is `ledger`.
"""

import re
from typing import Annotated

import msgspec

from audit_ledger.errors import FormatError

PSEUDONYM_BYTES = 16
FINGERPRINT_BYTES = 32
MAX_ROW_BYTES = 8 * 1024
FIRST_MS, LAST_MS = -62_135_596_800_000, 253_402_300_799_999  # years 1 to 9999, UTC

_EVENT_ID = re.compile(r"[0-9a-f]{64}")
_FLAG = re.compile(r"[a-z0-9.-]{1,64}")


class IndexRow(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    gc=False,
):
    """An index row. Times in milliseconds since 1970, pseudonyms of 16 bytes."""

    event_id: str = msgspec.field(name="id")
    time_ms: Annotated[int, msgspec.Meta(ge=FIRST_MS, le=LAST_MS)] = msgspec.field(name="time")
    patient: bytes | None = None
    agents: tuple[bytes, ...] = ()
    others: tuple[bytes, ...] = ()
    fingerprint: bytes
    generation: Annotated[int, msgspec.Meta(ge=0, lt=2**32)]
    flags: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """Return the bytes that are committed to, stored and disclosed."""
        return _encoder.encode(self)


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(IndexRow)


def parse_index_row(data: bytes) -> IndexRow:
    """Parse the bytes of `IndexRow.to_bytes`; raise FormatError for anything else."""
    if len(data) > MAX_ROW_BYTES:
        raise FormatError(f"index row: {len(data)} bytes, at most {MAX_ROW_BYTES}")
    try:
        row = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise FormatError("index row: not JSON with exactly the keys of an index row") from None
    if not _EVENT_ID.fullmatch(row.event_id):
        raise FormatError("index row: id is not 64 lower-case hex digits")
    if not all(map(_FLAG.fullmatch, row.flags)):
        raise FormatError("index row: a flag is no code")
    pseudonyms = (*row.agents, *row.others, *(() if row.patient is None else (row.patient,)))
    if any(len(pseudonym) != PSEUDONYM_BYTES for pseudonym in pseudonyms):
        raise FormatError(f"index row: a pseudonym is not {PSEUDONYM_BYTES} bytes")
    if len(row.fingerprint) != FINGERPRINT_BYTES:
        raise FormatError(f"index row: fingerprint is not {FINGERPRINT_BYTES} bytes")
    if row.to_bytes() != data:
        raise FormatError("index row: not spelled as the encoder spells it")
    return row
