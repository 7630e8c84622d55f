"""POST /documents/verify: the entries that recorded a document."""

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from audit_ledger.errors import FormatError
from audit_ledger.events.ni_uri import digest_of_ni
from audit_ledger.http.openapi import (
    INSTANT,
    JSON,
    SIZE,
    WARNINGS,
    Json,
    closed_object,
    content,
    json_answer,
    open_object,
    refusal,
)
from audit_ledger.http.request import Request
from audit_ledger.http.responses import Response, json_response
from audit_ledger.instants import format_instant
from audit_ledger.ledger.follower_views import DocumentEntries
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.records.pseudonyms import document_key
from audit_ledger.search.errors import RejectedSearchError
from functions.query.access import QueryContext
from functions.query.altered_entries import alteration_warnings
from functions.query.route import JSON_ONLY, QueryRoute

MAX_ENTRIES: Final = 100
_PLACE: Final = re.compile(r"([0-9]+) [0-9]+ ([0-9a-f]{64})")
_DIGEST: Final = "ni:///sha-256; and 43 characters of base64url (RFC 6920)"


class _DocumentRequest(msgspec.Struct):
    digest: str


def post_documents_verify(context: QueryContext, request: Request) -> Response:
    """POST /documents/verify: the entries that recorded a document, by its SHA-256; or none.

    Each is opened, so that erased events and those that the caller may not see are left out. The
    first MAX_ENTRIES are shown; `more`: others may have recorded it too.
    """
    authorized = context.authorize(request, "s")
    digest = _requested_digest(request)
    finder = authorized.finder()
    keys = authorized.ledger.keys
    places = DocumentEntries((), more=False)
    if keys is not None:
        places = authorized.views.places(document_key(keys.index_key, digest))
    ids = parse_places(places.entries)
    more = places.more
    entries: list[dict[str, Any]] = []
    shown: list[OpenedEvent] = []
    for event_id in ids:
        if len(shown) == MAX_ENTRIES:
            more = True
            break
        found = finder.one(event_id)
        if found is None or digest not in found.event.details.digests:
            continue
        event = found.event
        shown.append(event)
        entries.append(
            {
                "id": event.event_id,
                "entry": event.seq,
                "time": format_instant(event.entry_time),
                "action": event.details.action,
                "types": [coded.code for coded in event.details.types],
            }
        )
    authorized.record((), shown=shown)
    warnings = alteration_warnings(authorized, finder)
    content = {"entries": entries, **({"more": True} if more else {})}
    return json_response(200, {**content, **({"warnings": warnings} if warnings else {})})


def parse_places(places: Iterable[str]) -> list[str]:
    """Return the event ids of lines `<seq> <block> <event id>`, by seq; FormatError for others."""
    found = []
    for place in places:
        form = _PLACE.fullmatch(place)
        if form is None:
            raise FormatError("views: a document's place is not of its form")
        found.append((int(form[1]), form[2]))
    return [event_id for _, event_id in sorted(found)]


def _requested_digest(request: Request) -> bytes:
    request.require_media_type("application/json")
    try:
        body = msgspec.json.decode(request.body, type=_DocumentRequest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RejectedSearchError("the body", '{"digest": "ni:///sha-256;…"}') from None
    digest = digest_of_ni(body.digest)
    if digest is None:
        raise RejectedSearchError("digest", _DIGEST)
    return digest


SCHEMAS: Json = {
    "DocumentAsked": {
        **open_object(
            ["digest"],
            digest={
                "type": "string",
                "pattern": "^ni:///sha-256;[A-Za-z0-9_-]{43}$",
                "examples": ["ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk"],
            },
        ),
        "description": "The SHA-256 of a document, as RFC 6920 spells it.",
    },
    "DocumentEntries": closed_object(
        ["entries"],
        entries={
            "type": "array",
            "maxItems": MAX_ENTRIES,
            "items": closed_object(
                ["id", "entry", "time", "action", "types"],
                id={"type": "string", "pattern": "^[0-9a-f]{64}$"},
                entry=SIZE,
                time=INSTANT,
                action={"type": ["string", "null"]},
                types={"type": "array", "items": {"type": "string"}},
            ),
        },
        warnings=WARNINGS,
        more={
            "const": True,
            "description": "Others may have recorded it too: see the search by entity.identifier.",
        },
    ),
}

_OPERATION: Json = {
    "operationId": "verifyDocument",
    "description": "Scopes as for a search. It is recorded in the ledger.",
    "requestBody": {"required": True, "content": content("DocumentAsked", JSON)},
    "responses": {
        "200": json_answer("The entries that recorded it, possibly none.", "DocumentEntries"),
        "400": refusal("Not the digest of a document."),
        "413": json_answer("Over what the platform takes.", "Message"),
        "415": refusal("Another media type or encoding."),
    },
}

ROUTES = {"POST /documents/verify": QueryRoute(post_documents_verify, _OPERATION, JSON_ONLY)}
