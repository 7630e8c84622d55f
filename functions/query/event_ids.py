"""Event ids in paths. A value of another form is not found, without a look-up.

`entry-41` is the event of entry 41: proofs, findings and exports name entries. A number alone is no
id, since senders have ids like `1`.
"""

import re

from audit_ledger.errors import NotFoundError
from audit_ledger.http.openapi import MESSAGE, OUTCOME, Json, answer, path
from audit_ledger.http.request import Request
from audit_ledger.reading.snapshot import LogSnapshot
from functions.query.access import NO_SUCH_EVENT

_EVENT_ID = re.compile(r"[0-9a-f]{64}")  # longer texts DynamoDB refuses as a key
_ENTRY = re.compile(r"entry-(0|[1-9][0-9]{0,17})")


def event_id_of(request: Request, log: LogSnapshot) -> str:
    """Return the id of the event that a request's path names; NotFoundError if there is none."""
    event_id = request.path["id"]
    if _EVENT_ID.fullmatch(event_id):
        return event_id
    entry = _ENTRY.fullmatch(event_id)
    stored = None if entry is None else log.numbered(int(entry[1]))
    if stored is None:
        raise NotFoundError(NO_SUCH_EVENT)
    return stored.key


EVENT_NOT_FOUND: Json = {
    "404": answer(
        "The event is unknown, not published yet, erased, or not visible to the caller.",
        {**OUTCOME, **MESSAGE},
    )
}

EVENT_ID = path(
    "id",
    "The event's id, as Location gave it, or `entry-` and the number of its entry.",
    {"type": "string", "pattern": "^([0-9a-f]{64}|entry-(0|[1-9][0-9]{0,17}))$"},
)
