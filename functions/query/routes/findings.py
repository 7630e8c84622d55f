"""GET /findings: what the detection rules found."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from audit_ledger.http.openapi import (
    INSTANT,
    NOT_PATIENTS,
    SIZE,
    TEXT_SCHEMA,
    Json,
    closed_object,
    json_answer,
    open_object,
    query,
    refusal,
    schema,
)
from audit_ledger.http.request import Request
from audit_ledger.http.responses import Response, json_response
from audit_ledger.instants import format_instant
from audit_ledger.ledger.follower_views import FollowerCursor
from audit_ledger.search.errors import RejectedSearchError
from audit_ledger.views.state_names import RULES
from audit_ledger.views.stored_finding import StoredFinding, open_finding
from functions.query.access import AuthorizedRequest, QueryContext
from functions.query.follower_state import read_state
from functions.query.query_parameters import QueryParameters, instant_of
from functions.query.route import JSON_ONLY, QueryRoute

MAX_FINDINGS: Final = 99  # one more is read at once, to see whether there is a next page
_AFTER: Final = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")  # generation of the views, number


def get_findings(context: QueryContext, request: Request) -> Response:
    """GET /findings?from=&to=: what the rules found, by the ledger's time; the last day without.

    A finding names no person: its entries do, for callers who may read them. A page has
    MAX_FINDINGS; `next` is the parameter `after` of the next page.
    """
    authorized = context.authorize(request, "s")
    authorized.refuse_patients()
    parameters = QueryParameters(request, ("from", "to", "after"))
    to = instant_of(parameters, "to", authorized.now)
    first = instant_of(parameters, "from", to - 86_400)
    if first > to:
        raise RejectedSearchError("from", "an instant that is not after to")
    cursor = authorized.views.cursor()
    after = _after(parameters.get("after"), cursor.generation)
    authorized.record(())
    page = find_within(authorized, cursor, first, to, after)
    findings = []
    for _, finding in page[:MAX_FINDINGS]:
        shown = msgspec.to_builtins(finding)
        shown["ledger_time"] = format_instant(finding.ledger_time)
        del shown["last_block"]
        findings.append(shown)
    last = f"{cursor.generation}-{page[MAX_FINDINGS - 1][0]}" if len(page) > MAX_FINDINGS else ""
    more = {"next": last} if last else {}
    answer = {"findings": findings, "rules": rules_of(authorized), "followed": cursor.next_seq}
    return json_response(200, {**answer, **more})


def _after(text: str | None, generation: int) -> int:
    """Return the number of the last finding that was shown; -1 before the first page."""
    if text is None:
        return -1
    found = _AFTER.fullmatch(text)
    if found is None:
        raise RejectedSearchError("after", "the next of the page before")
    if int(found[1]) != generation:
        expected = "the first page again: the findings were rebuilt since, and have other numbers"
        raise RejectedSearchError("after", expected)
    return int(found[2])


def rules_of(authorized: AuthorizedRequest) -> list[dict[str, Any]]:
    """Return which rules run, and which data the others lack."""
    _, state = read_state(authorized, RULES)
    rules: dict[str, str | None] = msgspec.json.decode(state or b"{}")
    return [
        {"rule": rule, "runs": why is None, **({} if why is None else {"lacks": why})}
        for rule, why in sorted(rules.items())
    ]


def find_within(
    authorized: AuthorizedRequest, cursor: FollowerCursor, first: int, to: int, after: int
) -> list[tuple[int, StoredFinding]]:
    """Return findings with their numbers, of entries within [first, to]: one more than a page.

    Those numbered up to `after` were shown. By bisection: ledger times never fall.
    """
    views, keys, origin = authorized.views, authorized.ledger.keys, authorized.ledger.origin
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


SCHEMAS: Json = {
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
        **open_object(
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
        "description": "It names no person: its entries do, for those who may read them.",
    },
}

_OPERATION: Json = {
    "operationId": "findings",
    "description": "Scopes as for gaps. It is recorded.",
    "parameters": [
        query("from", "The first instant; by default a day before `to`.", INSTANT),
        query("to", "The last instant; by default now.", INSTANT),
        query("after", "`next` of the page before.", TEXT_SCHEMA),
    ],
    "responses": {
        "200": json_answer("The findings of the rules.", "Findings"),
        "400": refusal(
            "No such instants or parameters, or the `next` of findings that were rebuilt since."
        ),
        **NOT_PATIENTS,
    },
}

ROUTES = {"GET /findings": QueryRoute(get_findings, _OPERATION, JSON_ONLY)}
