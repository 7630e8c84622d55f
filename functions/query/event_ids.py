"""Event ids in paths: what is none is the id of no event, and no index is asked for it."""

import re

from audit_ledger.errors import NotFoundError
from audit_ledger.http.request import Request
from functions.query.asked import NO_SUCH_EVENT

_EVENT_ID = re.compile(r"[0-9a-f]{64}")  # longer texts DynamoDB refuses as a key


def event_id_of(request: Request) -> str:
    """Give the id that a request's path names; NotFoundError where it is none."""
    event_id = request.path["id"]
    if not _EVENT_ID.fullmatch(event_id):
        raise NotFoundError(NO_SUCH_EVENT)
    return event_id
