"""Accept the ledger's own events: query sends them to ingest before it returns a response.

    {"source": "audit-ledger.query", "ledger": "<id>", "patient_system": "<URI>" or null,
     "patient_namespace": "<of references>" or null, "events": ["<an AuditEvent, JSON>", …]}

Query opens records and may read secrets; only ingest creates them. So the same code, with the same
keys, records searches and portals' events.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from audit_ledger.events import PatientRule, parse_audit_event
from audit_ledger.http.authorization import OWN_USE
from audit_ledger.settings.event_bus import QUERY_SOURCE
from functions.ingest.accept import Acceptor

MEMBERS = {"source", "ledger", "patient_system", "patient_namespace", "events"}


def is_internal(event: Mapping[str, Any]) -> bool:
    """Return whether an event has the form of query's; the alias proves that it is query's."""
    return event.keys() == MEMBERS and event["source"] == QUERY_SOURCE


def accept_internal(acceptor: Acceptor, event: Mapping[str, Any]) -> dict[str, Any]:
    """Accept the events, all or none; return their ids once they are queued."""
    rule = PatientRule(event["patient_system"], event["patient_namespace"])
    parsed = [parse_audit_event(one.encode()) for one in event["events"]]
    own = [structs.replace(e, flags=tuple(sorted({*e.flags, OWN_USE}))) for e in parsed]
    sealed = acceptor.own_sender(event["ledger"], rule).accept(own)
    return {"ids": [parts[0].row.event_id for parts in sealed]}
