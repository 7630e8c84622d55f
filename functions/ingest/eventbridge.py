"""EventBridge in: portal and ledger come from the rule, never from what the event claims."""

from collections.abc import Mapping
from typing import Any

import msgspec

from audit_ledger.events import Event, parse_audit_event, parse_cloudevent_structured
from audit_ledger.http.authorization import Authorization
from functions.ingest.accept import Acceptor

WRITE = frozenset({"system/AuditEvent.c"})


def is_from_bus(event: Mapping[str, Any]) -> bool:
    """Whether the rule's input transformer made this: `{"portal", "ledger", "event"}`."""
    return event.keys() == {"portal", "ledger", "event"}


def accept_from_bus(acceptor: Acceptor, event: Mapping[str, Any]) -> None:
    """Accept the detail of one event: a FHIR AuditEvent, or a CloudEvent (structured form).

    EventBridge re-spells JSON before we see it; the record keeps what was delivered. Its own id is
    the sender's id, unless the CloudEvent has one. RejectedEvent goes back to EventBridge, which
    puts the event in the dead-letter queue of the rule.
    """
    access = Authorization(event["ledger"], event["portal"], "", WRITE)
    detail = event["event"]["detail"]
    body = msgspec.json.encode(detail)
    parsed: Event
    if "specversion" in detail:
        parsed = parse_cloudevent_structured(body)
    else:
        sender_id = f"eventbridge\n{event['event']['id']}"
        parsed = msgspec.structs.replace(parse_audit_event(body), sender_id=sender_id)
    acceptor.sender(access).accept([parsed])
