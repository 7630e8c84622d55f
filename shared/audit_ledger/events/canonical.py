"""One canonical identifier per patient and portal, and per agent: what pseudonyms are made from."""

from audit_ledger.events.event import Agent, PatientReference, PatientRule
from audit_ledger.events.references import normalize_reference


def canonical_patient(rule: PatientRule, patient: PatientReference) -> str | None:
    """Give `<system>|<value>`, or `Patient/<id>` (or `urn:uuid:…`, unique by itself), by the rule.

    A rule with both tries the identifier first. None when the event does not name the patient that
    way: the caller keeps the event and flags it.
    """
    if rule.system is not None:
        for system, value in patient.identifiers:
            if system == rule.system:
                return f"{system}|{value}"
    if rule.reference and patient.reference is not None:
        target = normalize_reference(patient.reference)
        if target.type == "Patient" and target.normal.startswith("Patient/"):
            return target.normal
        if target.normal.startswith("urn:uuid:"):
            return target.normal
    return None


def canonical_agent(agent: Agent) -> str | None:
    """Give the best of an agent's candidates; None when the event names them by nothing."""
    return agent.candidates[0] if agent.candidates else None
