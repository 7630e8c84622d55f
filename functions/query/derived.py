"""What the follower keeps, for those who may ask: gaps of portals, findings, documents."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from audit_ledger.aws.views_table import DocumentEntries, FollowerCursor
from audit_ledger.errors import FormatError, LostRaceError, NotFoundError, UnreachableError
from audit_ledger.events.event_details import digest_of_ni
from audit_ledger.http.authorization import ForbiddenError
from audit_ledger.http.request import Request
from audit_ledger.http.responses import Response, json_response
from audit_ledger.instants import format_instant
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.records.pseudonyms import document_key
from audit_ledger.records.sealed_view import open_view
from audit_ledger.search.errors import RejectedSearchError
from audit_ledger.sequence_gaps import State, decode_counted, report
from audit_ledger.views import COMPLETENESS, RULES, StoredFinding, open_finding
from functions.query.access import AuthorizedRequest, QueryContext
from functions.query.altered_entries import altered
from functions.query.query_parameters import QueryParameters, instant_of

MAX_ENTRIES: Final = 100
MAX_READS: Final = 3
MAX_FINDINGS: Final = 99  # one more is read at once, to see whether there is a next page
_PLACE: Final = re.compile(r"([0-9]+) [0-9]+ ([0-9a-f]{64})")
_AFTER: Final = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")  # generation of the views, number
_DIGEST: Final = "ni:///sha-256; and 43 characters of base64url (RFC 6920)"


class _Asked(msgspec.Struct):
    digest: str


def post_documents_verify(desk: QueryContext, request: Request) -> Response:
    """POST /documents/verify: the entries that recorded a document, by its SHA-256; or none.

    Each is opened: what was erased recorded nothing any more, and who asks sees no other's. The
    first MAX_ENTRIES are shown; `more` says that others may have recorded it too.
    """
    question = desk.question(request, "s")
    digest = _digest_asked_for(request)
    finder = question.finder()
    keys = question.ledger.keys
    places = DocumentEntries((), more=False)
    if keys is not None:
        places = question.views.places(document_key(keys.index_key, digest))
    ids = event_ids(places.entries)
    more = places.more
    entries: list[dict[str, Any]] = []
    shown: list[OpenedEvent] = []
    for event_id in ids:
        if len(shown) == MAX_ENTRIES:
            more = True
            break
        found = finder.one(event_id)
        if found is None or digest not in found[1].event.details.digests:
            continue
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
    said = altered(question, finder)
    answered = {"entries": entries, **({"more": True} if more else {})}
    return json_response(200, {**answered, **({"warnings": said} if said else {})})


def event_ids(places: Iterable[str]) -> list[str]:
    """Return the event ids of lines `<seq> <block> <event id>`, by seq; FormatError for others."""
    found = []
    for place in places:
        form = _PLACE.fullmatch(place)
        if form is None:
            raise FormatError("views: a document's place is not of its form")
        found.append((int(form[1]), form[2]))
    return [event_id for _, event_id in sorted(found)]


def get_gaps(desk: QueryContext, request: Request) -> Response:
    """GET /portals/{id}/gaps: what of a portal's numbered events never came, and what came late."""
    question = desk.question(request, "s")
    _require_all(question)
    portal = request.path["id"]
    if portal not in question.ledger.rules:
        raise NotFoundError("the ledger has no portal of this id")
    question.record(())
    cursor, sealed = state_of(question, COMPLETENESS)
    keys = question.ledger.keys
    state = State()
    if sealed is not None and keys is not None:
        view = open_view(sealed, keys.ledger_keys, question.ledger.origin, COMPLETENESS)
        state = decode_counted(view).state
    rows = report(state)
    return json_response(
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
            "unread": rows.unread,
        },
    )


def state_of(question: AuthorizedRequest, name: str) -> tuple[FollowerCursor, bytes | None]:
    """Read a state and how far it goes; again where the follower moves on meanwhile."""
    for _ in range(MAX_READS):
        cursor = question.views.cursor()
        try:
            return cursor, question.views.state(cursor, name)
        except LostRaceError:
            continue
    raise UnreachableError("what is followed moves on all the time")


def get_findings(desk: QueryContext, request: Request) -> Response:
    """GET /findings?from=&to=: what the rules found, by the ledger's time; the last day without.

    Nobody is named: the entries say who and whom, to who reads them. A page has MAX_FINDINGS;
    `next` is the parameter `after` of the one that follows.
    """
    question = desk.question(request, "s")
    _require_all(question)
    given = QueryParameters(request, ("from", "to", "after"))
    to = instant_of(given, "to", question.now)
    first = instant_of(given, "from", to - 86_400)
    if first > to:
        raise RejectedSearchError(400, "value", "from", "an instant that is not after to")
    cursor = question.views.cursor()
    after = _after(given.get("after"), cursor.generation)
    question.record(())
    page = found_within(question, cursor, first, to, after)
    findings = []
    for _, finding in page[:MAX_FINDINGS]:
        shown = msgspec.to_builtins(finding)
        shown["ledger_time"] = format_instant(finding.ledger_time)
        del shown["last_block"]
        findings.append(shown)
    last = f"{cursor.generation}-{page[MAX_FINDINGS - 1][0]}" if len(page) > MAX_FINDINGS else ""
    more = {"next": last} if last else {}
    answer = {"findings": findings, "rules": rules_of(question), "followed": cursor.next_seq}
    return json_response(200, {**answer, **more})


def _after(text: str | None, generation: int) -> int:
    """Return the number of the last finding that was shown; -1 before the first page."""
    if text is None:
        return -1
    found = _AFTER.fullmatch(text)
    if found is None:
        raise RejectedSearchError(400, "value", "after", "the next of the page before")
    if int(found[1]) != generation:
        expected = "the first page again: the findings were made anew since, and have other numbers"
        raise RejectedSearchError(400, "value", "after", expected)
    return int(found[2])


def rules_of(question: AuthorizedRequest) -> list[dict[str, Any]]:
    """Say which rules run, and of the others which data they lack."""
    _, sealed = state_of(question, RULES)
    keys = question.ledger.keys
    if sealed is None or keys is None:
        return []
    view = open_view(sealed, keys.ledger_keys, question.ledger.origin, RULES)
    rules: dict[str, str | None] = msgspec.json.decode(view)
    return [
        {"rule": rule, "runs": why is None, **({} if why is None else {"lacks": why})}
        for rule, why in sorted(rules.items())
    ]


def found_within(
    question: AuthorizedRequest, cursor: FollowerCursor, first: int, to: int, after: int
) -> list[tuple[int, StoredFinding]]:
    """Return findings with their numbers, of entries within [first, to]: one more than a page.

    Those numbered up to `after` were shown. By bisection: ledger times never fall.
    """
    views, keys, origin = question.views, question.ledger.keys, question.ledger.origin
    if keys is None:
        return []

    def read(numbers: Sequence[int]) -> list[StoredFinding]:
        sealed = views.findings(cursor, numbers)
        return [
            open_finding(one, keys.ledger_keys, origin, cursor.generation, number)
            for number, one in zip(numbers, sealed, strict=True)
        ]

    begin = bisect_left(
        range(cursor.findings), first, key=lambda number: read([number])[0].ledger_time
    )
    begin = max(begin, after + 1)
    numbers = range(begin, min(begin + MAX_FINDINGS + 1, cursor.findings))
    found = zip(numbers, read(numbers), strict=True)
    return [(number, finding) for number, finding in found if finding.ledger_time <= to]


def _require_all(question: AuthorizedRequest) -> None:
    if not question.sees_all:
        raise ForbiddenError("the token is a patient's")


def _digest_asked_for(request: Request) -> bytes:
    request.require_media_type("application/json")
    try:
        asked = msgspec.json.decode(request.body, type=_Asked)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RejectedSearchError(
            400, "value", "the body", '{"digest": "ni:///sha-256;…"}'
        ) from None
    digest = digest_of_ni(asked.digest)
    if digest is None:
        raise RejectedSearchError(400, "value", "digest", _DIGEST)
    return digest
