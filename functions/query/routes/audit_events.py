"""GET /AuditEvent and GET /AuditEvent/{id}: IHE ITI-81, FHIR search and read."""

from collections import defaultdict
from dataclasses import replace

import msgspec

from audit_ledger.aws.events_search import EntryPosition
from audit_ledger.errors import NotFoundError
from audit_ledger.events.fhir_version import Release
from audit_ledger.http.negotiation import fhir_json, version_of
from audit_ledger.http.request import FORM, Request
from audit_ledger.http.responses import FHIR_VERSIONS, Response, make_response, spelled_bytes
from audit_ledger.reading.record_opener import OpenedRecord
from audit_ledger.search.bundle import BundleEntry, Issue, Shown, as_shown, remarks, searchset
from audit_ledger.search.criteria import Search
from audit_ledger.search.cursor import Cursor, decode_cursor, encode_cursor, search_binding
from audit_ledger.search.errors import RejectedSearchError
from audit_ledger.search.parameters import parse_search
from audit_ledger.search.query_plan import entry_period, event_period, searched_patients
from audit_ledger.search.resource_view import shown_event
from functions.query.access import NO_SUCH_EVENT, QueryContext
from functions.query.altered_entries import altered, require_found
from functions.query.audit_trail import ITI_81
from functions.query.event_ids import event_id_of
from functions.query.event_version import VERSION, version_headers
from functions.query.find import NO_TIME, UNOPENED, Page

MAX_BYTES = 5_000_000
"""Of a page's events as they are shown, and of what is said of each, spelled as Lambda spells an
answer: of that it gives back 6 MiB. An event of the other release may be ten times what it was."""

_WARNINGS = {
    UNOPENED: (
        "something is left out: a record that does not open, or an index row that leads elsewhere; "
        "somebody altered it, or a table was restored"
    ),
    NO_TIME: "the dates exclude each other: no time is in all of them",
    "agent.incomplete": (
        "an agent is indexed by the best name of each event: events that also name it otherwise "
        "may be missing; add date to be sure"
    ),
    "patient.incomplete": (
        "some portals of this ledger name patients otherwise: their events may be missing; add "
        "date to be sure"
    ),
    "patient.unresolved": (
        "no portal of this ledger names patients like this: add date to look into every event"
    ),
}


MAX_COUNTED = 20_000
"""Candidates that are opened for a total."""

_NOT_COUNTED = Issue(
    "warning",
    "too-costly",
    f"total: not counted, since over {MAX_COUNTED:,} events, or some that do not open or may not "
    "be found, would have to be looked at: a shorter period can be",
)
_OWN_USE_LEFT_OUT = Issue(
    "information",
    "informational",
    "own-use: the uses of this ledger that it records itself are left out; include shows them",
)


def get_audit_events(context: QueryContext, request: Request) -> Response:
    """GET /AuditEvent: a page of a search (IHE ITI-81).

    The page is found, the search is recorded, and then it is answered.
    """
    authorized = context.authorize(request, "s")
    form = fhir_json(request)
    search = parse_search(
        request.pairs,
        is_strict=request.handles_strictly,
        is_bounded_by_token=not authorized.sees_all,
    )
    after: EntryPosition | None = None
    size: int | None = None
    binding = search_binding(search, origin=authorized.ledger.origin, scope=authorized.scope)
    keys = authorized.ledger.keys
    if search.cursor is not None:
        if keys is None:
            raise RejectedSearchError(400, "value", "_cursor", "the cursor of a link next")
        cursor = decode_cursor(keys.index_key, search.cursor, binding)
        after, size = EntryPosition(cursor.time_ms, cursor.seq, 0), cursor.size
    finder = authorized.finder(size)
    page, total = Page((), None), None
    found: list[Shown] = []
    if not search.counts_only:
        page = finder.page(search, after, authorized.has_time)
        page, found = within_an_answer(page, search, form.release)
    elif event_period(search).is_empty or entry_period(search).is_empty:
        page = Page((), None, (NO_TIME,))
    said = altered(authorized, finder)
    is_whole = after is None and page.next is None and not page.warnings
    if search.counts_only or (search.total == "accurate" and not is_whole):
        total = finder.count(search, MAX_COUNTED, authorized.has_time)
    elif is_whole and search.total != "none":
        total = len(page.found)
    total = None if said else total
    is_uncounted = total is None and (search.counts_only or search.total == "accurate")
    shown = [opened.event for opened in page.found]
    authorized.record(searched_patients(search), ITI_81, shown=shown)
    next_cursor = None
    if page.next is not None and keys is not None:
        reached = Cursor(finder.log.size, page.next.time_ms, page.next.seq)
        next_cursor = encode_cursor(keys.index_key, reached, binding)
    bundle = searchset(
        search,
        found,
        base=request.base,
        release=form.release,
        next_cursor=next_cursor,
        warnings=[
            *(Issue("warning", "incomplete", _WARNINGS[code]) for code in page.warnings),
            *(Issue("warning", "incomplete", text) for text in said),
            *((_OWN_USE_LEFT_OUT,) if page.lacks_own_use else ()),
            *((_NOT_COUNTED,) if is_uncounted else ()),
        ],
        total=total,
    )
    return make_response(200, bundle.body, form.version if bundle.release else "")


def post_search(context: QueryContext, request: Request) -> Response:
    """POST /AuditEvent/_search: the same, with parameters in a form, in the query string, or both.

    So that no log of a proxy has what identifies a patient.
    """
    if request.body:
        request.require_media_type(FORM)
    return get_audit_events(context, request)


def get_submitted(context: QueryContext, request: Request) -> Response:
    """GET /AuditEvent/{id}/$submitted: the bytes that were submitted, which a receipt proves."""
    authorized = context.authorize(request, "r")
    if request.path["operation"] != "$submitted":  # route keys have no place for a dollar sign
        raise NotFoundError("AuditEvent has one operation here: $submitted")
    finder = authorized.finder()
    found = finder.one(event_id_of(request, finder.log))
    if found is None:
        raise require_found(authorized, finder)
    event = found[1].event
    authorized.record((), shown=[event])
    if event.format == "cloudevents":
        headers = {"Content-Type": "application/cloudevents+json"}
        return {"statusCode": 200, "headers": headers, "body": event.resource.decode()}
    return make_response(200, event.resource, FHIR_VERSIONS[event.format])


def get_audit_event(context: QueryContext, request: Request) -> Response:
    """GET /AuditEvent/{id}: one event, as R4 unless R5 is asked for."""
    authorized = context.authorize(request, "r")
    form = fhir_json(request)
    finder = authorized.finder()
    found = finder.one(event_id_of(request, finder.log))
    if found is None:
        raise require_found(authorized, finder)
    _, opened = found
    shown = shown_event(opened.event, form.release)
    authorized.record((), ITI_81, shown=[opened.event])
    return make_response(
        200, shown.body, version_of(shown.release, form), version_headers(opened.event)
    )


def get_audit_event_version(context: QueryContext, request: Request) -> Response:
    """GET /AuditEvent/{id}/_history/{version}: one event, by its only version, 1."""
    context.authorize(request, "r")
    if request.path["version"] != VERSION:
        raise NotFoundError(NO_SUCH_EVENT)
    return get_audit_event(context, request)


def within_an_answer(page: Page, search: Search, release: Release) -> tuple[Page, list[Shown]]:
    """End a page before its events are more than an answer holds; the first is always in it."""
    size_bytes = 0
    found: list[Shown] = []
    for each in _with_repeats(page):
        one = as_shown(each, search, release)
        size_bytes += spelled_bytes(one.event.body)
        size_bytes += sum(
            spelled_bytes(msgspec.json.encode(words)) for _, words in remarks(one, release)
        )
        if found and size_bytes > MAX_BYTES:
            last = found[-1].found.opened
            reached = EntryPosition(last.time_ms, last.seq, 0)
            return replace(page, found=page.found[: len(found)], next=reached), found
        found.append(one)
    return page, found


def _with_repeats(page: Page) -> list[BundleEntry]:
    """Say of each event whether it repeats an earlier entry of the page, word for word."""
    by_content: defaultdict[tuple[str, bytes], list[OpenedRecord]] = defaultdict(list)
    for opened in page.found:
        by_content[opened.event.portal, opened.event.resource].append(opened)
    first = {
        key: min(same, key=lambda opened: opened.event.seq) for key, same in by_content.items()
    }
    found = []
    for opened in page.found:
        earliest = first[opened.event.portal, opened.event.resource].event
        repeats = None if earliest.seq == opened.event.seq else earliest.event_id
        found.append(BundleEntry(opened.event, repeats))
    return found
