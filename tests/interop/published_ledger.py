"""A published ledger for third-party tools, and ways to damage it."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import copytree

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from audit_ledger.ledger.entry import created, link_events
from audit_ledger.tlog.checkpoint import Checkpoint
from audit_ledger.tlog.cosignature import mldsa44_message, pack_timestamped_signature
from audit_ledger.tlog.entry_bundle import pack_entry_bundle
from audit_ledger.tlog.note import (
    MLDSA44_COSIGNATURE,
    Note,
    Signature,
    VerifierKey,
    ed25519_verifier_key,
)
from audit_ledger.tlog.policy import Group, Log, Policy, Witness
from audit_ledger.tlog.rfc6962 import leaf_hash
from audit_ledger.tlog.tile_proofs import RightEdge
from audit_ledger.tlog.tiles import TILE_WIDTH, EntryBundle

ORIGIN = "audit.example.org/st-elsewhere"
TIME = 1_795_327_140  # 2026-11-22T05:59:00Z


@dataclass(frozen=True)
class PublishedLedger:
    """Published files, and the policy file with the trusted keys."""

    folder: Path
    policy: Path

    @property
    def log_key(self) -> str:
        """The vkey of the policy's first log."""
        lines = self.policy.read_text().splitlines()
        return next(line.split()[1] for line in lines if line.startswith("log "))

    @property
    def size_and_root(self) -> tuple[int, str]:
        """The checkpoint's number of entries and base64 of the root."""
        _, size, root, *_ = (self.folder / "checkpoint").read_text().split("\n")
        return int(size), root

    def copy(self, to: Path) -> "PublishedLedger":
        """Copy the files, but not the policy."""
        copytree(self.folder, to)
        return PublishedLedger(to, self.policy)

    def damage(self, path: str, offset: Callable[[bytes], int]) -> None:
        """Flip the lowest bit of one byte of a file, at the offset that `offset` returns."""
        file = self.folder / path
        data = bytearray(file.read_bytes())
        data[offset(bytes(data))] ^= 1
        file.write_bytes(data)


def publish(folder: Path, size: int) -> PublishedLedger:
    """Publish a ledger of `size` entries below `folder`, with a policy file beside it."""
    ledger = PublishedLedger(folder / "published", folder / "st-elsewhere.policy")
    first = created(ORIGIN, TIME).to_bytes()
    commitments = [sha256(b"commitment %d" % seq).digest() for seq in range(1, size)]
    entries, leaves = link_events(1, TIME, leaf_hash(first), commitments)
    entries.insert(0, first)
    leaves.insert(0, leaf_hash(first))
    edge = RightEdge(0, {})
    for tile, hashes in edge.extend(leaves):
        _write(ledger.folder / tile.path, hashes)
        if tile.level == 0:
            start = tile.index * TILE_WIDTH
            bundle = pack_entry_bundle(entries[start : start + tile.width])
            _write(ledger.folder / EntryBundle(tile.index, tile.width).path, bundle)
    checkpoint, policy = _sign(Checkpoint(ORIGIN, size, edge.root()))
    _write(ledger.folder / "checkpoint", checkpoint)
    _write(ledger.policy, policy)
    return ledger


def _sign(checkpoint: Checkpoint) -> tuple[bytes, bytes]:
    """Sign as the publisher does; return the checkpoint and a policy that requires both keys."""
    classical, lattice = Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate()
    log = ed25519_verifier_key(ORIGIN, classical.public_key().public_bytes_raw())
    cosigner = VerifierKey(ORIGIN, MLDSA44_COSIGNATURE, lattice.public_key().public_bytes_raw())
    text = checkpoint.text
    message = mldsa44_message(ORIGIN, TIME, ORIGIN, 0, checkpoint.size, checkpoint.root)
    cosignature = pack_timestamped_signature(TIME, lattice.sign(message))
    note = Note(
        text,
        (
            Signature(ORIGIN, log.key_id, classical.sign(text.encode())),
            Signature(ORIGIN, cosigner.key_id, cosignature),
        ),
    )
    policy = Policy(
        logs=(Log(log),),
        witnesses={"ledger-mldsa44": Witness(cosigner)},
        groups={"both": Group(1, ("ledger-mldsa44",))},
        quorum="both",
    )
    return note.to_bytes(), policy.to_bytes()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
