"""Codes that reports tell events apart by, as (code system, code).

Systems go by several names: the canonical one of HL7 Terminology (THO) is used here, and
`canonical_code` brings the others to it.
"""

from collections.abc import Iterable
from typing import Final

from audit_ledger.events.codings import Coded
from audit_ledger.events.event_details import EventDetails
from audit_ledger.events.fhir_model import Code

ACT_REASON: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
PARTICIPATION: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
ROLE_CLASS: Final = "http://terminology.hl7.org/CodeSystem/v3-RoleClass"
OBJECT_ROLE: Final = "http://terminology.hl7.org/CodeSystem/object-role"
LIFECYCLE: Final = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
RESTFUL: Final = "http://hl7.org/fhir/restful-interaction"
RESOURCE_TYPES: Final = "http://hl7.org/fhir/resource-types"
DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
SNOMED: Final = "http://snomed.info/sct"
SECURITY_ROLE: Final = "http://terminology.hl7.org/CodeSystem/extra-security-role-type"
PROVENANCE_ROLE: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
NHIN: Final = "urn:oid:2.16.840.1.113883.3.18.7.1"  # purposes of the Nationwide Health Network

_CANONICAL: Final = {
    "http://hl7.org/fhir/v3/ActReason": ACT_REASON,
    "urn:oid:2.16.840.1.113883.5.8": ACT_REASON,
    "2.16.840.1.113883.5.8": ACT_REASON,
    "http://hl7.org/fhir/v3/ParticipationType": PARTICIPATION,
    "urn:oid:2.16.840.1.113883.5.90": PARTICIPATION,
    "http://hl7.org/fhir/v3/RoleClass": ROLE_CLASS,
    "urn:oid:2.16.840.1.113883.5.110": ROLE_CLASS,
    "http://hl7.org/fhir/object-role": OBJECT_ROLE,
    "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle": LIFECYCLE,
    "http://dicom.nema.org/resources/ontology/DCM/": DICOM,
    "urn:oid:1.2.840.10008.2.16.4": DICOM,
    "1.2.840.10008.2.16.4": DICOM,
    "DCM": DICOM,
    "http://healthit.gov/nhin/purposeofuse": NHIN,
    "2.16.840.1.113883.3.18.7.1": NHIN,
}

DISCLOSURES: Final = frozenset(
    {
        (DICOM, "110106"),  # Export
        (LIFECYCLE, "disclose"),  # IHE BALP, PrivacyDisclosure of source and recipient
        ("", "Disclosure"),  # as HL7's own examples in R4 and R5 have it
    }
)
"""Types and subtypes of disclosures."""

RECIPIENT_ROLES: Final = (
    frozenset({(PARTICIPATION, "IRCP")}),  # information recipient: the person or entity
    frozenset({(DICOM, "110152")}),  # Destination Role ID: often that recipient's machine
    frozenset({(DICOM, "110154")}),  # Destination Media
)
"""Roles of who received, the best first: the agents of the first that any agent has."""

BREAK_GLASS: Final = frozenset(
    {
        (DICOM, "110127"),  # Emergency Override Started, subtype of a Security Alert (110113)
        (DICOM, "110138"),  # Emergency Override Stopped
        (ACT_REASON, "BTG"),
        (ACT_REASON, "ETREAT"),  # what HL7's example of a break-glass has as purpose
        (ACT_REASON, "OVRER"),  # reasons to override a consent: emergency, professional
        (ACT_REASON, "OVRPJ"),  # judgement, public safety, safety of a third party
        (ACT_REASON, "OVRPS"),
        (ACT_REASON, "OVRTPS"),
        (NHIN, "EMERGENCY"),
        ("", "BTG"),
    }
)
"""Types, subtypes and purposes of break-the-glass.

Not ERTREAT: by its definition the regular work of an emergency room, which overrides nothing.
"""


def canonical_code(coded: Coded) -> Code:
    """Return system and code, the system by its canonical name."""
    return _CANONICAL.get(coded.system, coded.system), coded.code


def canonical_codes(codings: Iterable[Coded]) -> frozenset[Code]:
    """Return the codes of many."""
    return frozenset(map(canonical_code, codings))


def kinds_of(details: EventDetails) -> frozenset[Code]:
    """Return the codes of type and subtype (R5: category and code)."""
    return canonical_codes((*details.types, *details.subtypes))


def unique(codings: Iterable[Coded]) -> tuple[Coded, ...]:
    """Return each code once, in order, the first that has a display."""
    found: dict[Code, Coded] = {}
    for coded in codings:
        pair = canonical_code(coded)
        if pair not in found or (found[pair].display is None and coded.display is not None):
            found[pair] = coded
    return tuple(found.values())
