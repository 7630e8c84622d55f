"""GET /export: one part of an export; who asks puts the parts together.

    {"origin": "audit.example.org/st-elsewhere", "size": 73894, "format": "csv",
     "search": "date=ge2026-11&_sort=date", "checkpoint": "<signed note>",
     "digest": "digests/2026/11/22/20261122T055900Z-73894",
     "entries": [{"entry": 41, "file": "events.csv", "line": "…", "receipt": "41 …"}, …],
     "next": "<cursor>"}

All parts are pinned to the size that was published when the first was asked for, and all receipts
to the one checkpoint of the digest of that size, however much the ledger grows meanwhile: `next`
carries the time of that digest, authenticated. See docs/decisions/0007-exports-in-parts.md.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from audit_ledger.aws.events_search import EntryPosition
from audit_ledger.errors import NotFoundError, UnreachableError, VerificationError
from audit_ledger.exports.formats import FORMATS
from audit_ledger.exports.receipt_lines import Disclosed, Receipt, split_receipt
from audit_ledger.http.request import Request
from audit_ledger.http.responses import Response
from audit_ledger.ledger.digest import digest_name, parse_digest
from audit_ledger.reading.concurrent import map_concurrently
from audit_ledger.reading.record_opener import OpenedRecord
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.search.criteria import Search
from audit_ledger.search.cursor import Cursor, decode_cursor, encode_cursor, search_binding
from audit_ledger.search.errors import RejectedSearchError
from audit_ledger.search.links import matching_query
from audit_ledger.search.parameters import parse_search
from audit_ledger.search.query_plan import patient_lookups
from audit_ledger.tlog.checkpoint import parse_checkpoint
from audit_ledger.tlog.note import parse_note
from audit_ledger.tlog.proof import TlogProof
from audit_ledger.tlog.rfc6962 import leaf_hash, verify_inclusion
from audit_ledger.tlog.tile_proofs import ReadTile, inclusion_proof
from audit_ledger.tlog.tiles import Tile
from audit_ledger.verify.partial_tiles import read_object
from functions.query.access import AuthorizedRequest, QueryContext
from functions.query.altered_entries import altered
from functions.query.compressed_response import compressed_response
from functions.query.find import NO_TIME, UNOPENED
from functions.query.search_events import patients_of

MAX_EVENTS: Final = 500  # a part: each receipt may read a tile of its own
MAX_PART_BYTES: Final = 4_000_000
MAX_CONCURRENT_RECEIPTS: Final = 50

_UNLESS_GIVEN: Final = (("_sort", "date"), ("own-use", "include"))  # an export is whole
RECEIPTS: Final = ("record", "proof", "none")
_CURSOR: Final = re.compile(r"([0-9]{1,12})\.(.+)", re.DOTALL)


class ExportedEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of `file`, line end included; `receipt`: its line of the file `receipts`."""

    entry: int
    file: str
    line: str
    receipt: str | None = None

    def __repr__(self) -> str:
        """Say which entry, and nothing of what is inside."""
        return f"ExportedEntry({self.entry})"


@dataclass(frozen=True)
class Pinned:
    """What all parts of an export share. `time`: of the digest, whole seconds."""

    size: int
    time: int
    digest: str
    checkpoint: bytes


def get_export(desk: QueryContext, request: Request) -> Response:
    """GET /export: a part of an export of what a search finds, with receipts.

    `format`: fhir, csv or ocsf; `receipts`: `record` (default: proof, index row, record, blind),
    `proof` or `none`; and a search's parameters, oldest first unless `_sort` says otherwise. The
    next part: the same with `_cursor`, for as long as there is a `next`; a part may be empty.
    """
    question = desk.question(request, "rs")
    format_name, receipts, search = _asked(question)
    scope = f"{question.scope}\nexport\n{format_name}\n{receipts}"
    time, cursor = None, None
    if search.cursor is not None:
        time, cursor = _read_cursor(question, search, scope, search.cursor)
    pinned = _pinned(question, time, cursor)
    finder = question.finder(pinned.size)
    after = None if cursor is None else EntryPosition(cursor.time_ms, cursor.seq, 0)
    page = finder.page(search, after, question.has_time)
    if UNOPENED in page.warnings:
        raise VerificationError("the export would lack a record that does not open")
    if NO_TIME in page.warnings:
        raise RejectedSearchError(400, "value", "date", "dates that do not exclude each other")
    if page.warnings:  # see search_events: more may match than is found without a period
        raise RejectedSearchError(
            400,
            "required",
            "date",
            "a period (date=ge2026-11): without one the export is not whole",
        )
    entries: list[msgspec.Raw] = []
    reached = page.next
    size_bytes = 0
    lines = _lines(question, format_name, receipts, pinned, page.found)
    shown: list[OpenedEvent] = []
    for number, line in enumerate(lines):
        entry = msgspec.json.encode(line)
        size_bytes += len(entry) + 1
        if entries and size_bytes > MAX_PART_BYTES:
            last = page.found[number - 1].event
            reached = EntryPosition(last.time_ms, last.seq, 0)
            break
        entries.append(msgspec.Raw(entry))
        shown.append(page.found[number].event)
    content: dict[str, Any] = {
        "origin": question.ledger.origin,
        "size": pinned.size,
        "format": format_name,
        "search": matching_query(search),
        "checkpoint": pinned.checkpoint.decode(),
        "digest": pinned.digest,
        "entries": entries,
    }
    if said := altered(question, finder):
        content["warnings"] = said
    if reached is not None:
        content["next"] = _write_cursor(question, search, scope, pinned, reached)
    answer = compressed_response(request, msgspec.json.encode(content), "application/json")
    patients = patients_of(patient_lookups(search))
    if cursor is None:
        question.record(patients, export=True)
    question.record(patients, shown=shown)
    return answer


def _asked(question: AuthorizedRequest) -> tuple[str, str, Search]:
    own: dict[str, str] = {}
    pairs: list[tuple[str, str]] = []
    for name, value in question.request.query_pairs:
        if name not in ("format", "receipts"):
            pairs.append((name, value))
        elif name in own:
            raise RejectedSearchError(400, "invalid", name, "this parameter once")
        else:
            own[name] = value
    if own.get("format") not in FORMATS:
        raise RejectedSearchError(400, "value", "format", f"one of {', '.join(FORMATS)}")
    receipts = own.get("receipts", "record")
    if receipts not in RECEIPTS:
        raise RejectedSearchError(400, "value", "receipts", f"one of {', '.join(RECEIPTS)}")
    names = {name for name, _ in pairs}
    pairs += [pair for pair in _UNLESS_GIVEN if pair[0] not in names]
    # What is left out would be missing from the files, and nobody would know.
    search = parse_search(pairs, is_strict=True, is_bounded_by_token=not question.sees_all)
    if "_count" not in names:
        search = msgspec.structs.replace(search, count=MAX_EVENTS)
    return own["format"], receipts, search


def _pinned(question: AuthorizedRequest, time: int | None, cursor: Cursor | None) -> Pinned:
    """Return the digest that is published now, or the first part's: digests stay for ever."""
    state = question.state
    if state is None or not state.digest_name:
        raise NotFoundError("nothing is published yet")
    if time is None or cursor is None:
        digest, name = state.digest, state.digest_name
    else:
        name = digest_name(time, cursor.size)
        found = question.ledger.published.read(name)
        if found is None:
            raise UnreachableError(f"{name} cannot be read")
        digest = found
    decoded = parse_digest(parse_note(digest).text)
    if decoded.name != name:
        raise VerificationError(f"{name} holds another digest")
    return Pinned(decoded.size_after, decoded.period_to, name, decoded.checkpoint)


def _lines(
    question: AuthorizedRequest,
    format_name: str,
    receipts: str,
    pinned: Pinned,
    found: tuple[OpenedRecord, ...],
) -> Iterator[ExportedEntry]:
    """Return the lines, in order; receipts some at a time, since tiles are far away."""
    tile = _tiles(question)
    for start in range(0, len(found), MAX_CONCURRENT_RECEIPTS):
        some = found[start : start + MAX_CONCURRENT_RECEIPTS]
        proofs = [None] * len(some) if receipts == "none" else _proofs(tile, pinned, some)
        for opened, proof in zip(some, proofs, strict=True):
            event = opened.event
            file, line = FORMATS[format_name].line(event, question.ledger.origin)
            receipt = None
            if proof is not None:
                disclosed = None
                if receipts == "record":
                    disclosed = Disclosed(opened.index_row, opened.record, opened.blind)
                receipt = split_receipt(Receipt(event.seq, proof, disclosed))[0].decode()
            yield ExportedEntry(event.seq, file, line.decode(), receipt)


def _tiles(question: AuthorizedRequest) -> ReadTile:
    """Read each tile once; a partial one that has gone is cut from the full one."""
    tiles: dict[Tile, bytes] = {}

    def tile(wanted: Tile) -> bytes:
        if wanted not in tiles:
            read = read_object(question.ledger.published, wanted)
            if not isinstance(read, bytes):
                raise UnreachableError(f"{wanted.path} cannot be read")
            tiles[wanted] = read
        return tiles[wanted]

    return tile


def _proofs(tile: ReadTile, pinned: Pinned, found: tuple[OpenedRecord, ...]) -> list[bytes | None]:
    """Make the `.tlog-proof` file of each entry in the tree of the pinned size, and verify it."""
    root = parse_checkpoint(parse_note(pinned.checkpoint).text).root

    def proof(opened: OpenedRecord) -> bytes | None:
        seq = opened.event.seq
        hashes = inclusion_proof(seq, pinned.size, tile)
        verify_inclusion(leaf_hash(opened.entry), seq, pinned.size, hashes, root)
        return TlogProof(seq, tuple(hashes), pinned.checkpoint, opened.entry).to_bytes()

    return map_concurrently(proof, found)


def _read_cursor(
    question: AuthorizedRequest, search: Search, scope: str, text: str
) -> tuple[int, Cursor]:
    form, keys = _CURSOR.fullmatch(text), question.ledger.keys
    if form is None or keys is None:
        raise RejectedSearchError(400, "value", "_cursor", "the next of a part, unchanged")
    binding = search_binding(search, origin=question.ledger.origin, scope=f"{scope}\n{form[1]}")
    return int(form[1]), decode_cursor(keys.index_key, form[2], binding)


def _write_cursor(
    question: AuthorizedRequest, search: Search, scope: str, pinned: Pinned, reached: EntryPosition
) -> str:
    keys = question.ledger.keys
    if keys is None:
        raise VerificationError("a ledger without keys has no events to go on from")
    scope = f"{scope}\n{pinned.time}"
    binding = search_binding(search, origin=question.ledger.origin, scope=scope)
    cursor = Cursor(pinned.size, reached.time_ms, reached.seq)
    return f"{pinned.time}.{encode_cursor(keys.index_key, cursor, binding)}"
