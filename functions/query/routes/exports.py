"""GET /export: one part of an export; the client joins the parts.

    {"origin": "audit.example.org/st-elsewhere", "size": 73894, "format": "csv",
     "search": "date=ge2026-11&_sort=date", "checkpoint": "<signed note>",
     "digest": "digests/2026/11/22/20261122T055900Z-73894",
     "entries": [{"entry": 41, "file": "events.csv", "line": "…", "receipt": "41 …"}, …],
     "next": "<cursor>"}

All parts are pinned to the size that was published when the first was requested, and all receipts
to the checkpoint of the digest of that size, while the ledger grows: `next` contains the
authenticated time of that digest. See docs/decisions/0007-exports-in-parts.md.
"""

import re
from typing import Any, Final

import msgspec

from audit_ledger.errors import VerificationError
from audit_ledger.exports.formats import FORMATS
from audit_ledger.http.openapi import (
    SIZE,
    TEXT_SCHEMA,
    WARNINGS,
    Json,
    closed_object,
    json_answer,
    query,
    refusal,
)
from audit_ledger.http.request import Request
from audit_ledger.http.responses import Response
from audit_ledger.ledger.index import EntryPosition
from audit_ledger.reading.search import NO_TIME, UNOPENED, find_page
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.search.criteria import Search
from audit_ledger.search.cursor import Cursor
from audit_ledger.search.errors import RejectedSearchError
from audit_ledger.search.links import matching_query
from audit_ledger.search.parameter_docs import OF_THE_ANSWER, PARAMETERS
from audit_ledger.search.parameters import parse_search
from audit_ledger.search.query_plan import searched_patients
from functions.query.access import AuthorizedRequest, QueryContext
from functions.query.altered_entries import alteration_warnings
from functions.query.compressed_response import ACCEPT_ENCODING, compressed_response
from functions.query.export_lines import export_lines, pin_digest
from functions.query.route import JSON_ONLY, QueryRoute

MAX_EVENTS: Final = 500  # a part: each receipt may read a tile of its own
MAX_PART_BYTES: Final = 4_000_000
_UNLESS_GIVEN: Final = (("_sort", "date"), ("own-use", "include"))  # an export is whole
RECEIPTS: Final = ("record", "proof", "none")
_CURSOR: Final = re.compile(r"([0-9]{1,12})\.(.+)", re.DOTALL)


def get_export(context: QueryContext, request: Request) -> Response:
    """GET /export: a part of an export of what a search finds, with receipts.

    `format`: fhir, csv or ocsf; `receipts`: `record` (default: proof, index row, record and their
    blinds), `proof` or `none`; and a search's parameters, oldest first unless `_sort` is `-date`.
    The next part: the same with `_cursor`, for as long as there is a `next`; a part may be empty.
    """
    authorized = context.authorize(request, "rs")
    format_name, receipts, search = _read_parameters(authorized)
    scope = f"\nexport\n{format_name}\n{receipts}"
    time, cursor = None, None
    if search.cursor is not None:
        form = _CURSOR.fullmatch(search.cursor)
        if form is None:
            raise RejectedSearchError("_cursor", "the next of a part, unchanged")
        time = int(form[1])
        cursor = authorized.read_cursor(search, form[2], f"{scope}\n{form[1]}")
    pinned = pin_digest(authorized, time, cursor)
    finder = authorized.finder(pinned.size)
    after = None if cursor is None else EntryPosition(cursor.time_ms, cursor.seq, 0)
    page = find_page(finder, search, after, authorized.has_time)
    if UNOPENED in page.warnings:
        raise VerificationError("the export would lack a record that does not open")
    if NO_TIME in page.warnings:
        raise RejectedSearchError("date", "dates that do not exclude each other")
    if page.warnings:  # without a period, more may match than was found
        raise RejectedSearchError(
            "date", "a period (date=ge2026-11): without one the export is not whole", "required"
        )
    entries: list[msgspec.Raw] = []
    reached = page.next
    size_bytes = 0
    lines = export_lines(authorized, format_name, receipts, pinned, page.found)
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
        "origin": authorized.ledger.origin,
        "size": pinned.size,
        "format": format_name,
        "search": matching_query(search),
        "checkpoint": pinned.checkpoint.decode(),
        "digest": pinned.digest,
        "entries": entries,
    }
    if warnings := alteration_warnings(authorized, finder):
        content["warnings"] = warnings
    if reached is not None:
        next_cursor = Cursor(pinned.size, reached.time_ms, reached.seq)
        written = authorized.write_cursor(search, next_cursor, f"{scope}\n{pinned.time}")
        content["next"] = f"{pinned.time}.{written}"
    answer = compressed_response(request, msgspec.json.encode(content), "application/json")
    patients = searched_patients(search)
    if cursor is None:
        authorized.record(patients, export=True)
    authorized.record(patients, shown=shown)
    return answer


def _read_parameters(authorized: AuthorizedRequest) -> tuple[str, str, Search]:
    own: dict[str, str] = {}
    pairs: list[tuple[str, str]] = []
    for name, value in authorized.request.query_pairs:
        if name not in ("format", "receipts"):
            pairs.append((name, value))
        elif name in own:
            raise RejectedSearchError(name, "this parameter once", "invalid")
        else:
            own[name] = value
    if own.get("format") not in FORMATS:
        raise RejectedSearchError("format", f"one of {', '.join(FORMATS)}")
    receipts = own.get("receipts", "record")
    if receipts not in RECEIPTS:
        raise RejectedSearchError("receipts", f"one of {', '.join(RECEIPTS)}")
    names = {name for name, _ in pairs}
    pairs += [pair for pair in _UNLESS_GIVEN if pair[0] not in names]
    # Strict: an ignored parameter would change the files without a notice.
    search = parse_search(pairs, is_strict=True, is_bounded_by_token=not authorized.sees_all)
    if "_count" not in names:
        search = msgspec.structs.replace(search, count=MAX_EVENTS)
    return own["format"], receipts, search


SCHEMAS: Json = {
    "ExportPart": closed_object(
        ["origin", "size", "format", "search", "checkpoint", "digest", "entries"],
        origin=TEXT_SCHEMA,
        size={**SIZE, "description": "The published size that all parts are pinned to."},
        format={"enum": list(FORMATS)},
        search={"type": "string", "description": "The search, as it was read."},
        warnings=WARNINGS,
        checkpoint={**TEXT_SCHEMA, "description": "Of that size; all receipts end with it."},
        digest={**TEXT_SCHEMA, "description": "The name of the digest that wraps it."},
        entries={
            "type": "array",
            "maxItems": MAX_EVENTS,
            "items": closed_object(
                ["entry", "file", "line"],
                entry=SIZE,
                file=TEXT_SCHEMA,
                line={**TEXT_SCHEMA, "description": "A line of the file, its end included."},
                receipt={**TEXT_SCHEMA, "description": "A line of the file `receipts`."},
            ),
        },
        next={**TEXT_SCHEMA, "description": "`_cursor` of the next part; absent at the end."},
    ),
}

_OPERATION: Json = {
    "operationId": "exportPart",
    "description": (
        "docs/decisions/0007-exports-in-parts.md describes how parts become files. Scopes as for a "
        "search, with `r` and `s`. Each part is recorded in the ledger, and the export."
    ),
    "parameters": [
        query("format", "The format.", {"enum": list(FORMATS)}, required=True),
        query("receipts", "What proves each entry.", {"enum": list(RECEIPTS)}),
        *(query(each.name, each.looks_at, TEXT_SCHEMA) for each in PARAMETERS),
        query("_count", OF_THE_ANSWER["_count"], {"type": "integer", "minimum": 1}),
        query("_sort", "The order; `date` unless given.", {"enum": ["date", "-date"]}),
        query("_cursor", "The `next` of a part.", TEXT_SCHEMA),
        ACCEPT_ENCODING,
    ],
    "responses": {
        "200": json_answer(f"A part: some {MAX_PART_BYTES:,} bytes at most.", "ExportPart"),
        "400": refusal("A parameter is not valid: it is named."),
        "404": refusal("Nothing is published yet."),
        "406": refusal("Only JSON is available."),
        "414": refusal("Too long a query."),
    },
}

ROUTES = {"GET /export": QueryRoute(get_export, _OPERATION, JSON_ONLY)}
