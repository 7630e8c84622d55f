"""Events that the ledger itself emits: query asks ingest to take them before it gives an answer.

    {"source": "audit-ledger.query", "ledger": "<id>", "patient_system": "<URI>" or null,
     "patient_namespace": "<of references>" or null, "events": ["<an AuditEvent, JSON>", …]}

Query opens records and may read secrets; only ingest makes them. So what is searched is recorded by
the same code, under the same keys, as what portals send.
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
    """Whether an event has the form of query's; that it is, the alias says (`ways`)."""
    return event.keys() == MEMBERS and event["source"] == QUERY_SOURCE


def accept_internal(acceptor: Acceptor, event: Mapping[str, Any]) -> dict[str, Any]:
    """Accept them, all or none; once this returns, they are queued. Gives their ids."""
    rule = PatientRule(event["patient_system"], event["patient_namespace"])
    parsed = [parse_audit_event(one.encode()) for one in event["events"]]
    own = [structs.replace(e, flags=tuple(sorted({*e.flags, OWN_USE}))) for e in parsed]
    sealed = acceptor.own_sender(event["ledger"], rule).accept(own)
    return {"ids": [parts[0].row.event_id for parts in sealed]}
