"""GET /AuditEvent and POST /AuditEvent/_search: IHE ITI-81, FHIR search."""

from dataclasses import replace

import msgspec

from audit_ledger.events.fhir_version import Release
from audit_ledger.http.negotiation import fhir_json
from audit_ledger.http.openapi import (
    FHIR_ANSWER,
    SIZE,
    TEXT_SCHEMA,
    Json,
    answer,
    closed_object,
    content,
    header,
    open_object,
    query,
    refusal,
    schema,
)
from audit_ledger.http.request import FORM, MAX_FIELDS, Request
from audit_ledger.http.responses import Response, make_response, spelled_bytes
from audit_ledger.ledger.index import EntryPosition
from audit_ledger.reading.search import NO_TIME, UNOPENED, Page, count_matches, find_page
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.search.bundle import BundleEntry, Issue, bundle_entry, remarks, searchset
from audit_ledger.search.criteria import MAX_COUNT, Search
from audit_ledger.search.cursor import Cursor
from audit_ledger.search.parameter_docs import OF_THE_ANSWER, PARAMETERS
from audit_ledger.search.parameters import MAX_QUERY_BYTES, MAX_VALUES, parse_search
from audit_ledger.search.query_plan import entry_period, event_period, searched_patients
from functions.query.access import QueryContext
from functions.query.altered_entries import alteration_warnings
from functions.query.audit_trail import ITI_81
from functions.query.route import QueryRoute
from functions.query.routes.audit_events import ACCEPT, OTHER_FORMAT

MAX_BYTES = 5_000_000
"""Of a page's events as they are shown with their remarks, in Lambda's spelling of a response, of
which it returns at most 6 MiB. Converted, an event may be ten times as large."""

_WARNINGS = {
    UNOPENED: (
        "incomplete: a record that does not open, or an index row of another entry, is left out; "
        "it was altered, or a table was restored"
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

    The page is found, the search is recorded, and then the response is sent.
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
    if search.cursor is not None:
        cursor = authorized.read_cursor(search, search.cursor)
        after, size = EntryPosition(cursor.time_ms, cursor.seq, 0), cursor.size
    finder = authorized.finder(size)
    page, total = Page((), None), None
    matches: list[BundleEntry] = []
    if not search.counts_only:
        page = find_page(finder, search, after, authorized.has_time)
        page, matches = fit_into_response(page, search, form.release)
    elif event_period(search).is_empty or entry_period(search).is_empty:
        page = Page((), None, (NO_TIME,))
    altered = alteration_warnings(authorized, finder)
    is_whole = after is None and page.next is None and not page.warnings
    if search.counts_only or (search.total == "accurate" and not is_whole):
        total = count_matches(finder, search, MAX_COUNTED, authorized.has_time)
    elif is_whole and search.total != "none":
        total = len(page.found)
    total = None if altered else total
    is_uncounted = total is None and (search.counts_only or search.total == "accurate")
    shown = [opened.event for opened in page.found]
    authorized.record(searched_patients(search), ITI_81, shown=shown)
    next_cursor = None
    if page.next is not None:
        reached = Cursor(finder.log.size, page.next.time_ms, page.next.seq)
        next_cursor = authorized.write_cursor(search, reached)
    bundle = searchset(
        search,
        matches,
        base=request.base,
        release=form.release,
        next_cursor=next_cursor,
        warnings=[
            *(Issue("warning", "incomplete", _WARNINGS[code]) for code in page.warnings),
            *(Issue("warning", "incomplete", text) for text in altered),
            *((_OWN_USE_LEFT_OUT,) if page.lacks_own_use else ()),
            *((_NOT_COUNTED,) if is_uncounted else ()),
        ],
        total=total,
    )
    return make_response(200, bundle.body, form.version if bundle.release else "")


def post_search(context: QueryContext, request: Request) -> Response:
    """POST /AuditEvent/_search: the same, with parameters in a form, in the query string, or both.

    No log of a proxy then contains what identifies a patient.
    """
    if request.body:
        request.require_media_type(FORM)
    return get_audit_events(context, request)


def fit_into_response(
    page: Page, search: Search, release: Release
) -> tuple[Page, list[BundleEntry]]:
    """End a page before its events exceed a response's limit; the first is always in it."""
    repeats = _repeated_events(page)
    size_bytes = 0
    matches: list[BundleEntry] = []
    for opened in page.found:
        match = bundle_entry(opened.event, search, release, repeats[opened.event.event_id])
        size_bytes += spelled_bytes(match.shown.body)
        size_bytes += sum(
            spelled_bytes(msgspec.json.encode(text)) for _, text in remarks(match, release)
        )
        if matches and size_bytes > MAX_BYTES:
            last = page.found[len(matches) - 1]
            reached = EntryPosition(last.event.time_ms, last.event.seq, 0)
            return replace(page, found=page.found[: len(matches)], next=reached), matches
        matches.append(match)
    return page, matches


def _repeated_events(page: Page) -> dict[str, str | None]:
    """Return by event id the earliest event of the page that the event repeats word for word."""
    first: dict[tuple[str, bytes], OpenedEvent] = {}
    for event in sorted((opened.event for opened in page.found), key=lambda event: event.seq):
        first.setdefault((event.portal, event.resource), event)
    repeated: dict[str, str | None] = {}
    for event in (opened.event for opened in page.found):
        earliest = first[event.portal, event.resource]
        repeated[event.event_id] = None if earliest is event else earliest.event_id
    return repeated


_DATE = {
    "type": "string",
    "pattern": (
        "^(eq|ge|gt|le|lt|sa|eb)?[0-9]{4}(-[0-9]{2}(-[0-9]{2}"
        "(T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?)?)?$"
    ),
    "examples": ["ge2026-11-22"],
}


def _criterion(name: str, of: str, looks_at: str) -> Json:
    """Describe a parameter that may be repeated: all of its values must match."""
    value = _DATE if of == "date" else TEXT_SCHEMA
    return query(name, f"{of}: {looks_at}", {"type": "array", "items": value})


_OF_THE_ANSWER: dict[str, Json] = {
    "_count": {"type": "integer", "minimum": 0},
    "_total": {"enum": ["none", "estimate", "accurate"]},
    "_summary": {"enum": ["count", "false"]},
    "_elements": TEXT_SCHEMA,
    "own-use": {"enum": ["include", "exclude", "only"]},
    "_sort": {"enum": ["date", "-date"]},
    "_format": {"enum": ["json", FHIR_ANSWER]},
    "_cursor": TEXT_SCHEMA,
}
_HANDLING = header(
    "Prefer",
    "Whether unknown parameters are refused, or ignored with a warning.",
    {"enum": ["handling=strict", "handling=lenient"]},
)

_SEARCHED: Json = {
    "200": answer("A page of the results.", content("Searchset", FHIR_ANSWER)),
    "400": refusal(
        "A parameter is not valid: it is named, with the expected form. "
        f"At most {MAX_FIELDS} parameters and {MAX_VALUES} values."
    ),
    **OTHER_FORMAT,
    "414": refusal(f"Over {MAX_QUERY_BYTES:,} bytes of query."),
}

SCHEMAS: Json = {
    "Searchset": open_object(
        ["resourceType", "type", "link"],
        resourceType={"const": "Bundle"},
        type={"const": "searchset"},
        total={**SIZE, "description": "How many match, where all were counted."},
        link={
            "type": "array",
            "minItems": 1,
            "maxItems": 2,
            "items": closed_object(
                ["relation", "url"],
                relation={"enum": ["self", "next"]},
                url={"type": "string"},
            ),
        },
        entry={
            "type": "array",
            "maxItems": MAX_COUNT + 1,
            "items": closed_object(
                ["resource", "search"],
                fullUrl={"type": "string"},
                resource={"anyOf": [schema("StoredAuditEvent"), schema("OperationOutcome")]},
                search=closed_object(["mode"], mode={"enum": ["match", "outcome"]}),
            ),
        },
    ),
}

ROUTES = {
    "GET /AuditEvent": QueryRoute(
        get_audit_events,
        {
            "operationId": "searchAuditEvents",
            "description": (
                "See docs/search.md. Scopes: `system/AuditEvent.s` or `user/AuditEvent.s` for "
                "all, `patient/AuditEvent.s` for what concerns the token's patient. Unless so "
                "bounded it needs `date`, `_id`, or a patient or agent who can be looked up. It"
                " is recorded in the ledger."
            ),
            "parameters": [
                *(_criterion(each.name, each.type, each.looks_at) for each in PARAMETERS),
                *(
                    query(f"address:{modifier}", f"string: {means}", TEXT_SCHEMA)
                    for modifier, means in (
                        ("exact", "the whole address"),
                        ("contains", "part of it"),
                    )
                ),
                *(query(name, OF_THE_ANSWER[name], of) for name, of in _OF_THE_ANSWER.items()),
                ACCEPT,
                _HANDLING,
            ],
            "responses": _SEARCHED,
        },
    ),
    "POST /AuditEvent/_search": QueryRoute(
        post_search,
        {
            "operationId": "searchAuditEventsByForm",
            "description": "The parameters of `GET /AuditEvent`, and what it answers.",
            "parameters": [ACCEPT, _HANDLING],
            "requestBody": {"content": {FORM: {"schema": {"type": "object"}}}},
            "responses": {
                **_SEARCHED,
                "415": refusal("Not a form."),
            },
        },
    ),
}
