"""Parse FHIR AuditEvents, Bundles and CloudEvents to records and index values. Pure functions."""

from audit_ledger.events.agents import canonical_agent
from audit_ledger.events.audit_event import parse_audit_event
from audit_ledger.events.bundle import MAX_ENTRIES, parse_bundle
from audit_ledger.events.cloudevent import parse_cloudevent_structured, parse_cloudevents_batch
from audit_ledger.events.cloudevent_http import parse_cloudevent_binary
from audit_ledger.events.errors import RejectedEventError
from audit_ledger.events.event import (
    Agent,
    Bundle,
    Event,
    Part,
    PatientReference,
    PatientRule,
    patient_rule,
)
from audit_ledger.events.limits import MAX_EVENT_BYTES
from audit_ledger.events.patients import canonical_patient

__all__ = [
    "MAX_ENTRIES",
    "MAX_EVENT_BYTES",
    "Agent",
    "Bundle",
    "Event",
    "Part",
    "PatientReference",
    "PatientRule",
    "RejectedEventError",
    "canonical_agent",
    "canonical_patient",
    "parse_audit_event",
    "parse_bundle",
    "parse_cloudevent_binary",
    "parse_cloudevent_structured",
    "parse_cloudevents_batch",
    "patient_rule",
]
