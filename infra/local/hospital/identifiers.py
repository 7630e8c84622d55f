"""How the hospital's systems name people: systems of identifiers, and FHIR References with them."""

from typing import Any

from infra.local.hospital.world import Patient, Staff

MRN_SYSTEM = "https://elsewhere.example/mrn"
STAFF_SYSTEM = "https://elsewhere.example/staff"


def person(who: Staff | Patient) -> dict[str, Any]:
    """A FHIR Reference that carries relative reference, identifier and display name."""
    if isinstance(who, Patient):
        identifier = {"system": MRN_SYSTEM, "value": who.mrn}
    else:
        identifier = {"system": STAFF_SYSTEM, "value": who.id}
    return {"reference": who.reference, "identifier": identifier, "display": who.name}
