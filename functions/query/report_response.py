"""Responses with reports: each is rendered, recorded, and then returned."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from audit_ledger.events import PatientReference
from audit_ledger.events.canonical_patients import accepted_names, may_have_other_names
from audit_ledger.http.openapi import (
    JSON,
    SIZE,
    TEXT_SCHEMA,
    Json,
    content,
    open_object,
    refusal,
)
from audit_ledger.http.responses import Response
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.reports.document import Cover, Document
from audit_ledger.reports.html import to_html
from audit_ledger.reports.rendering import to_csv, to_json
from audit_ledger.search.errors import RejectedSearchError
from functions.query.access import AuthorizedRequest
from functions.query.altered_entries import alteration_warnings
from functions.query.compressed_response import compressed_response
from functions.query.query_parameters import QueryParameters
from functions.query.report_events import MAX_EVENTS
from functions.query.report_request import MEDIA_TYPES, Form, Times

_OTHER_NAMES = (
    "Portals of this ledger identify patients by {}. This report contains only events under the "
    "names that it was requested with: events of the same patient under another name are missing."
)


def make_cover(authorized: AuthorizedRequest, times: Times, about: str) -> Cover:
    """Return the cover of a report that is made now."""
    return Cover(authorized.ledger.origin, about, times.period, authorized.now * 1000, times.zone)


def patient_names(patients: tuple[PatientReference, ...]) -> str:
    """Return all names of the patients, as one text."""
    return ", ".join(name for patient in patients for name in patient.names)


def _other_names(
    authorized: AuthorizedRequest, patients: Sequence[PatientReference]
) -> tuple[str, ...]:
    """Return a warning if portals name patients in a form that none of these names has."""
    rules = authorized.ledger.rules.values()
    identifiers = tuple(pair for each in patients for pair in each.identifiers)
    reference = next((each.reference for each in patients if each.reference is not None), None)
    together = PatientReference(reference, identifiers)
    lacks_reference = reference is None and any(rule.namespace is not None for rule in rules)
    if not patients or not (lacks_reference or may_have_other_names(rules, together)):
        return ()
    return (_OTHER_NAMES.format(accepted_names(rules)),)


def report_response(
    authorized: AuthorizedRequest,
    parameters: QueryParameters,
    form: Form,
    document: Document,
    patients: Sequence[PatientReference],
    shown: Sequence[OpenedEvent] = (),
    warnings: tuple[str, ...] = (),
) -> Response:
    """Render, record, and return a report, in this order: if too large, it is not recorded.

    `patients`: named in the request; `shown`: the events in the report; `warnings`: about events
    that may be missing.
    """
    warnings = (
        *alteration_warnings(authorized, authorized.finder()),
        *_other_names(authorized, patients),
        *warnings,
    )
    document = msgspec.structs.replace(document, notes=(*warnings, *document.notes))
    table = parameters.get("table")
    if table is not None and (form != "csv" or table not in {t.key for t in document.tables}):
        tables = ", ".join(each.key for each in document.tables)
        raise RejectedSearchError("table", f"with _format=csv one of {tables}")
    written: Mapping[Form, Callable[[], bytes]] = {
        "json": lambda: to_json(document),
        "csv": lambda: to_csv(document, table, warnings),
        "html": lambda: to_html(document),
    }
    file_name = f"{document.kind}.csv" if form == "csv" else ""
    answer = compressed_response(authorized.request, written[form](), MEDIA_TYPES[form], file_name)
    authorized.record(patients, shown=shown)
    return answer


_FACTS = ("report", "title", "about", "from", "to", "zone", "origin", "made")
_ROWS = {"type": "array", "items": {"type": "object"}}


def describe_report(*tables: str, **facts: Json) -> Json:
    """Describe a report with these tables and additional facts, for OpenAPI."""
    return open_object(
        [*_FACTS, *facts, *tables, "notes", "verify"],
        entries={
            **SIZE,
            "description": "How many entries it was made from; of accountings by the day, absent.",
        },
        zone=TEXT_SCHEMA,
        origin=TEXT_SCHEMA,
        **facts,
        **dict.fromkeys(tables, _ROWS),
    )


_REFUSED: Json = {
    "400": refusal("A parameter is not valid: it is named."),
    "406": refusal("None of these forms."),
    "413": refusal(
        f"It would look at more than {MAX_EVENTS:,} events, or take too long, or "
        "be larger than a response: request a shorter period."
    ),
}


def describe_responses(name: str) -> Json:
    """Describe the responses of a report, by the name of its schema."""
    return {
        "200": {
            "description": "The report.",
            "content": {**content(name, JSON), "text/csv": {}, "text/html": {}},
        },
        **_REFUSED,
    }
