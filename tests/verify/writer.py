"""A publisher of the tests' own: entries, tiles, digests and checkpoint of a small ledger.

It shares the formats with the real publisher and nothing else: no AWS, keys made from seeds, time
as requested, and every step in the open, so that a test can do one of them wrong.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from audit_ledger.ledger.digest import NO_DIGEST, Digest
from audit_ledger.ledger.entry import ControlEntry, created, link_events
from audit_ledger.tlog.checkpoint import Checkpoint
from audit_ledger.tlog.cosignature import mldsa44_message, pack_timestamped_signature
from audit_ledger.tlog.entry_bundle import pack_entry_bundle
from audit_ledger.tlog.note import (
    ED25519,
    MLDSA44_COSIGNATURE,
    Note,
    Signature,
    VerifierKey,
)
from audit_ledger.tlog.policy import Policy
from audit_ledger.tlog.rfc6962 import leaf_hash
from audit_ledger.tlog.tile_proofs import RightEdge
from audit_ledger.tlog.tiles import TILE_WIDTH, EntryBundle, Tile
from audit_ledger.verify.policy_file import policy_for
from tests.tlog import naive

ORIGIN = "audit.example.org/st-elsewhere"
BEGIN = 1_795_327_080  # 2026-11-22T05:58:00Z
MINUTE = 60


@dataclass(frozen=True)
class Keys:
    """The two checkpoint keys of a ledger."""

    seed: bytes = b"ledger"

    @property
    def ed25519(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(sha256(self.seed + b"1").digest())

    @property
    def mldsa44(self) -> MLDSA44PrivateKey:
        return MLDSA44PrivateKey.from_seed_bytes(sha256(self.seed + b"2").digest())

    def policy(self, origin: str = ORIGIN) -> Policy:
        return policy_for(
            origin,
            [self.ed25519.public_key().public_bytes_raw()],
            [self.mldsa44.public_key().public_bytes_raw()],
        )

    def sign(self, text: str, name: str = ORIGIN) -> Signature:
        key = VerifierKey(name, ED25519, self.ed25519.public_key().public_bytes_raw())
        return Signature(name, key.key_id, self.ed25519.sign(text.encode()))

    def cosign(self, checkpoint: Checkpoint, time: int, name: str = ORIGIN) -> Signature:
        public_key = self.mldsa44.public_key().public_bytes_raw()
        key = VerifierKey(name, MLDSA44_COSIGNATURE, public_key)
        message = mldsa44_message(
            name, time, checkpoint.origin, 0, checkpoint.size, checkpoint.root
        )
        value = pack_timestamped_signature(time, self.mldsa44.sign(message))
        return Signature(name, key.key_id, value)


@dataclass
class Objects:
    """A published ledger in memory, and a source: path → bytes."""

    files: dict[str, bytes] = field(default_factory=dict)
    name: str = "memory"
    is_remote: bool = False
    can_list: bool = True

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)

    def list_all(self) -> Iterator[str] | None:
        return iter(list(self.files)) if self.can_list else None

    def write_to(self, folder: Path) -> Path:
        for path, data in self.files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        return folder

    def copy(self) -> "Objects":
        return Objects(dict(self.files))


class Writer:
    """Appends entries and publishes them; `objects` is what a stranger sees."""

    def __init__(self, origin: str = ORIGIN, keys: Keys | None = None, begin: int = BEGIN) -> None:
        self.origin = origin
        self.keys = keys or Keys()
        self.objects = Objects()
        self.now = begin
        self.entries: list[bytes] = []
        self.leaves: list[bytes] = []
        self.controls: list[int] = []
        self.missing = 0
        self.edge = RightEdge(0, {})
        self.last: Digest | None = None
        self.last_note = b""
        self.append(created(origin, begin).to_bytes())
        self.controls.append(0)

    def append(self, entry: bytes) -> None:
        self.entries.append(entry)
        self.leaves.append(leaf_hash(entry))

    def add_events(self, count: int) -> None:
        first = len(self.entries)
        commitments = [sha256(b"%d" % n).digest() for n in range(first, first + count)]
        entries, leaves = link_events(first, self.now, self.leaves[-1], commitments)
        self.entries += entries
        self.leaves += leaves

    def add_control(self) -> None:
        seq = len(self.entries)
        control = {"type": "erasure.announced", "generation": seq}
        self.append(ControlEntry(seq, self.now, self.leaves[-1], control).to_bytes())
        self.controls.append(seq)

    def publish(self, change: Callable[[Digest], Digest] = lambda digest: digest) -> None:
        """Publish what was appended, a minute after what was published before."""
        before = self.edge.size
        self.now += MINUTE
        for tile, hashes in self.edge.extend(self.leaves[before:]):
            self.objects.files[tile.path] = hashes
            if tile.level == 0:
                self._put_bundle(tile)
        self._drop_superseded(before)
        size, root = self.edge.size, self.edge.root()
        checkpoint = self.checkpoint(Checkpoint(self.origin, size, root))
        digest = Digest(
            origin=self.origin,
            period_from=self.last.period_to if self.last else BEGIN,
            period_to=self.now,
            size_before=before,
            size_after=size,
            index=sha256(root).digest(),
            entries=size - before,
            control_entries=sum(before <= seq < size for seq in self.controls),
            blocks=-(-(size - before) // 256),
            followed=before,
            missing_events=self.missing if before else 0,
            missing_portals=1 if before and self.missing else 0,
            previous_name=self.last.name if self.last else "",
            previous_sha256=sha256(self.last_note).digest() if self.last else NO_DIGEST,
            checkpoint=checkpoint,
        )
        self.last = change(digest)
        self.last_note = self.sign_digest(self.last)
        self.objects.files[self.last.name] = self.last_note
        self.objects.files["digests/latest"] = self.last_note
        self.objects.files["checkpoint"] = checkpoint

    def checkpoint(self, checkpoint: Checkpoint) -> bytes:
        """Sign a checkpoint with both keys, now."""
        text = checkpoint.text
        signatures = (
            self.keys.sign(text, self.origin),
            self.keys.cosign(checkpoint, self.now, self.origin),
        )
        return Note(text, signatures).to_bytes()

    def sign_digest(self, digest: Digest) -> bytes:
        text = digest.text
        return Note(text, (self.keys.sign(text, self.origin),)).to_bytes()

    def _put_bundle(self, tile: Tile) -> None:
        first = tile.index * TILE_WIDTH
        bundle = pack_entry_bundle(self.entries[first : first + tile.width])
        self.objects.files[EntryBundle(tile.index, tile.width).path] = bundle

    def _drop_superseded(self, size: int) -> None:
        """Partial tiles go once they are full, and not before (C2SP tlog-tiles)."""
        for tile in (Tile(*place) for place in naive.tile_places(size)):
            full = Tile(tile.level, tile.index, TILE_WIDTH).path
            if not tile.is_full and full in self.objects.files:
                self.objects.files.pop(tile.path, None)
                if tile.level == 0:
                    self.objects.files.pop(EntryBundle(tile.index, tile.width).path, None)


def ledger_of(*sizes: int) -> Writer:
    """A ledger published at each of these sizes, a minute apart."""
    writer = Writer()
    for size in sizes:
        writer.add_events(size - len(writer.entries))
        writer.publish()
    return writer
