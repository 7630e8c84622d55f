"""The lines of an export's part, each with its receipt, pinned to one published size."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

import msgspec

from audit_ledger.errors import NotFoundError, UnreachableError, VerificationError
from audit_ledger.exports.formats import FORMATS
from audit_ledger.exports.receipt_lines import Receipt, split_receipt
from audit_ledger.ledger.digest_name import digest_name
from audit_ledger.ledger.signed_digest import parse_signed_digest
from audit_ledger.private_repr import PrivateRepr
from audit_ledger.reading.concurrent import map_concurrently
from audit_ledger.reading.record_opener import OpenedRecord
from audit_ledger.search.cursor import Cursor
from audit_ledger.tlog.checkpoint import parse_checkpoint
from audit_ledger.tlog.note import parse_note
from audit_ledger.tlog.proof import TlogProof
from audit_ledger.tlog.rfc6962 import leaf_hash, verify_inclusion
from audit_ledger.tlog.tile_proofs import ReadTile, inclusion_proof
from audit_ledger.verify.partial_tiles import require_object
from functions.query.access import AuthorizedRequest

MAX_CONCURRENT_RECEIPTS: Final = 50


class ExportedEntry(PrivateRepr, msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of `file`, line end included; `receipt`: its line of the file `receipts`."""

    SHOWN = ("entry",)
    entry: int
    file: str
    line: str
    receipt: str | None = None


@dataclass(frozen=True)
class PinnedDigest:
    """What all parts of an export share. `time`: of the digest, whole seconds."""

    size: int
    time: int
    digest: str
    checkpoint: bytes


def pin_digest(
    authorized: AuthorizedRequest, time: int | None, cursor: Cursor | None
) -> PinnedDigest:
    """Return the digest that is published now, or that of the first part: none is ever deleted."""
    state = authorized.state
    if state is None or not state.digest_name:
        raise NotFoundError("nothing is published yet")
    if time is None or cursor is None:
        digest, name = state.digest, state.digest_name
    else:
        name = digest_name(time, cursor.size)
        found = authorized.ledger.published.read(name)
        if found is None:
            raise UnreachableError(f"{name} cannot be read")
        digest = found
    decoded = parse_signed_digest(digest).digest
    if decoded.name != name:
        raise VerificationError(f"{name} contains another digest")
    return PinnedDigest(decoded.size_after, decoded.period_to, name, decoded.checkpoint)


def export_lines(
    authorized: AuthorizedRequest,
    format_name: str,
    receipts: str,
    pinned: PinnedDigest,
    found: tuple[OpenedRecord, ...],
) -> Iterator[ExportedEntry]:
    """Yield the lines, in order; receipts are made concurrently, since each reads tiles."""
    # Each tile is read once; a deleted partial tile is cut from the full one.
    tile = cache(partial(require_object, authorized.ledger.published))
    for start in range(0, len(found), MAX_CONCURRENT_RECEIPTS):
        some = found[start : start + MAX_CONCURRENT_RECEIPTS]
        proofs = [None] * len(some) if receipts == "none" else _proofs(tile, pinned, some)
        for opened, proof in zip(some, proofs, strict=True):
            event = opened.event
            file, line = FORMATS[format_name].line(event, authorized.ledger.origin)
            receipt = None
            if proof is not None:
                disclosed = opened.disclosure if receipts == "record" else None
                receipt = split_receipt(Receipt(event.seq, proof, disclosed))[0].decode()
            yield ExportedEntry(event.seq, file, line.decode(), receipt)


def _proofs(
    tile: ReadTile, pinned: PinnedDigest, found: tuple[OpenedRecord, ...]
) -> list[bytes | None]:
    """Make the `.tlog-proof` file of each entry in the tree of the pinned size, and verify it."""
    root = parse_checkpoint(parse_note(pinned.checkpoint).text).root

    def proof(opened: OpenedRecord) -> bytes | None:
        seq = opened.event.seq
        hashes = inclusion_proof(seq, pinned.size, tile)
        verify_inclusion(leaf_hash(opened.stored.item.entry), seq, pinned.size, hashes, root)
        return TlogProof(seq, tuple(hashes), pinned.checkpoint, opened.stored.item.entry).to_bytes()

    return map_concurrently(proof, found)
