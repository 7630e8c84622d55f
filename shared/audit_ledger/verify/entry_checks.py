"""The checks of each entry by itself, so that a finding names the entry and its fault.

Much slower than `bundle_fast_path.py`. Used for bundles with control entries, bundles in which
`seq` gains a digit, and faulty bundles.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from audit_ledger.errors import FormatError
from audit_ledger.instants import format_instant
from audit_ledger.ledger.entry import NO_ENTRY, ControlEntry, created, parse_entry
from audit_ledger.verify.findings import Finding, FindingCode


@dataclass(frozen=True)
class Link:
    """The link that the next entry must have.

    `prevs`: the hashes that its `prev` may be. One, as a rule; none where the entry before could
    not be read; two where entry and tile disagree about it, which is a finding already.
    `time`: of the entry before as written, empty where unknown.
    """

    prevs: tuple[bytes, ...]
    time: bytes


UNKNOWN = Link((), b"")
BEGINNING = Link((NO_ENTRY,), b"")


def check_entries(
    entries: Sequence[bytes],
    leaves: Sequence[bytes],
    *,
    tile: Sequence[bytes] | None,
    first: int,
    link: Link,
    origin: str,
    where: str,
) -> tuple[list[Finding], list[int], Link]:
    """Check format, seq, link and time of entries that begin at index `first`.

    `leaves`: their leaf hashes; `tile`: the same according to the tile, as far as known. An entry
    about which the two disagree is reported elsewhere. Returns findings, indexes of control
    entries, and what the entry after the last must link to.
    """
    findings: list[Finding] = []
    controls: list[int] = []

    def found(code: FindingCode, index: int, message: str) -> None:
        findings.append(Finding(code, where, (index, index), message))

    for index, (data, leaf) in enumerate(zip(entries, leaves, strict=True), first):
        in_tile = leaf if tile is None or index - first >= len(tile) else tile[index - first]
        if leaf != in_tile:
            link = Link((leaf, in_tile), link.time)
            continue
        try:
            entry = parse_entry(data)
        except FormatError as error:
            found(FindingCode.ENTRY_MALFORMED, index, f"entry {index}: {error}")
            link = Link((leaf,), link.time)
            continue
        time = format_instant(entry.time).encode()
        if isinstance(entry, ControlEntry):
            controls.append(index)
        if entry.seq != index:
            found(FindingCode.SEQ_MISMATCH, index, f"entry {index}: its seq is {entry.seq}")
        if link.prevs and entry.prev not in link.prevs:
            message = f"entry {index}: prev is not the hash of the entry before"
            found(FindingCode.LINK_BROKEN, index, message)
        if time < link.time:
            message = f"entry {index}: its time is before that of the entry before"
            found(FindingCode.TIME_BACKWARDS, index, message)
        says_created = isinstance(entry, ControlEntry) and entry.control.get("type") == _CREATED
        if says_created != (index == 0) or (index == 0 and entry != created(origin, entry.time)):
            message = f"entry {index}: entry 0, and no other, creates the ledger {origin}"
            found(FindingCode.NOT_CREATED, index, message)
        link = Link((leaf,), time)
    return findings, controls, link


_CREATED = "ledger.created"
