"""Objects beside those that make up the ledger: left over, on their way, or put there by others."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from audit_ledger.chain.digest import is_digest_name
from audit_ledger.errors import FormatError, UnreachableError
from audit_ledger.tlog.tiles import TILE_WIDTH, EntryBundle, Tile, parse_tile_path
from audit_ledger.verify.digest_chain import LATEST, DigestChain, digest_age
from audit_ledger.verify.findings import Code, Finding, Findings
from audit_ledger.verify.heads import CHECKPOINT
from audit_ledger.verify.partials import beginning, read_object
from audit_ledger.verify.sources import Source, read_outcome

MAX_GROWTH = 1 << 20
"""More entries than a run of a publisher adds: tiles beyond are of no next checkpoint."""

IsSigned = Callable[[str, bytes], bool]
"""Whether the digest of a path, with these bytes, bears the ledger's signatures."""


@dataclass
class ExtraObjects:
    """What is there beside the ledger of the checkpoint.

    `unpublished`: number of tiles, entry bundles and digests that belong to a later checkpoint.
    """

    findings: Findings = field(default_factory=Findings)
    is_listed: bool = True
    unpublished: int = 0


def check_extra_objects(
    source: Source,
    size: int,
    chain: DigestChain | None,
    is_signed: IsSigned,
    blamed: Collection[str],
) -> ExtraObjects:
    """List all objects and judge those that a ledger of `size` entries need not have.

    A ledger that grows has tiles of its next checkpoint, and may still have partial tiles of
    earlier ones: those must be the beginning of what took their place. `chain` None: a log of
    another kind, beside whose tiles there may be anything. `blamed`: paths of objects that were
    found altered, by which nothing else is judged.
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
                _judge_other(source, path, chain, is_signed, extra)
    except UnreachableError as error:
        extra.findings.add(Finding(Code.UNREACHABLE, "", None, str(error)))
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
        _found_unknown(path, extra)
        return
    level = tile.level if isinstance(tile, Tile) else 0
    full, width = divmod(size >> (8 * level), TILE_WIDTH)
    published = TILE_WIDTH if tile.index < full else width if tile.index == full else 0
    if tile.width > published:
        end = (tile.index * TILE_WIDTH + tile.width) * TILE_WIDTH**level
        if is_ledger and end > size + MAX_GROWTH:
            _found_unknown(path, extra)
        else:
            extra.unpublished += 1
    elif tile.width < published:
        successor = replace(tile, width=published)
        if successor.path not in blamed:
            _compare_with_successor(source, tile, successor, extra)


def _compare_with_successor(
    source: Source, tile: Tile | EntryBundle, successor: Tile | EntryBundle, extra: ExtraObjects
) -> None:
    """A partial tile or bundle of an earlier checkpoint is how the present one begins."""
    old = read_outcome(source, tile.path)
    if old is None:
        return  # gone since it was listed
    present = read_object(source, successor)
    if not isinstance(old, bytes) or not isinstance(present, bytes):
        return  # told where the present one is checked
    if old != beginning(present, tile):
        span = TILE_WIDTH ** (tile.level if isinstance(tile, Tile) else 0)
        first = tile.index * TILE_WIDTH * span
        code = Code.TILE_ALTERED if isinstance(tile, Tile) else Code.ENTRY_ALTERED
        entries = (first, first + tile.width * span - 1)
        message = f"{tile.path}: not the beginning of what took its place"
        extra.findings.add(Finding(code, tile.path, entries, message))


def _judge_other(
    source: Source, path: str, chain: DigestChain, is_signed: IsSigned, extra: ExtraObjects
) -> None:
    if path in (CHECKPOINT, LATEST) or path in chain.paths:
        return
    newest = digest_age(chain.claims[0].path) if chain.claims else ("", 0)
    if is_digest_name(path) and digest_age(path) > newest:
        data = read_outcome(source, path)
        if isinstance(data, bytes) and is_signed(path, data):
            extra.unpublished += 1  # published since digests/latest was read
            return
    _found_unknown(path, extra)


def _found_unknown(path: str, extra: ExtraObjects) -> None:
    message = f"{path}: no ledger publishes such an object, or none that leads to it"
    extra.findings.add(Finding(Code.UNKNOWN_OBJECT, path, None, message))
