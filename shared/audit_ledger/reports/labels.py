"""Plain words for codes: actions, kinds of data, purposes and outcomes."""

from collections.abc import Iterable, Mapping
from typing import Final

from audit_ledger.events.code_systems import (
    ACT_REASON,
    DICOM,
    NHIN,
    OBJECT_ROLE,
    RESOURCE_TYPES,
    RESTFUL,
)
from audit_ledger.events.codings import Coded
from audit_ledger.events.event_details import EntityDetails, EventDetails
from audit_ledger.events.fhir_model import Code
from audit_ledger.events.outcome import EventOutcome, event_outcome, severity_of
from audit_ledger.reports.codes import (
    BREAK_GLASS,
    DISCLOSURES,
    canonical_code,
    canonical_codes,
    kinds_of,
    unique,
)

ACTIONS: Final = {"C": "create", "R": "read", "U": "update", "D": "delete", "E": "execute"}
"""FHIR's names of the actions."""

_DID: Final = {
    "C": ("added", "add"),
    "R": ("looked at", "look at"),
    "U": ("changed", "change"),
    "D": ("removed", "remove"),
    "E": ("used", "use"),
}
_DID_BY_KIND: Final[tuple[tuple[frozenset[Code], tuple[str, str]], ...]] = (
    (frozenset({(DICOM, "110127")}), ("opened as an emergency", "open as an emergency")),
    (frozenset({(DICOM, "110138")}), ("ended an emergency access", "end an emergency access")),
    (DISCLOSURES, ("passed on to someone else", "pass on to someone else")),
    (
        frozenset({(RESTFUL, "search"), (RESTFUL, "search-type"), (RESTFUL, "search-system")})
        | {(DICOM, "110112")},
        ("searched", "search"),
    ),
    (frozenset({(DICOM, "110122")}), ("signed in", "sign in")),
    (frozenset({(DICOM, "110123")}), ("signed out", "sign out")),
)
_OUTCOMES: Final = {
    "0": "success",
    "4": "minor failure",
    "8": "serious failure",
    "12": "major failure",
}

_KINDS_OF_DATA: Final = {
    "allergies": ("AllergyIntolerance",),
    "appointments": ("Appointment", "AppointmentResponse", "Schedule", "Slot"),
    "bills and insurance": (
        "Account", "ChargeItem", "Claim", "ClaimResponse", "Coverage", "CoverageEligibilityRequest",
        "CoverageEligibilityResponse", "ExplanationOfBenefit", "Invoice", "PaymentNotice",
    ),
    "care plans": ("CarePlan", "CareTeam", "Goal", "NutritionOrder"),
    "consents": ("Consent", "Contract"),
    "diagnoses and problems": ("ClinicalImpression", "Condition", "RiskAssessment"),
    "documents": (
        "Binary", "Composition", "DocumentManifest", "DocumentReference", "Bundle", "Media",
    ),
    "family history": ("FamilyMemberHistory",),
    "images": ("ImagingStudy", "ImagingSelection"),
    "lists": ("List",),
    "medicines": (
        "Medication", "MedicationAdministration", "MedicationDispense", "MedicationRequest",
        "MedicationStatement",
    ),
    "messages": ("Communication", "CommunicationRequest"),
    "orders and referrals": ("DeviceRequest", "ServiceRequest", "Task"),
    "personal details": ("Patient", "Person", "RelatedPerson"),
    "procedures": ("Procedure",),
    "questionnaires": ("Questionnaire", "QuestionnaireResponse"),
    "reports on quality of care": ("Measure", "MeasureReport"),
    "research": ("ResearchStudy", "ResearchSubject"),
    "test results and measurements": (
        "DiagnosticReport", "Observation", "Specimen", "MolecularSequence",
    ),
    "vaccinations": ("Immunization", "ImmunizationEvaluation", "ImmunizationRecommendation"),
    "visits and stays": ("Encounter", "EpisodeOfCare"),
}  # fmt: skip
_KIND_OF_DATA: Final = {type_: words for words, types in _KINDS_OF_DATA.items() for type_ in types}
_KIND_OF_ROLE: Final = {"3": "reports", "20": "a batch of data", "24": "results of a search"}
_NOT_DATA: Final = {"XrequestId"}  # BALP: an identifier of the transaction

_PURPOSES: Final = {
    ACT_REASON: {
        "BTG": "break the glass",
        "CAREMGT": "care management",
        "COC": "coordination of care",
        "ERTREAT": "emergency room treatment",
        "ETREAT": "emergency treatment",
        "FAMRQT": "family requested",
        "GOV": "government",
        "HLEGAL": "legal proceeding",
        "HMARKT": "healthcare marketing",
        "HOPERAT": "healthcare operations",
        "HPAYMT": "healthcare payment",
        "HRESCH": "healthcare research",
        "PATRQT": "patient requested",
        "PUBHLTH": "public health",
        "TREAT": "treatment",
    },
    NHIN: {
        "ABUSE": "report of abuse",
        "EMERGENCY": "emergency",
        "JUDICIAL": "judicial or administrative proceeding",
        "LAW": "law enforcement",
        "OPERATIONS": "healthcare operations",
        "OVERSIGHT": "health oversight",
        "PAYMENT": "payment",
        "PUBLICHEALTH": "public health",
        "RESEARCH": "research",
        "TREATMENT": "treatment",
    },
}


def action_words(details: EventDetails) -> str:
    """Return the action in plain words; "tried to …" if it failed, or may have failed."""
    kinds = kinds_of(details)
    past, infinitive = next(
        (words for codes, words in _DID_BY_KIND if codes & kinds),
        _DID.get(details.action or "", ("did something to", "do something to")),
    )
    match event_outcome(details):
        case EventOutcome.SUCCESS:
            return past
        case EventOutcome.FAILURE:
            return f"tried to {infinitive}, and failed"
        case EventOutcome.UNKNOWN if details.outcome or details.outcome_text:
            return f"tried to {infinitive}; whether it succeeded is unknown"
        case EventOutcome.UNKNOWN:
            return f"{past} (outcome not recorded)"


def failed(details: EventDetails) -> bool | None:
    """Return whether it failed; None if that is unknown."""
    end = event_outcome(details)
    return None if end is EventOutcome.UNKNOWN else end is EventOutcome.FAILURE


def outcome_words(details: EventDetails) -> str | None:
    """Return the outcome, with R4's codes in words; codes that FHIR does not have are unknown."""
    return join_distinct(map(_outcome, details.outcome))


def data_entities(details: EventDetails) -> tuple[EntityDetails, ...]:
    """Return the entities that are data: neither the patient nor identifiers."""
    return tuple(e for e in details.entities if not _is_patient(e) and not _is_not_data(e))


def categories(details: EventDetails) -> str:
    """Return the kinds of data in plain words of this module."""
    kinds = [kind for e in data_entities(details) if (kind := kind_of_data(e)) is not None]
    if not kinds and any(_is_patient(entity) for entity in details.entities):
        return "the health record"
    return join_distinct(kinds, ", ") or "health data"


def kind_of_data(entity: EntityDetails) -> str | None:
    """Return the kind of an entity, by its resource type, else by its role; None if unknown."""
    types = [c.code for c in entity.types if canonical_code(c)[0] == RESOURCE_TYPES]
    reference = entity.what.reference or ""
    if "/" in reference:
        types.append(reference.partition("/")[0])
    by_type = next((_KIND_OF_DATA[type_] for type_ in types if type_ in _KIND_OF_DATA), None)
    roles = [c.code for c in entity.roles if canonical_code(c)[0] == OBJECT_ROLE]
    return by_type or next((_KIND_OF_ROLE[role] for role in roles if role in _KIND_OF_ROLE), None)


def description(details: EventDetails) -> str:
    """Return a brief description of the data: its kind, and its name in the event."""
    described = []
    for entity in data_entities(details):
        text = join_distinct((entity.name, entity.description), ", ") or entity.what.reference
        kind = kind_of_data(entity)
        described.append(f"{kind}: {text}" if kind and text else kind or text)
    return join_distinct(described) or categories(details)


def purpose_words(purposes: Iterable[Coded]) -> str | None:
    """Return the purposes: the display as sent, else this module's, else the code; or None."""
    return join_distinct(map(_purpose, unique(purposes)))


def break_glass_reason(details: EventDetails) -> str | None:
    """Return the codes by which an event is break-the-glass; None if it is not."""
    codings = (
        *details.types,
        *details.subtypes,
        *details.purposes,
        *(purpose for agent in details.agents for purpose in agent.purposes),
    )
    return join_distinct(
        _purpose(coded) for coded in unique(codings) if canonical_code(coded) in BREAK_GLASS
    )


def join_distinct(texts: Iterable[str | None], by: str = "; ") -> str | None:
    """Join the texts that are not empty, each once; return None if there are none."""
    return by.join(dict.fromkeys(text for text in texts if text)) or None


def _outcome(coded: Coded) -> str:
    if severity_of(coded.system, coded.code) is None:
        return f"unknown ({coded.display or coded.code})"
    return _OUTCOMES.get(coded.code, coded.code)


def _purpose(coded: Coded) -> str:
    system, code = canonical_code(coded)
    displays: Mapping[str, str] = _PURPOSES.get(system, {})
    return coded.display or displays.get(code) or code


def _is_patient(entity: EntityDetails) -> bool:
    if entity.roles:
        return (OBJECT_ROLE, "1") in canonical_codes(entity.roles)
    return (entity.what.reference or "").startswith("Patient/")


def _is_not_data(entity: EntityDetails) -> bool:
    return any(coded.code in _NOT_DATA for coded in entity.types)
