"""Whom an event is about: which elements name a patient, and which of them name the same one."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from audit_ledger.events.elements import codes_in, object_in, objects_in, text_in
from audit_ledger.events.event import PatientReference, PatientRule
from audit_ledger.events.json_document import JsonObject
from audit_ledger.events.references import identifier_pairs, normalize_reference, patient_reference
from audit_ledger.events.rejected import RejectedEvent

MAX_PATIENTS = 256  # a record each: who sends more at once can send them as several events

Path = tuple[str | int, ...]  # from the resource down: ("entity", 2, "what")

_OBJECT_ROLES = (
    "http://terminology.hl7.org/CodeSystem/object-role",
    "http://hl7.org/fhir/object-role",  # before R4
    "",
)
_ENTITY_TYPES = (
    "http://terminology.hl7.org/CodeSystem/audit-entity-type",
    "http://hl7.org/fhir/object-type",  # before R4
    "",
)
_RESOURCE_TYPES = "http://hl7.org/fhir/resource-types"


@dataclass(frozen=True)
class NamedPatient:
    """A patient and all the elements of the event that name this one."""

    patient: PatientReference
    paths: tuple[Path, ...]


def contained_in(resource: JsonObject, place: str) -> dict[str, JsonObject]:
    """Give the contained resources by what refers to them: `#p1`."""
    return {
        f"#{item['id']}": item
        for item in objects_in(resource, "contained", place)
        if type(item.get("id")) is str
    }


def patient_named_by(
    reference: JsonObject | None, contained: Mapping[str, JsonObject], place: str
) -> PatientReference:
    """Read a reference that names a patient, through a contained Patient where it refers to one."""
    target = reference and reference.get("reference")
    resource = contained.get(target) if type(target) is str else None
    if reference is None or resource is None:
        return patient_reference(reference, place)
    inside = [
        pair
        for item in objects_in(resource, "identifier", f"{place}.resolve()")
        for pair in identifier_pairs(item, f"{place}.resolve().identifier")
    ]
    outside = patient_reference(reference, place)
    return PatientReference(None, tuple(dict.fromkeys((*outside.identifiers, *inside))))


def patient_of_entity(
    entity: JsonObject, contained: Mapping[str, JsonObject], place: str, flags: set[str]
) -> PatientReference | None:
    """Say which patient an entity stands for, if it does.

    It does when it refers to a Patient, or has object role 1 (Patient), or the resource type
    Patient; an entity of type 1 (Person) without role and without a reference to anything else is
    taken for one too, and flagged.
    """
    what = object_in(entity, "what", place)
    kind = None
    if what is not None:
        target = text_in(what, "reference", f"{place}.what")
        if target:
            resource = contained.get(target)
            kind = (
                normalize_reference(target).type
                if resource is None
                else resource.get("resourceType")
            )
        if kind is None and (declared := text_in(what, "type", f"{place}.what")):
            kind = declared.rpartition("/")[2]
    if kind != "Patient":
        roles = codes_in(entity, "role")
        if not any(code == "1" and system in _OBJECT_ROLES for system, code in roles):
            types = codes_in(entity, "type")
            if (_RESOURCE_TYPES, "Patient") not in types:
                if roles or kind is not None:
                    return None
                if not any(code == "1" and system in _ENTITY_TYPES for system, code in types):
                    return None
                flags.add("patient.assumed-from-type")
    return patient_named_by(what, contained, f"{place}.what")


def merge(named: Iterable[tuple[Path, PatientReference]], place: str) -> tuple[NamedPatient, ...]:
    """Put together what names the same patient: an equal reference or an equal identifier.

    Order is that of first naming. What names nobody in particular is a patient of its own.
    """
    items = list(named)
    group_of_key: dict[object, int] = {}
    groups: dict[int, list[tuple[Path, PatientReference]]] = {}
    for number, (path, patient) in enumerate(items):
        keys: list[object] = [*patient.identifiers]
        if patient.reference is not None:
            keys.append(patient.reference)
        known = sorted({group_of_key[key] for key in keys if key in group_of_key})
        home = known[0] if known else number
        members = groups.setdefault(home, [])
        for other in known[1:]:
            members += groups.pop(other)
            group_of_key.update({key: home for key, at in group_of_key.items() if at == other})
        members.append((path, patient))
        group_of_key.update(dict.fromkeys(keys, home))
    if len(groups) > MAX_PATIENTS:
        raise RejectedEvent(413, "too-costly", place, f"at most {MAX_PATIENTS} patients an event")
    return tuple(_together(members) for members in groups.values())


def _together(members: list[tuple[Path, PatientReference]]) -> NamedPatient:
    references = [patient.reference for _, patient in members if patient.reference is not None]
    identifiers: Iterator[tuple[str, str]] = (
        pair for _, patient in members for pair in patient.identifiers
    )
    return NamedPatient(
        PatientReference(references[0] if references else None, tuple(dict.fromkeys(identifiers))),
        tuple(sorted((path for path, _ in members), key=str)),
    )


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
