"""Receipts in an export, which prove its lines offline.

    checkpoint        the published checkpoint that the export is pinned to, verbatim
    receipts          for each entry that has one, in the order of the export, a line
                      <entry> <proof>⏎   or
                      <entry> <proof> <index row> <row blind> <record> <record blind>⏎

All but the entry is in base64. A proof is a `.tlog-proof` file (C2SP tlog-proof) without the
checkpoint at its end: it is the same for all entries, so it is stored once. Together they are a
receipt that any tlog tool reads. Index row and record, each with its blind, show what the entry
commits to, and so that the line matches the record.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from audit_ledger.errors import FormatError
from audit_ledger.exports.line_files import split_lines
from audit_ledger.records.commitment import RecordDisclosure
from audit_ledger.tlog import strict_base64

RECEIPTS: Final = "receipts"
CHECKPOINT: Final = "checkpoint"

_MAX_LINE: Final = 4 * 1024 * 1024  # bytes: far above a record of 256 KB and a proof
_SEQ: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_INDEX: Final = re.compile(rb"\nindex (0|[1-9][0-9]{0,18})\n")
_END: Final = b"\n\n"  # the empty line before the checkpoint


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """The receipt of entry `seq`. `proof`: the whole `.tlog-proof` file."""

    seq: int
    proof: bytes
    disclosed: RecordDisclosure | None = None


def split_receipt(receipt: Receipt) -> tuple[bytes, bytes]:
    """Return a receipt's line and its checkpoint.

    Raise FormatError if the proof is malformed, or of another entry.
    """
    header, _, checkpoint = receipt.proof.partition(_END)
    index = _INDEX.search(header + b"\n")
    if index is None or not checkpoint:
        raise FormatError(f"entry {receipt.seq}: the receipt is no tlog-proof")
    if int(index[1]) != receipt.seq:
        raise FormatError(f"entry {receipt.seq}: the receipt is of entry {int(index[1])}")
    parts = [header + _END]
    if receipt.disclosed is not None:
        parts += msgspec.structs.astuple(receipt.disclosed)
    words = [str(receipt.seq), *map(strict_base64.encode, parts)]
    return " ".join(words).encode() + b"\n", checkpoint


def read_receipts(pieces: Iterable[bytes], checkpoint: bytes) -> Iterator[Receipt]:
    """Return the whole receipts of an export, to verify; raise FormatError with the line number."""
    for number, line in enumerate(split_lines(RECEIPTS, pieces, _MAX_LINE), start=1):
        where = f"{RECEIPTS}: line {number}"
        words = line.decode("ascii", "replace").removesuffix("\n").split(" ")
        if len(words) not in (2, 6) or not _SEQ.fullmatch(words[0]) or line[-1:] != b"\n":
            raise FormatError(f"{where} is not `<entry> <proof>`, with or without a record")
        proof, *disclosed = (strict_base64.decode(word, what=where) for word in words[1:])
        yield Receipt(
            int(words[0]), proof + checkpoint, RecordDisclosure(*disclosed) if disclosed else None
        )
