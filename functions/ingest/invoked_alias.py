"""Determine the caller of an invocation by the invoked alias, never by the event's content.

Lambda permits each caller one alias: the API `live`, the rules of the bus `bus`, query `own`. So an
attacker who controls query can forge the ledger's own events, but no portal's; and no portal can
forge the ledger's events.
"""

from collections.abc import Mapping
from typing import Any, Literal

from audit_ledger.http.authorization import ForbiddenError
from functions.ingest.eventbridge import is_from_bus
from functions.ingest.internal_events import is_internal

Way = Literal["live", "bus", "own"]

_PARTS_OF_AN_ALIAS = 8
"""arn:aws:lambda:<region>:<account>:function:<name>:<alias>, by its colons."""


def invoked_alias(invoked_function_arn: str, event: Mapping[str, Any]) -> Way:
    """Return the caller's way; raise ForbiddenError if it may not send such an event.

    The function without an alias, and its versions, are not callable.
    """
    parts = invoked_function_arn.split(":")
    alias = parts[-1] if len(parts) == _PARTS_OF_AN_ALIAS else ""
    if alias == "live" and "routeKey" in event:
        return "live"
    if alias == "bus" and is_from_bus(event):
        return "bus"
    if alias == "own" and is_internal(event):
        return "own"
    raise ForbiddenError(f"ingest: alias {alias or '(none)'} does not accept this event")
