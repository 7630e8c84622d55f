"""Codes by which reports distinguish events, as (code system, code).

A code system has several names, which `canonical_code` converts to those of `events.code_systems`.
"""

from collections.abc import Iterable
from typing import Final

from audit_ledger.events.code_systems import (
    ACT_REASON,
    DICOM,
    LIFECYCLE,
    NHIN,
    OBJECT_ROLE,
    PARTICIPATION,
    ROLE_CLASS,
)
from audit_ledger.events.codings import Coded
from audit_ledger.events.event_details import EventDetails
from audit_ledger.events.fhir_model import Code

_CANONICAL: Final = {
    "http://hl7.org/fhir/v3/ActReason": ACT_REASON,
    "urn:oid:2.16.840.1.113883.5.8": ACT_REASON,
    "2.16.840.1.113883.5.8": ACT_REASON,
    "http://hl7.org/fhir/v3/ParticipationType": PARTICIPATION,
    "urn:oid:2.16.840.1.113883.5.90": PARTICIPATION,
    "http://hl7.org/fhir/v3/RoleClass": ROLE_CLASS,
    "urn:oid:2.16.840.1.113883.5.110": ROLE_CLASS,
    "http://hl7.org/fhir/object-role": OBJECT_ROLE,
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
        ("", "Disclosure"),  # as in HL7's examples of R4 and R5
    }
)
"""Types and subtypes of disclosures."""

RECIPIENT_ROLES: Final = (
    frozenset({(PARTICIPATION, "IRCP")}),  # information recipient: the person or entity
    frozenset({(DICOM, "110152")}),  # Destination Role ID: often that recipient's machine
    frozenset({(DICOM, "110154")}),  # Destination Media
)
"""Roles of recipients, the best first: the recipients are the agents with the first one found."""

BREAK_GLASS: Final = frozenset(
    {
        (DICOM, "110127"),  # Emergency Override Started, subtype of a Security Alert (110113)
        (DICOM, "110138"),  # Emergency Override Stopped
        (ACT_REASON, "BTG"),
        (ACT_REASON, "ETREAT"),  # the purpose in HL7's example of break-glass
        (ACT_REASON, "OVRER"),  # reasons to override a consent: emergency, professional
        (ACT_REASON, "OVRPJ"),  # judgement, public safety, safety of a third party
        (ACT_REASON, "OVRPS"),
        (ACT_REASON, "OVRTPS"),
        (NHIN, "EMERGENCY"),
        ("", "BTG"),
    }
)
"""Types, subtypes and purposes of break-the-glass.

Not ERTREAT, which is defined as the regular work of an emergency room and overrides nothing.
"""


def canonical_code(coded: Coded) -> Code:
    """Return system and code, the system by its canonical name."""
    return _CANONICAL.get(coded.system, coded.system), coded.code


def canonical_codes(codings: Iterable[Coded]) -> frozenset[Code]:
    """Return system and code of each."""
    return frozenset(map(canonical_code, codings))


def kinds_of(details: EventDetails) -> frozenset[Code]:
    """Return the codes of type and subtype (R5: category and code)."""
    return canonical_codes((*details.types, *details.subtypes))


def unique(codings: Iterable[Coded]) -> tuple[Coded, ...]:
    """Return each code once, in order, with a display if any has one."""
    chosen: dict[Code, Coded] = {}
    for coded in codings:
        pair = canonical_code(coded)
        if pair not in chosen or (chosen[pair].display is None and coded.display is not None):
            chosen[pair] = coded
    return tuple(chosen.values())
