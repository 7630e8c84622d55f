"""What the follower keeps, for those who may ask: gaps of portals, findings, documents."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from audit_ledger.access import ForbiddenError
from audit_ledger.completeness import decode_state, report
from audit_ledger.errors import FormatError, NotFoundError
from audit_ledger.events.details import digest_of_ni
from audit_ledger.http.answers import Answer, json_answer
from audit_ledger.http.request import Request
from audit_ledger.instants import format_instant
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.records.pseudonyms import document_key
from audit_ledger.records.sealed_view import open_view
from audit_ledger.search.rejected import RejectedSearch
from functions.query.asked import Desk, Question, instant_of

COMPLETENESS: Final = "completeness"  # as functions.follower.follow names it
MOST_DAYS: Final = 31
MOST_ENTRIES: Final = 100
_PLACE: Final = re.compile(r"([0-9]+) [0-9]+ ([0-9a-f]{64})")
_DIGEST: Final = "ni:///sha-256; and 43 characters of base64url (RFC 6920)"


class _Asked(msgspec.Struct):
    digest: str


def post_documents_verify(desk: Desk, request: Request) -> Answer:
    """POST /documents/verify: the entries that recorded a document, by its SHA-256; or none.

    Each is opened: what was erased recorded nothing any more, and who asks sees no other's.
    """
    question = desk.question(request, "s")
    digest = _digest_asked_for(request)
    finder = question.finder()
    keys = question.ledger.keys
    places = [] if keys is None else question.views.places(document_key(keys.index_key, digest))
    entries: list[dict[str, Any]] = []
    shown: list[OpenedEvent] = []
    for event_id in event_ids(places):
        found = finder.one(event_id)
        if found is None or digest not in found[1].event.details.digests:
            continue
        if len(shown) == MOST_ENTRIES:
            break
        event = found[1].event
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
    question.record((), shown=shown)
    return json_answer(200, {"entries": entries})


def event_ids(places: Iterable[str]) -> list[str]:
    """Give the event ids of places, `<seq> <block> <event id>`, by seq; FormatError for others."""
    found = []
    for place in places:
        form = _PLACE.fullmatch(place)
        if form is None:
            raise FormatError("views: a document's place is not of its form")
        found.append((int(form[1]), form[2]))
    return [event_id for _, event_id in sorted(found)]


def get_gaps(desk: Desk, request: Request) -> Answer:
    """GET /portals/{id}/gaps: what of a portal's numbered events never came, and what came late."""
    question = desk.question(request, "s")
    _require_all(question)
    portal = request.path["id"]
    if portal not in question.ledger.rules:
        raise NotFoundError("the ledger has no portal of this id")
    question.record(())
    cursor = question.views.cursor()
    sealed, keys = question.views.state(cursor, COMPLETENESS), question.ledger.keys
    if sealed is None or keys is None:
        return json_answer(200, {"followed": cursor.next_seq, "streams": [], "gaps": []})
    view = open_view(sealed, keys.ledger_keys, question.ledger.origin, COMPLETENESS)
    rows = report(decode_state(view))
    return json_answer(
        200,
        {
            "followed": cursor.next_seq,
            "streams": [msgspec.to_builtins(row) for row in rows.streams if row.portal == portal],
            "gaps": [
                {
                    **msgspec.to_builtins(gap),
                    "noticed_time": format_instant(gap.noticed_time),
                }
                for gap in rows.gaps
                if gap.portal == portal
            ],
            "uncountable": rows.uncountable.get(portal, 0),
            "unwatched": rows.unwatched.get(portal, 0),
        },
    )


def get_findings(desk: Desk, request: Request) -> Answer:
    """GET /findings?from=&to=: what the rules found, by the ledger's time; the last day without.

    Nobody is named: the entries say who and whom, to who reads them.
    """
    question = desk.question(request, "s")
    _require_all(question)
    given = dict(request.query_pairs)
    to = instant_of(given, "to", question.now)
    first = instant_of(given, "from", to - 86_400)
    if not first <= to <= first + MOST_DAYS * 86_400:
        raise RejectedSearch(400, "value", "from", f"an instant at most {MOST_DAYS} days before to")
    question.record(())
    kept = question.views.findings(_hours(first, to))
    findings: list[dict[str, Any]] = [
        {"id": id_, **msgspec.json.decode(finding)} for id_, finding in kept.items()
    ]
    chosen = [finding for finding in findings if first <= finding["ledger_time"] <= to]
    chosen.sort(key=lambda finding: (finding["ledger_time"], finding["id"]))
    for finding in chosen:
        finding["ledger_time"] = format_instant(finding["ledger_time"])
        del finding["last_block"]
    return json_answer(200, {"findings": chosen})


def _require_all(question: Question) -> None:
    if not question.sees_all:
        raise ForbiddenError("the token is a patient's")


def _digest_asked_for(request: Request) -> bytes:
    request.require_media_type("application/json")
    try:
        asked = msgspec.json.decode(request.body, type=_Asked)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RejectedSearch(400, "value", "the body", '{"digest": "ni:///sha-256;…"}') from None
    digest = digest_of_ni(asked.digest)
    if digest is None:
        raise RejectedSearch(400, "value", "digest", _DIGEST)
    return digest


def _hours(first: int, to: int) -> list[str]:
    """Give the hours that a period touches, as findings are kept under."""
    return [
        datetime.fromtimestamp(hour * 3600, UTC).strftime("%Y-%m-%dT%H")
        for hour in range(first // 3600, to // 3600 + 1)
    ]
