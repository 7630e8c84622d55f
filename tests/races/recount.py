"""A recount of a ledger's tables and buckets, by code that is independent of the ledger's.

Bodies are parsed by `struct`, entries by `json`, trees are computed by the definitions of RFC 6962,
signatures are verified by `cryptography`. Every difference raises AssertionError.
"""

import json
import struct
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tests.tlog.naive import largest_power_of_two_below
from tests.world import ALIAS, NAME, ORIGIN, World

FAR_MS = 120_000  # docs/decisions/0008-late-events.md


@dataclass(frozen=True)
class Counted:
    """One event of the ledger. `is_conflict`: the ledger stored it as a conflict."""

    event_id: str
    fingerprint: bytes
    commitment: bytes
    is_conflict: bool


@dataclass
class Tree:
    """The tree of RFC 6962. Complete subtrees are stored: the long form has 100,000 leaves."""

    leaves: list[bytes] = field(default_factory=list)
    _complete: dict[tuple[int, int], bytes] = field(default_factory=dict)

    def root(self, size: int) -> bytes:
        """MTH(D[0:size])"""
        assert size <= len(self.leaves), f"{size} entries were signed, {len(self.leaves)} are there"
        return self.hash(0, size) if size else sha256(b"").digest()

    def hash(self, start: int, end: int) -> bytes:
        """MTH(D[start:end])"""
        size = end - start
        if size == 1:
            return self.leaves[start]
        if (start, end) not in self._complete:
            middle = start + largest_power_of_two_below(size)
            value = sha256(b"\x01" + self.hash(start, middle) + self.hash(middle, end)).digest()
            if size & (size - 1):
                return value
            self._complete[start, end] = value
        return self._complete[start, end]

    def frontier(self, size: int) -> list[bytes]:
        """Return the roots of the complete subtrees of a tree of `size` leaves, largest first."""
        hashes, start = [], 0
        for level in reversed(range(size.bit_length())):
            if size >> level & 1:
                hashes.append(self.hash(start, start + (1 << level)))
                start += 1 << level
        return hashes


class Recount:
    """The blocks of a ledger, recounted from the first on; `follow` continues with new blocks."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.tree = Tree()
        self.entries: list[bytes] = []
        self.events: list[Counted] = []
        self.archived: dict[str, bytes] = {}
        self._index: dict[str, dict[str, Any]] = {}
        self._prev = bytes(32)
        self._time = 0

    @cached_property
    def _sequencer_key(self) -> Ed25519PublicKey:
        return public_key(self._world, "sequencer")

    @property
    def size(self) -> int:
        """Number of entries."""
        return len(self.entries)

    def follow(self) -> "Recount":
        """Check the blocks since the last call, each byte by byte."""
        pages = self._world.dynamodb.get_paginator("query").paginate(
            TableName=f"{NAME}-blocks",
            KeyConditionExpression="origin = :origin AND first_seq >= :seq",
            ExpressionAttributeValues={":origin": {"S": ORIGIN}, ":seq": {"N": str(self.size)}},
            ConsistentRead=True,
        )
        for page in pages:
            for item in page["Items"]:
                self._follow_block(item)
        return self

    def _follow_block(self, item: dict[str, Any]) -> None:
        first_seq, body = int(item["first_seq"]["N"]), bytes(item["body"]["B"])
        assert first_seq == self.size, f"block {first_seq}, expected {self.size}: gap or fork"
        entries, sealed, rows, frontier, block_time = _sections(body)
        assert len(entries) == len(sealed) == len(rows) == int(item["count"]["N"]) > 0
        for data, record, (conflict, row) in zip(entries, sealed, rows, strict=True):
            self._follow_entry(data, record, row, conflict, first_seq, block_time)
        assert b"".join(self.tree.frontier(self.size)) == frontier
        head, signature = bytes(item["head"]["B"]), bytes(item["signature"]["B"])
        assert head == self._prev
        body_hash = b64encode(sha256(body).digest()).decode()
        lines = ("audit-ledger/block/v1", ORIGIN, str(self.size), b64encode(head).decode())
        message = "".join(f"{line}\n" for line in (*lines, body_hash))
        self._sequencer_key.verify(signature, message.encode())
        self.archived[f"blocks/{first_seq:020}"] = (
            f"audit-ledger/block/v1\n{ORIGIN}\n{first_seq} {len(entries)}\n"
            f"{b64encode(head).decode()}\n{b64encode(signature).decode()}\n\n".encode()
            + body
        )

    def _follow_entry(
        self, data: bytes, record: bytes, row: bytes, conflict: int, first_seq: int, block_time: int
    ) -> None:
        entry = json.loads(data)
        assert entry["seq"] == self.size
        assert b64decode(entry["prev"]) == self._prev
        seconds = int(datetime.fromisoformat(entry["time"]).timestamp())
        assert self._time <= seconds
        if self.size == 0:
            assert entry["control"]["type"] == "ledger.created"
            assert entry["control"]["origin"] == ORIGIN
            assert (record, row) == (b"", b"")
        else:
            assert record
            commitment = b64decode(entry["event"])
            blind, hidden, row = row[:32], row[32:64], row[64:]
            part = sha256(b"audit-ledger/row/v1\n" + blind + row).digest()
            assert commitment == sha256(b"audit-ledger/entry/v1\n" + part + hidden).digest()
            self._count(commitment, row, conflict, first_seq, block_time)
        self._time, self._prev = seconds, sha256(b"\0" + data).digest()
        self.entries.append(data)
        self.tree.leaves.append(self._prev)

    def _count(
        self, commitment: bytes, row: bytes, conflict: int, first_seq: int, block_time: int
    ) -> None:
        fields = json.loads(row)
        fingerprint = b64decode(fields["fingerprint"])
        self.events.append(Counted(fields["id"], fingerprint, commitment, bool(conflict)))
        key = f"{ORIGIN}#{fields['id']}"
        if conflict:
            key = f"{ORIGIN}#{sha256(bytes.fromhex(fields['id']) + fingerprint).hexdigest()}"
        place = {
            "seq": {"N": str(self.size)},
            "block": {"N": str(first_seq)},
            "place": {"N": f"{fields['time']}{self.size:019}"},
        }
        item: dict[str, Any] = {"key": {"S": key}, **place, "row": {"B": row}}
        if conflict:
            item["conflict"] = {"BOOL": True}
        if "patient" in fields:
            item["patient"] = {"S": f"{ORIGIN}#{fields['patient']}"}
        if abs(fields["time"] - block_time * 1000) > FAR_MS:
            item["late"] = {"S": ORIGIN}
        for number, agent in enumerate(fields.get("agents", [])):
            person = {"agent": {"S": f"{ORIGIN}#{agent}"}}
            if number:
                further = {"key": {"S": f"{key}#{number}"}, **place, **person}
                self._index[further["key"]["S"]] = further
            else:
                item |= person
        assert key not in self._index, f"entry {self.size} doubles another"
        self._index[key] = item

    def check_index(self) -> None:
        """Check that the index has the rows of the blocks, and no others."""
        stored = {item["key"]["S"]: _plain(item) for item in self._world.items("events")}
        assert stored == self._index

    def check_events(self, accepted: Iterable[tuple[str, bytes, bytes]]) -> None:
        """Check that each accepted (event id, fingerprint, commitment) is there once, and no other.

        Of several contents under one id, one is the event and all others are stored as conflicts.
        """
        pairs = Counter((e.event_id, e.fingerprint) for e in self.events)
        assert max(pairs.values(), default=1) == 1, "doubled"
        commitments: dict[tuple[str, bytes], set[bytes]] = {}
        for event_id, fingerprint, commitment in accepted:
            commitments.setdefault((event_id, fingerprint), set()).add(commitment)
        assert pairs.keys() == commitments.keys(), "lost, or never accepted"
        for event in self.events:
            assert event.commitment in commitments[event.event_id, event.fingerprint]
        first = Counter(e.event_id for e in self.events if not e.is_conflict)
        assert set(first.values()) <= {1}
        assert first.keys() == {e.event_id for e in self.events}

    def check_signed(self, checkpoints: Iterable[str]) -> None:
        """Check that every signed checkpoint, published or not, has the root of the entries."""
        for text in checkpoints:
            origin, size, root, end = text.split("\n")
            assert (origin, end) == (ORIGIN, "")
            assert b64decode(root) == self.tree.root(int(size)), f"another root of size {size}"


def public_key(world: World, name: str) -> Ed25519PublicKey:
    """Return the public key of one of the ledger's KMS keys."""
    der = world.kms.get_public_key(KeyId=f"{ALIAS}/{name}")["PublicKey"]
    key = load_der_public_key(der)
    assert isinstance(key, Ed25519PublicKey)
    return key


def _sections(
    body: bytes,
) -> tuple[list[bytes], list[bytes], list[tuple[int, bytes]], bytes, int]:
    """u32 length ‖ section, four times, ‖ u64 time"""
    sections, at = [], 0
    for _ in range(4):
        (length,) = struct.unpack_from(">I", body, at)
        sections.append(body[at + 4 : at + 4 + length])
        at += 4 + length
    (block_time,) = struct.unpack(">Q", body[at:])
    rows = [(flag, piece) for flag, piece in _pieces(sections[2], ">BH")]
    return (
        [piece for _, piece in _pieces(sections[0], ">H")],
        [piece for _, piece in _pieces(sections[1], ">I")],
        rows,
        sections[3],
        block_time,
    )


def _pieces(section: bytes, header: str) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(section):
        *flag, length = struct.unpack_from(header, section, at)
        at += struct.calcsize(header)
        yield (flag[0] if flag else 0), section[at : at + length]
        at += length


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    return {k: {"B": bytes(v["B"])} if "B" in v else v for k, v in item.items()}
