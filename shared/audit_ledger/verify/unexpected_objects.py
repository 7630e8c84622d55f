"""Objects that a ledger need not have: leftovers, of a later checkpoint, or foreign ones."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from audit_ledger.errors import FormatError, UnreachableError
from audit_ledger.ledger.digest_name import LATEST, digest_name_order, is_digest_name
from audit_ledger.tlog.tiles import CHECKPOINT, TILE_WIDTH, EntryBundle, Tile, parse_tile_path
from audit_ledger.verify.digest_chain import DigestChain
from audit_ledger.verify.findings import Finding, FindingCode, Findings
from audit_ledger.verify.later_digests import unknown_object
from audit_ledger.verify.partial_tiles import beginning, read_object, wrong_length
from audit_ledger.verify.sources import Source, read_outcome

MAX_GROWTH = 1 << 20
"""More entries than a run of a publisher adds: tiles beyond are of no next checkpoint."""


@dataclass
class ExtraObjects:
    """The objects that the ledger of the checkpoint need not have.

    `unpublished`: number of tiles and entry bundles that a later checkpoint may have.
    `later_digests`: paths named as digests later than the newest of the chain.
    """

    findings: Findings = field(default_factory=Findings)
    is_listed: bool = True
    unpublished: int = 0
    later_digests: list[str] = field(default_factory=list)


def check_extra_objects(
    source: Source,
    size: int,
    chain: DigestChain | None,
    blamed: Collection[str],
) -> ExtraObjects:
    """List all objects and judge those that a ledger of `size` entries need not have.

    A ledger that grows has tiles of its next checkpoint, and may still have partial tiles of
    earlier ones. The wider of two forms of a tile begins with the narrower, and the signed one is
    among them. `chain` None: a log of another kind, which may have any other objects. `blamed`:
    paths of altered objects, with which nothing is compared.
    """
    extra = ExtraObjects()
    try:
        listing = source.list_all()
        if listing is None:
            extra.is_listed = False
            return extra
        for path in listing:
            if path.startswith("tile/"):
                _judge_tile(source, size, path, blamed, extra, is_ledger=chain is not None)
            elif chain is not None:
                _judge_other(path, chain, extra)
    except UnreachableError as error:
        extra.findings.add(Finding(FindingCode.UNREACHABLE, "", None, str(error)))
    return extra


def _judge_tile(
    source: Source,
    size: int,
    path: str,
    blamed: Collection[str],
    extra: ExtraObjects,
    *,
    is_ledger: bool,
) -> None:
    try:
        tile = parse_tile_path(path)
    except FormatError:
        extra.findings.add(unknown_object(path))
        return
    level = tile.level if isinstance(tile, Tile) else 0
    full, width = divmod(size >> (8 * level), TILE_WIDTH)
    published = TILE_WIDTH if tile.index < full else width if tile.index == full else 0
    if tile.width > published:
        end = (tile.index * TILE_WIDTH + tile.width) * TILE_WIDTH**level
        if is_ledger and end > size + MAX_GROWTH:
            extra.findings.add(unknown_object(path))
            return
        extra.unpublished += 1
        signed = replace(tile, width=published) if published else None
        if signed is None or signed.path not in blamed:
            _check_wider(source, tile, signed, extra)
    elif tile.width < published:
        successor = replace(tile, width=published)
        if successor.path not in blamed:
            _compare_with_successor(source, tile, successor, extra)


def _check_wider(
    source: Source,
    tile: Tile | EntryBundle,
    signed: Tile | EntryBundle | None,
    extra: ExtraObjects,
) -> None:
    """Check that a tile or bundle of a later checkpoint is whole and begins with the signed one."""
    data = read_outcome(source, tile.path)
    if not isinstance(data, bytes):
        if data is not None:  # None: gone since it was listed
            extra.findings.add(Finding(FindingCode.UNREACHABLE, tile.path, None, str(data)))
        return
    if wrong := wrong_length(data, tile):
        code = (
            FindingCode.TILE_MALFORMED if isinstance(tile, Tile) else FindingCode.BUNDLE_MALFORMED
        )
        message = f"{tile.path}: {wrong}"
        extra.findings.add(Finding(code, tile.path, _entries_of(tile), message))
    elif signed is not None:
        present = read_object(source, signed)
        if isinstance(present, bytes) and beginning(data, signed) != present:
            message = f"{tile.path}: does not begin as {signed.path}"
            extra.findings.add(_altered(tile, _entries_of(signed), message))


def _compare_with_successor(
    source: Source, tile: Tile | EntryBundle, successor: Tile | EntryBundle, extra: ExtraObjects
) -> None:
    """Check that the present form begins with the partial one of an earlier checkpoint."""
    old = read_outcome(source, tile.path)
    if old is None:
        return  # gone since it was listed
    present = read_object(source, successor)
    if not isinstance(old, bytes) or not isinstance(present, bytes):
        return  # reported where the present one is checked
    if old != beginning(present, tile):
        message = f"{tile.path}: not the beginning of what took its place"
        extra.findings.add(_altered(tile, _entries_of(tile), message))


def _altered(tile: Tile | EntryBundle, entries: tuple[int, int], message: str) -> Finding:
    code = FindingCode.TILE_ALTERED if isinstance(tile, Tile) else FindingCode.ENTRY_ALTERED
    return Finding(code, tile.path, entries, message)


def _entries_of(tile: Tile | EntryBundle) -> tuple[int, int]:
    """Return the first and last entry below a tile, or of a bundle."""
    span = TILE_WIDTH ** (tile.level if isinstance(tile, Tile) else 0)
    first = tile.index * TILE_WIDTH * span
    return first, first + tile.width * span - 1


def _judge_other(path: str, chain: DigestChain, extra: ExtraObjects) -> None:
    if path in (CHECKPOINT, LATEST) or path in chain.paths:
        return
    newest = digest_name_order(chain.claims[0].path) if chain.claims else ("", 0)
    if is_digest_name(path) and digest_name_order(path) > newest:
        extra.later_digests.append(path)
    else:
        extra.findings.add(unknown_object(path))
