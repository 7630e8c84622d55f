"""Receipts: offline proof that an entry is in a ledger, and of the record that it commits to.

A receipt is a `.tlog-proof` file (C2SP tlog-proof) whose extra data is the entry itself. Extra data
is not authenticated by itself: the entry is trusted because the proof leads from its leaf hash to a
root that the policy's keys signed.
"""

from dataclasses import dataclass

from audit_ledger.errors import FormatError, NotFoundError, UnreachableError, VerificationError
from audit_ledger.ledger.entry import Entry, EventEntry, parse_entry
from audit_ledger.records.commitment import ReceiptDisclosure
from audit_ledger.records.index_row import parse_index_row
from audit_ledger.tlog.checkpoint import Checkpoint, parse_checkpoint
from audit_ledger.tlog.entry_bundle import parse_entry_bundle
from audit_ledger.tlog.note import parse_note
from audit_ledger.tlog.policy import Policy, PolicyResult
from audit_ledger.tlog.proof import TlogProof, parse_proof, verify_proof
from audit_ledger.tlog.rfc6962 import leaf_hash, verify_inclusion
from audit_ledger.tlog.tile_proofs import inclusion_proof
from audit_ledger.tlog.tiles import CHECKPOINT, TILE_WIDTH, EntryBundle, Tile
from audit_ledger.verify.partial_tiles import read_object
from audit_ledger.verify.policy_file import require_ed25519_log
from audit_ledger.verify.sources import Source


@dataclass(frozen=True)
class VerifiedReceipt:
    """An entry that is in the ledger of `opinion.checkpoint`, believed if `opinion.satisfied`.

    `disclosure`: what was disclosed of what the entry commits to, and is that; None if nothing.
    `event_time_ms`: the event's own time, milliseconds since 1970, as the index row has it; None
    if none was disclosed. The entry's time is another: the ledger's, when it took the event.
    """

    entry: Entry
    opinion: PolicyResult
    disclosure: ReceiptDisclosure | None = None
    event_time_ms: int | None = None


def make_receipt(source: Source, index: int) -> bytes:
    """Return the receipt of entry `index` from published files, verified except for signatures.

    Raises NotFoundError for an index that the ledger does not have, UnreachableError for a file
    that is missing or unreachable, FormatError and VerificationError for a damaged one.
    """
    note = _read(source, CHECKPOINT)
    checkpoint = parse_checkpoint(parse_note(note).text)
    size = checkpoint.size
    if index >= size:
        raise NotFoundError(f"no entry {index} in a ledger of {size} entries")
    hashes = inclusion_proof(index, size, lambda tile: _read(source, tile))
    bundle_index, place = divmod(index, TILE_WIDTH)
    bundle = EntryBundle(bundle_index, min(TILE_WIDTH, size - bundle_index * TILE_WIDTH))
    entry = parse_entry_bundle(_read(source, bundle), bundle.width)[place]
    verify_inclusion(leaf_hash(entry), index, size, hashes, checkpoint.root)
    return TlogProof(index, tuple(hashes), note, entry).to_bytes()


def _read(source: Source, of: str | Tile | EntryBundle) -> bytes:
    path = of if isinstance(of, str) else of.path
    outcome = source.read(path) if isinstance(of, str) else read_object(source, of)
    if outcome is None:
        raise UnreachableError(f"{source.name}: {path} is missing")
    if isinstance(outcome, UnreachableError | FormatError):
        raise outcome
    return outcome


def verify_receipt(
    data: bytes,
    policy: Policy,
    entry: bytes | None = None,
    disclosure: ReceiptDisclosure | None = None,
) -> VerifiedReceipt:
    """Verify a receipt. `entry`: the entry's bytes if the file does not contain them.

    Raises NotFoundError if there is no entry to verify, PolicyError if the policy lacks the
    ledger's Ed25519 key, FormatError and VerificationError if receipt, entry or record are
    malformed or do not verify.
    """
    proof, entry = _parse(data, entry)
    opinion = verify_proof(proof, leaf_hash(entry), policy)
    require_ed25519_log(policy, opinion.checkpoint.origin)
    decoded = _parse_entry(entry, proof, disclosure)
    if disclosure is None:
        return VerifiedReceipt(decoded, opinion)
    return VerifiedReceipt(decoded, opinion, disclosure, _event_time_ms(disclosure.row_bytes))


def verify_unsigned(
    data: bytes, entry: bytes | None, disclosure: ReceiptDisclosure | None
) -> tuple[Entry, Checkpoint]:
    """Verify a receipt except for its signatures; parameters and errors as `verify_receipt`."""
    proof, entry = _parse(data, entry)
    checkpoint = parse_checkpoint(parse_note(proof.checkpoint).text)
    verify_inclusion(leaf_hash(entry), proof.index, checkpoint.size, proof.hashes, checkpoint.root)
    return _parse_entry(entry, proof, disclosure), checkpoint


def _parse(data: bytes, entry: bytes | None) -> tuple[TlogProof, bytes]:
    """Return the proof and its entry, from the file or the caller."""
    proof = parse_proof(data)
    if entry is None:
        entry = proof.extra
    elif proof.extra is not None and proof.extra != entry:
        raise VerificationError("the receipt contains another entry than the one passed with it")
    if entry is None:
        raise NotFoundError("the receipt does not contain the entry, nor does a record file")
    return proof, entry


def _parse_entry(data: bytes, proof: TlogProof, disclosure: ReceiptDisclosure | None) -> Entry:
    entry = parse_entry(data)
    if entry.seq != proof.index:
        raise VerificationError(f"entry {entry.seq} stands at index {proof.index}")
    if disclosure is not None:
        _check_disclosure(entry, disclosure)
    return entry


def _event_time_ms(row_bytes: bytes) -> int | None:
    try:
        return parse_index_row(row_bytes).time_ms
    except FormatError:
        return None  # committed to, but not one that this version reads


def _check_disclosure(entry: Entry, disclosure: ReceiptDisclosure) -> None:
    """Raise VerificationError unless the entry commits to what is disclosed."""
    if not isinstance(entry, EventEntry):
        raise VerificationError(f"entry {entry.seq} is a control entry and commits to no record")
    if disclosure.commitment != entry.commitment:
        raise VerificationError(f"entry {entry.seq} commits to another record, index row or blind")
