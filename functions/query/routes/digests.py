"""GET /digests and GET /digests/latest: the digests of a ledger."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from audit_ledger.aws.objects import LedgerObjects
from audit_ledger.errors import NotFoundError
from audit_ledger.http.openapi import (
    HASH,
    INSTANT,
    NOT_PUBLISHED,
    SIZE,
    TEXT_SCHEMA,
    Json,
    closed_object,
    json_answer,
    query,
    refusal,
    schema,
)
from audit_ledger.http.request import Request
from audit_ledger.http.responses import Response, json_response
from audit_ledger.instants import format_instant
from audit_ledger.ledger.digest_name import LATEST, digest_name, is_digest_name
from audit_ledger.ledger.signed_digest import parse_signed_digest
from audit_ledger.search.errors import RejectedSearchError
from audit_ledger.tlog import strict_base64
from functions.query.access import QueryContext
from functions.query.query_parameters import QueryParameters, instant_of
from functions.query.route import JSON_ONLY, QueryRoute

MAX_DIGESTS = 60  # of a response: an hour of a busy ledger
MAX_DAYS = 366


def get_latest_digest(context: QueryContext, request: Request) -> Response:
    """GET /digests/latest: the newest digest."""
    ledger = context.admit(request.access)
    note = ledger.published.read(LATEST)
    if note is None:
        raise NotFoundError("nothing is published yet")
    return json_response(200, _digest(note))


def get_digests(context: QueryContext, request: Request) -> Response:
    """GET /digests?from=&to=: the digests whose period ends within, in order, an hour's worth.

    `next` is the `from` of the next page, absent at the end.
    """
    ledger = context.admit(request.access)
    parameters = QueryParameters(request, ("from", "to"))
    to = instant_of(parameters, "to", context.now())
    first = instant_of(parameters, "from", to - 3600)
    if not first <= to <= first + MAX_DAYS * 86_400:
        raise RejectedSearchError("from", f"an instant at most {MAX_DAYS} days before to")
    digests: list[dict[str, Any]] = []
    more: str | None = None
    for name in digest_names(context.objects(ledger.id), first, to):
        note = ledger.published.read(name)
        if note is None:
            continue
        digest = _digest(note)
        if len(digests) == MAX_DIGESTS:
            more = digest["to"]
            break
        digests.append(digest)
    return json_response(200, {"digests": digests, **({} if more is None else {"next": more})})


def _digest(note: bytes) -> dict[str, Any]:
    digest = parse_signed_digest(note).digest
    return {
        "name": digest.name,
        "origin": digest.origin,
        "from": format_instant(digest.period_from),
        "to": format_instant(digest.period_to),
        "size_before": digest.size_before,
        "size_after": digest.size_after,
        "root": strict_base64.encode(digest.root),
        "index": strict_base64.encode(digest.index),
        "entries": digest.entries,
        "control_entries": digest.control_entries,
        "blocks": digest.blocks,
        "followed": digest.followed,
        "missing_events": digest.missing_events,
        "missing_portals": digest.missing_portals,
        "previous": digest.previous_name or None,
        "note": note.decode(),
    }


def digest_names(objects: LedgerObjects, first: int, to: int) -> Iterator[str]:
    """Return the names of digests that end within [first, to], in order: by end, then by size."""
    before_first, last = (digest_name(moment, 0).removesuffix("-0") for moment in (first, to))
    listed = filter(is_digest_name, objects.names("digests/", before_first))
    for end, same_end in groupby(listed, lambda name: name.rpartition("-")[0]):
        if end > last:
            return
        yield from sorted(same_end, key=lambda name: int(name.rpartition("-")[2]))


_DIGEST: Json = {
    "name": TEXT_SCHEMA,
    "origin": TEXT_SCHEMA,
    "from": INSTANT,
    "to": INSTANT,
    "size_before": SIZE,
    "size_after": SIZE,
    "root": HASH,
    "index": {**HASH, "description": "The hash of the index of the first `size_after` entries."},
    "entries": SIZE,
    "control_entries": SIZE,
    "blocks": SIZE,
    "followed": SIZE,
    "missing_events": {
        **SIZE,
        "description": "Numbered events that never came, of those followed; of each portal "
        "999,999,999 count at most.",
    },
    "missing_portals": {**SIZE, "description": "How many portals lack some."},
    "previous": {"type": ["string", "null"]},
    "note": {**TEXT_SCHEMA, "description": "The digest itself, signed: all else is from it."},
}
SCHEMAS: Json = {
    "Digest": closed_object([*_DIGEST], **_DIGEST),
    "Digests": closed_object(
        ["digests"],
        digests={"type": "array", "maxItems": MAX_DIGESTS, "items": schema("Digest")},
        next={**INSTANT, "description": "The `from` of what follows; absent at the end."},
    ),
}

ROUTES = {
    "GET /digests": QueryRoute(
        get_digests,
        {
            "operationId": "digests",
            "description": f"An hour up to `to`, unless `from` is given: {MAX_DAYS} days at most.",
            "parameters": [
                query("from", "The first instant; to the second, UTC.", INSTANT),
                query("to", "The last instant; by default now.", INSTANT),
            ],
            "responses": {
                "200": json_answer(f"At most {MAX_DIGESTS} digests.", "Digests"),
                "400": refusal("The instants are not valid."),
            },
        },
        JSON_ONLY,
    ),
    "GET /digests/latest": QueryRoute(
        get_latest_digest,
        {
            "operationId": "latestDigest",
            "parameters": [],
            "responses": {
                "200": json_answer("The digest.", "Digest"),
                **NOT_PUBLISHED,
            },
        },
        JSON_ONLY,
    ),
}
