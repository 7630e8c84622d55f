"""What the routes of what the follower keeps take and answer, in OpenAPI's words."""

from functions.query.routes import ROUTES
from functions.query.routes.documents import MAX_ENTRIES
from functions.query.routes.findings import MAX_FINDINGS
from infra.local.openapi_parts import (
    INSTANT,
    JSON,
    OUTCOME,
    REFUSED,
    SIZE,
    TEXT_SCHEMA,
    WARNINGS,
    Json,
    closed_object,
    content,
    first_line,
    object_of,
    path,
    query,
    schema,
)

_NOT_PATIENTS: Json = {
    "403": {"description": "The token does not allow it, or is a patient's.", "content": OUTCOME}
}
_STREAM = ("portal", "counter", "source", "first", "last", "received", "missing_events")
_GAP = ("portal", "counter", "source", "run", "first", "last", "missing_events", "is_exact")

SCHEMAS: Json = {
    "DocumentAsked": {
        **object_of(
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
    "Gaps": closed_object(
        ["followed", "streams", "gaps", "uncountable", "unwatched", "unread"],
        followed={**SIZE, "description": "Entries that were looked at."},
        streams={"type": "array", "items": object_of([*_STREAM])},
        gaps={
            "type": "array",
            "items": object_of(
                [*_GAP], first=SIZE, last=SIZE, missing_events=SIZE, noticed_time=INSTANT
            ),
        },
        uncountable={**SIZE, "description": "Events with a number that cannot be one."},
        unwatched={**SIZE, "description": "Events of streams beyond those that are watched."},
        unread={
            **SIZE,
            "description": "Records that nobody can open: their numbers seem missing.",
        },
    ),
    "Findings": closed_object(
        ["findings", "rules", "followed"],
        findings={"type": "array", "maxItems": MAX_FINDINGS, "items": schema("Finding")},
        rules={
            "type": "array",
            "items": closed_object(
                ["rule", "runs"],
                rule=TEXT_SCHEMA,
                runs={"type": "boolean"},
                lacks={**TEXT_SCHEMA, "description": "Why it does not run."},
            ),
        },
        followed={**SIZE, "description": "Entries that the rules have seen."},
        next={**TEXT_SCHEMA, "description": "The `after` of the next page; absent at the end."},
    ),
    "Finding": {
        **object_of(
            ["id", "rule", "severity", "entries", "event_ids", "ledger_time", "statement"],
            id=TEXT_SCHEMA,
            rule=TEXT_SCHEMA,
            severity=TEXT_SCHEMA,
            entries={"type": "array", "items": SIZE},
            event_ids={"type": "array", "items": TEXT_SCHEMA},
            ledger_time=INSTANT,
            statement=TEXT_SCHEMA,
            directory={**TEXT_SCHEMA, "description": "Which directory people were looked up in."},
        ),
        "description": "It names nobody: the entries do, to those who may read them.",
    },
}

OPERATIONS: dict[str, Json] = {
    "POST /documents/verify": {
        "operationId": "verifyDocument",
        "summary": first_line(ROUTES["POST /documents/verify"]),
        "description": "Scopes as for a search. It is recorded in the ledger.",
        "requestBody": {"required": True, "content": content("DocumentAsked", JSON)},
        "responses": {
            "200": {
                "description": "The entries that recorded it: none, if nobody did.",
                "content": content("DocumentEntries", JSON),
            },
            "400": {"description": "No digest of a document.", "content": OUTCOME},
            "413": {
                "description": "Over what the platform takes.",
                "content": content("Message", JSON),
            },
            "415": {"description": "Another media type or encoding.", "content": OUTCOME},
            **REFUSED,
        },
    },
    "GET /portals/{id}/gaps": {
        "operationId": "gaps",
        "summary": first_line(ROUTES["GET /portals/{id}/gaps"]),
        "description": "Scopes `system/AuditEvent.s` or `user/AuditEvent.s`. It is recorded.",
        "parameters": [path("id", "The portal.", {**TEXT_SCHEMA, "examples": ["ehr"]})],
        "responses": {
            "200": {"description": "Streams and gaps.", "content": content("Gaps", JSON)},
            "404": {
                "description": "The ledger has no such portal.",
                "content": {**OUTCOME, **content("Message", JSON)},
            },
            **REFUSED,
            **_NOT_PATIENTS,
        },
    },
    "GET /findings": {
        "operationId": "findings",
        "summary": first_line(ROUTES["GET /findings"]),
        "description": "Scopes as for gaps. It is recorded.",
        "parameters": [
            query("from", "The first instant; a day before `to` unless given.", INSTANT),
            query("to", "The last instant; now unless given.", INSTANT),
            query("after", "`next` of the page before.", TEXT_SCHEMA),
        ],
        "responses": {
            "200": {"description": "What the rules found.", "content": content("Findings", JSON)},
            "400": {
                "description": "No such instants or parameters; `next` of findings made anew.",
                "content": OUTCOME,
            },
            **REFUSED,
            **_NOT_PATIENTS,
        },
    },
}
