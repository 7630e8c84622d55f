"""Recounts of a whole ledger from first principles: chain, index, tree, files, signatures."""

import hashlib
import json
from base64 import b64decode
from collections.abc import Iterable

from audit_ledger.aws.events_table import index_items
from audit_ledger.ledger.block import Block, parse_body
from audit_ledger.ledger.entry import EventEntry, parse_entry
from audit_ledger.ledger.head import EMPTY, check_block
from audit_ledger.ledger.index import stored_entries
from audit_ledger.ledger.signed_digest import parse_signed_digest
from tests.crashes.faults import Signature
from tests.tlog.naive import mth, tiles
from tests.world import ORIGIN, World

SUBTREE = b"subtree/v1\n\0"


def blocks_of(world: World) -> list[Block]:
    """Return all blocks, in order."""
    items = [item for item in world.items("blocks") if item["origin"]["S"] == ORIGIN]
    blocks = [
        Block(
            ORIGIN,
            int(item["first_seq"]["N"]),
            int(item["count"]["N"]),
            bytes(item["head"]["B"]),
            bytes(item["signature"]["B"]),
            bytes(item["body"]["B"]),
        )
        for item in items
    ]
    return sorted(blocks, key=lambda block: block.first_seq)


def entries_of(world: World) -> list[bytes]:
    """Return all entries, in order."""
    return [item.entry for block in blocks_of(world) for item in parse_body(block.body).items]


def leaf_hash(entry: bytes) -> bytes:
    """RFC 6962, Section 2.1."""
    return hashlib.sha256(b"\0" + entry).digest()


def check_chain(world: World) -> list[bytes]:
    """Check all blocks and that the index is theirs; return the commitments in order."""
    head, commitments, indexed = EMPTY, [], set()
    rebuilt = {}
    prev = bytes(32)
    for block in blocks_of(world):
        checked = check_block(block, head)
        body, head = checked.body, checked.head
        for seq, item in enumerate(body.items, block.first_seq):
            fields = json.loads(item.entry)
            assert (fields["seq"], b64decode(fields["prev"])) == (seq, prev)
            prev = leaf_hash(item.entry)
            entry = parse_entry(item.entry)
            if isinstance(entry, EventEntry):
                commitments.append(entry.commitment)
                row = json.loads(item.row_bytes)
                name = row["id"]
                if item.conflict:
                    content = bytes.fromhex(name) + b64decode(row["fingerprint"])
                    name = hashlib.sha256(content).hexdigest()
                indexed.add((f"{ORIGIN}#{name}", seq))
        for indexed_entry in stored_entries(block.first_seq, body):
            for made in index_items(ORIGIN, indexed_entry):
                rebuilt[made["key"]["S"]] = made
    index = {item["key"]["S"]: item for item in world.items("events")}
    assert index == rebuilt
    assert {(k, int(item["seq"]["N"])) for k, item in index.items() if "row" in item} == indexed
    assert head.root() == mth([leaf_hash(entry) for entry in entries_of(world)])
    return commitments


class PublishedCheck:
    """Files are the stored state's, byte for byte; digests form one chain over recounted roots.

    Digests that an earlier call checked are not read again: they are locked.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._leaves: list[bytes] = []
        self._chained = {""}

    def __call__(self) -> None:
        (state,) = [i for i in self._world.items("ledgers") if i["key"]["S"].endswith("#published")]
        assert "frozen" not in state
        assert self._file("checkpoint") == bytes(state["checkpoint"]["B"])
        assert self._file("digests/latest") == bytes(state["digest"]["B"])
        for entry in entries_of(self._world)[len(self._leaves) :]:
            self._leaves.append(leaf_hash(entry))
        name = state["digest_name"]["S"]
        size, root = self._file("checkpoint").decode().split("\n")[1:3]
        assert int(size) == len(self._leaves)
        assert b64decode(root) == mth(self._leaves)
        while name not in self._chained:
            self._chained.add(name)
            digest = parse_signed_digest(self._file(name)).digest
            assert digest.root == mth(self._leaves[: digest.size_after])
            if digest.previous_name:
                previous = hashlib.sha256(self._file(digest.previous_name)).digest()
                assert previous == digest.previous_sha256
            name = digest.previous_name

    @property
    def digests(self) -> set[str]:
        """The names of the digests in the chain."""
        return self._chained - {""}

    def all_digests_are_chained(self) -> None:
        """No digest beside the chain was ever published."""
        published = {n for n in self._world.published() if n.startswith("digests/2")}
        assert published == self.digests

    def _file(self, path: str) -> bytes:
        return self._world.published_file(path)


def tile_path(level: int | str, index: int, width: int) -> str:
    """Return the path of C2SP tlog-tiles, of an index below 1,000."""
    return f"tile/{level}/{index:03}" + (f".p/{width}" if width < 256 else "")


def check_tiles(world: World, *, tidied: bool) -> None:
    """Every tile and bundle of the checkpoint is there, each by its formal definition.

    `tidied`: no partial one is left beside a full one.
    """
    entries = entries_of(world)
    leaves = [leaf_hash(entry) for entry in entries]
    bundles = {}
    for start in range(0, len(entries), 256):
        part = entries[start : start + 256]
        framed = b"".join(len(e).to_bytes(2, "big") + e for e in part)
        bundles["entries", start // 256, len(part)] = framed
    needed: dict[str, bytes] = {tile_path(*at): data for at, data in tiles(leaves).items()}
    needed |= {tile_path(*at): data for at, data in bundles.items()}
    published = {path: d for path, d in world.published().items() if path.startswith("tile/")}
    assert needed.items() <= published.items(), "a tile or bundle is missing or differs"
    for path in published.keys() - needed.keys():
        folder, _, _ = path.partition(".p/")
        whole = next(data for name, data in needed.items() if name.partition(".p/")[0] == folder)
        assert whole.startswith(published[path]), f"{path}: not the beginning of the wider one"
        assert not (tidied and folder in needed), f"{path}: left beside the full one"


def check_archive(world: World) -> None:
    """The archive contains every block, byte for byte."""
    archived = world.archived()
    for block in blocks_of(world):
        assert archived[f"blocks/{block.first_seq:020}"] == block.to_bytes()


def check_signatures(world: World, signed: Iterable[Signature]) -> int:
    """Every root that KMS signed, published or not, is a root of this ledger: no two disagree.

    Nor do two index hashes of one size.

    Return the number of signed statements about a tree.
    """
    leaves = [leaf_hash(entry) for entry in entries_of(world)]
    roots: dict[int, set[bytes]] = {}
    indexes: dict[int, set[str]] = {}
    number = 0
    for signature in signed:
        message = signature.message
        if message.startswith(b"audit-ledger/block/v1\n"):
            continue  # of a block, which is discarded if it loses the race
        number += 1
        if signature.algorithm == "ML_DSA_SHAKE_256":
            name = bytes([len(ORIGIN)]) + ORIGIN.encode()
            start = SUBTREE + name
            assert message.startswith(start)
            rest = message[len(start) + 8 :]
            assert rest.startswith(name + bytes(8))
            rest = rest[len(name) + 8 :]
            size, root = int.from_bytes(rest[:8], "big"), rest[8:]
        elif message.startswith(b"audit-ledger/digest/v1\n"):
            lines = message.decode().split("\n")
            size = int(lines[5].split()[1])
            at = lines.index("checkpoint")
            assert lines[at + 1 : at + 3] == [ORIGIN, str(size)]
            root = b64decode(lines[at + 3])
            indexes.setdefault(size, set()).add(lines[6])
        else:
            origin, decimal, encoded, end = message.decode().split("\n")
            assert (origin, end) == (ORIGIN, "")
            size, root = int(decimal), b64decode(encoded)
        roots.setdefault(size, set()).add(root)
    for size, signed_roots in roots.items():
        assert signed_roots == {mth(leaves[:size])}, f"size {size}: {len(signed_roots)} roots"
    assert all(len(stated) == 1 for stated in indexes.values())
    return number
