"""GET /portals/{id}/gaps: events with a sequence number that never came."""

import msgspec

from audit_ledger.errors import NotFoundError
from audit_ledger.http.openapi import (
    INSTANT,
    JSON,
    NOT_PATIENTS,
    OUTCOME,
    SIZE,
    TEXT_SCHEMA,
    Json,
    answer,
    closed_object,
    content,
    json_answer,
    open_object,
    path,
)
from audit_ledger.http.request import Request
from audit_ledger.http.responses import Response, json_response
from audit_ledger.instants import format_instant
from audit_ledger.sequence_gaps.counters import parse_counted_state
from audit_ledger.sequence_gaps.report import gap_report
from audit_ledger.sequence_gaps.state import GapState
from audit_ledger.views.state_names import COMPLETENESS
from functions.query.access import QueryContext
from functions.query.follower_state import read_state
from functions.query.route import JSON_ONLY, QueryRoute


def get_gaps(context: QueryContext, request: Request) -> Response:
    """GET /portals/{id}/gaps: what of a portal's numbered events never came, and what came late."""
    authorized = context.authorize(request, "s")
    authorized.refuse_patients()
    portal = request.path["id"]
    if portal not in authorized.ledger.rules:
        raise NotFoundError("the ledger has no portal of this id")
    authorized.record(())
    cursor, state = read_state(authorized, COMPLETENESS)
    rows = gap_report(GapState() if state is None else parse_counted_state(state).state)
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


_STREAM = ("portal", "counter", "source", "first", "last", "received", "missing_events")
_GAP = ("portal", "counter", "source", "run", "first", "last", "missing_events", "is_exact")
SCHEMAS: Json = {
    "Gaps": closed_object(
        ["followed", "streams", "gaps", "uncountable", "unwatched", "unread"],
        followed={**SIZE, "description": "Entries that were looked at."},
        streams={"type": "array", "items": open_object([*_STREAM])},
        gaps={
            "type": "array",
            "items": open_object(
                [*_GAP], first=SIZE, last=SIZE, missing_events=SIZE, noticed_time=INSTANT
            ),
        },
        uncountable={**SIZE, "description": "Events with a number that cannot be one."},
        unwatched={**SIZE, "description": "Events of streams beyond those that are watched."},
        unread={
            **SIZE,
            "description": "Records that cannot be opened: their numbers seem missing.",
        },
    ),
}

_OPERATION: Json = {
    "operationId": "gaps",
    "description": "Scopes `system/AuditEvent.s` or `user/AuditEvent.s`. It is recorded.",
    "parameters": [path("id", "The portal.", {**TEXT_SCHEMA, "examples": ["ehr"]})],
    "responses": {
        "200": json_answer("Streams and gaps.", "Gaps"),
        "404": answer("The ledger has no such portal.", {**OUTCOME, **content("Message", JSON)}),
        **NOT_PATIENTS,
    },
}

ROUTES = {"GET /portals/{id}/gaps": QueryRoute(get_gaps, _OPERATION, JSON_ONLY)}
