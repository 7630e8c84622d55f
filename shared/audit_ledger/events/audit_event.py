"""Parse a FHIR AuditEvent, R4 or R5, to index values and to the bytes of its records."""

from typing import Any

import msgspec

from audit_ledger.events.agents import read_agents
from audit_ledger.events.balp import flag_balp_faults
from audit_ledger.events.contained import NOTHING_CONTAINED, contained_by_reference
from audit_ledger.events.errors import RejectedEventError
from audit_ledger.events.event import Agent, Event, PatientReference
from audit_ledger.events.fhir_model import ACTIONS, AuditEventElements, codes_of, read_elements
from audit_ledger.events.fhir_version import (
    Release,
    declared_release,
    refuse_older,
    release_of,
)
from audit_ledger.events.instant import parse_instant_ms
from audit_ledger.events.json_cut import Path
from audit_ledger.events.limits import require_element_limits, require_size, require_value_limit
from audit_ledger.events.patients import NamedPatient, read_patients
from audit_ledger.events.split_by_patient import split_by_patient
from audit_ledger.events.strict_json import read_json


class ParsedEvent(msgspec.Struct, gc=False):
    """An AuditEvent, parsed but not yet split by patient."""

    release: Release
    time_ms: int
    action: str | None
    patients: tuple[NamedPatient, ...]
    agents: tuple[Agent, ...]
    flags: set[str]


def parse_audit_event(
    body: bytes, fhir_version: str | None = None, place: str = "AuditEvent"
) -> Event:
    """Parse an AuditEvent of at most 256 KB.

    `fhir_version` is the `fhirVersion` of the media type, if any; `place` is the FHIRPath of the
    event in the request. Raise RejectedEventError, and no other error.
    """
    require_size(body, place)
    return accept_audit_event(body, read_json(body, place), fhir_version, place)


def accept_audit_event(body: bytes, document: Any, fhir_version: str | None, place: str) -> Event:
    """Return the event of an AuditEvent of at most 256 KB; `document`: decoded by `read_json`."""
    parsed = read_audit_event(document, fhir_version, place)
    require_value_limit(document, body, place)
    return Event(
        parsed.release,
        None,
        parsed.time_ms,
        parsed.action,
        split_by_patient(body, document, parsed.patients, place),
        parsed.agents,
        tuple(sorted(parsed.flags)),
    )


def read_audit_event(
    document: Any,
    fhir_version: str | None,
    place: str,
    *,
    base: Path = (),
    subject: PatientReference | None = None,
) -> ParsedEvent:
    """Parse a decoded AuditEvent.

    In a CloudEvent, `base` is the path of the AuditEvent and `subject` the envelope's patient.
    """
    if not isinstance(document, dict):
        raise RejectedEventError(422, "structure", place, "an AuditEvent resource")
    if document.get("resourceType") != "AuditEvent":
        raise RejectedEventError(
            422, "not-supported", f"{place}.resourceType", "the resource type AuditEvent"
        )
    require_element_limits(document, place)
    flags: set[str] = set()
    release = release_of(document, declared_release(fhir_version, place), place, flags)
    event = read_elements(document, AuditEventElements, place)
    refuse_older(event, place)
    time_ms = _recorded(event, place)
    if event.source is None:
        flags.add("fhir.no-source")
    contained = contained_by_reference(event.contained) if event.contained else NOTHING_CONTAINED
    codes = codes_of(event)
    agents = read_agents(event.agent or (), codes.agent_types, contained, place, flags)
    patients = read_patients(
        event, codes, contained, agents, place, flags, base=base, subject=subject
    )
    if event.meta is not None:
        flag_balp_faults(event, codes, document, flags, is_r4=release == "fhir-r4")
    return ParsedEvent(release, time_ms, _action(event, flags), patients, agents, flags)


def _recorded(event: AuditEventElements, place: str) -> int:
    if event.recorded is None:
        raise RejectedEventError(
            422, "required", f"{place}.recorded", "when the event was recorded"
        )
    try:
        return parse_instant_ms(event.recorded)
    except ValueError:
        raise RejectedEventError(
            422, "value", f"{place}.recorded", "a FHIR instant: 2015-02-07T13:28:17.239+02:00"
        ) from None


def _action(event: AuditEventElements, flags: set[str]) -> str | None:
    if event.action is None:
        return None
    for action in ACTIONS:
        if event.action == action:
            return action
    flags.add("fhir.action")
    return None
