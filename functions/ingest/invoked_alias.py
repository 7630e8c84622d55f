"""Which way an invocation came in: told by the alias that was called, never by what the event says.

Lambda gives each caller permission for one alias: the API `live`, the rules of the bus `bus`, query
`own`. So whoever subverts query has the ledger say of itself what is not so, and cannot speak as
a portal; and no portal, however it spells an event, speaks as the ledger.
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
    """Return the way by which `event` came; ForbiddenError where that takes no such event.

    The function itself, and its versions, are nobody's to call.
    """
    parts = invoked_function_arn.split(":")
    alias = parts[-1] if len(parts) == _PARTS_OF_AN_ALIAS else ""
    if alias == "live" and "routeKey" in event:
        return "live"
    if alias == "bus" and is_from_bus(event):
        return "bus"
    if alias == "own" and is_internal(event):
        return "own"
    raise ForbiddenError(f"ingest was called as {alias or 'no alias'} with what that does not take")
