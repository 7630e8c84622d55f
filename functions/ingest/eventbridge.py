"""Accept events from EventBridge: the rule sets portal and ledger, never the event."""

from collections.abc import Mapping
from typing import Any

import msgspec

from audit_ledger.events import Event, parse_audit_event, parse_cloudevent_structured
from audit_ledger.http.authorization import Authorization
from functions.ingest.accept import Acceptor

WRITE = frozenset({"system/AuditEvent.c"})


def is_from_bus(event: Mapping[str, Any]) -> bool:
    """Return whether the rule's input transformer built this: `{"portal", "ledger", "event"}`."""
    return event.keys() == {"portal", "ledger", "event"}


def accept_from_bus(acceptor: Acceptor, event: Mapping[str, Any]) -> None:
    """Accept the detail of one event: a FHIR AuditEvent, or a CloudEvent (structured form).

    EventBridge re-encodes JSON; the record contains the delivered form. The id of EventBridge is
    the sender's id, unless the CloudEvent has one. Raise RejectedEventError to EventBridge, which
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
