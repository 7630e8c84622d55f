"""Events in, and what is indexed of them out: FHIR AuditEvents and Bundles, CloudEvents. Pure."""

from audit_ledger.events.agents import canonical_agent
from audit_ledger.events.audit_event import MAX_EVENT_BYTES, parse_audit_event
from audit_ledger.events.event import Agent, Bundle, Event, Part, PatientReference, PatientRule
from audit_ledger.events.patients import canonical_patient
from audit_ledger.events.rejected import RejectedEvent, operation_outcome

__all__ = [
    "MAX_EVENT_BYTES",
    "Agent",
    "Bundle",
    "Event",
    "Part",
    "PatientReference",
    "PatientRule",
    "RejectedEvent",
    "canonical_agent",
    "canonical_patient",
    "operation_outcome",
    "parse_audit_event",
]
