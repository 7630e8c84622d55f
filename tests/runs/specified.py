"""The hashes of runs written down a second time, from docs/design.md and RFC 6962 alone.

No code of the project computes them here: rows are filtered, sorted and hashed one by one.
"""

from collections.abc import Sequence
from hashlib import sha256

from audit_ledger.records.index_row import IndexRow


def number(value: int, width: int) -> bytes:
    """Return a big-endian number of that many bytes."""
    return value.to_bytes(width, "big")


def run_id(origin: str, key: str, level: int, n: int, end: int) -> bytes:
    """Return the framed id of a run."""
    texts = b"".join(number(len(text), 4) + text.encode() for text in (origin, key))
    return texts + number(level, 1) + number(n, 8) + number(end, 8)


def rows_by_pseudonym(
    rows: Sequence[IndexRow | None], first: int, end: int, key: str
) -> dict[bytes, list[tuple[int, int]]]:
    """Return own time and entry of each person's rows, sorted."""
    result: dict[bytes, list[tuple[int, int]]] = {}
    for seq in range(first, end):
        row = rows[seq]
        if row is None:
            continue
        persons = set(row.agents) if key == "agent" else {row.patient} - {None}
        for person in persons:
            assert person is not None
            result.setdefault(person, []).append((row.time_ms, seq))
    return {person: sorted(places) for person, places in result.items()}


def row(place: tuple[int, int]) -> bytes:
    """Return the bytes of a row: the sign bit of a signed 64-bit time is flipped."""
    time = bytearray(place[0].to_bytes(8, "big", signed=True))
    time[0] ^= 0x80
    return bytes(time) + number(place[1], 8)


def keyed_root(
    rows: Sequence[IndexRow | None], origin: str, key: str, level: int, n: int, first: int, end: int
) -> bytes:
    """Return the root of a run by patient or agent."""
    bits = 8 + 4 * level
    buckets: list[bytes] = [b""] * 2**bits
    id_ = run_id(origin, key, level, n, end)
    for person, places in sorted(rows_by_pseudonym(rows, first, end, key).items()):
        tag = sha256(b"audit-ledger/run-tag/v1\n" + id_ + person).digest()
        content = b"".join(map(row, places))
        hash_ = sha256(b"audit-ledger/run-rows/v1\n" + id_ + person + content).digest()
        place = int(f"{int.from_bytes(person, 'big'):0128b}"[:bits], 2)
        buckets[place] += tag + hash_
    return tree_hash(buckets)


def time_root(
    rows: Sequence[IndexRow | None], origin: str, level: int, n: int, first: int, end: int
) -> bytes:
    """Return the root of a run by time."""
    places = sorted(
        (entry.time_ms, seq) for seq in range(first, end) if (entry := rows[seq]) is not None
    )
    id_ = run_id(origin, "time", level, n, end)
    return sha256(b"audit-ledger/run-times/v1\n" + id_ + b"".join(map(row, places))).digest()


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, Section 2.1, of a power of two of leaves."""
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    half = len(leaves) // 2
    return sha256(b"\x01" + tree_hash(leaves[:half]) + tree_hash(leaves[half:])).digest()
