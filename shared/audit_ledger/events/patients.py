"""Find an event's patients: elements that name a patient, merged if they name the same one."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from audit_ledger.events.contained import Contained, ResolvedReference, resolve
from audit_ledger.events.event import Agent, PatientReference, PatientRule
from audit_ledger.events.fhir_model import AuditEventElements, Code, ElementCodes
from audit_ledger.events.json_cut import Path
from audit_ledger.events.limits import MAX_PATIENTS, too_many
from audit_ledger.events.references import patient_reference

_OBJECT_ROLES: Final = (
    "http://terminology.hl7.org/CodeSystem/object-role",
    "http://hl7.org/fhir/object-role",  # before R4
    "",
)
_ENTITY_TYPES: Final = (
    "http://terminology.hl7.org/CodeSystem/audit-entity-type",
    "http://hl7.org/fhir/object-type",  # before R4
    "",
)
_RESOURCE_TYPES: Final = "http://hl7.org/fhir/resource-types"
_PATIENT: Final = re.compile(r"(?:([^?#|\s]+)/)?(Patient/[^/?#|\s]+)")
_RELATIVE: Final = re.compile(r"Patient/[^/?#|\s]+")
_NOBODY: Final = ResolvedReference(None, None, ())


class NamedPatient(msgspec.Struct, frozen=True, gc=False):
    """A patient, and the paths of all elements of the event that name this patient."""

    patient: PatientReference
    paths: tuple[Path, ...]


def read_patients(
    event: AuditEventElements,
    codes: ElementCodes,
    contained: Contained,
    agents: Iterable[Agent],
    place: str,
    flags: set[str],
    *,
    base: Path = (),
    subject: PatientReference | None = None,
) -> tuple[NamedPatient, ...]:
    """Return the patients of an event, each once, with the paths (below `base`) that name them.

    A patient who is an agent counts only if the event names no other patient (a patient logs in or
    reads the own record): then the first such agent counts (see `read_agents`). The `subject` of a
    CloudEvent is the only patient of its data if that patient has no reference; otherwise it is a
    further patient.
    """
    named: list[tuple[Path, PatientReference]] = []
    if event.patient is not None:
        patient = as_patient(resolve(event.patient, contained, place, "patient"))
        named.append(((*base, "patient"), patient))
    for index, entity in enumerate(event.entity or ()):
        what = _NOBODY
        if entity.what is not None:
            what = resolve(entity.what, contained, place, "entity", index, "what")
        types, roles = codes.entity_types[index], codes.entity_roles[index]
        if is_patient_entity(what.type, types, roles, flags):
            named.append(((*base, "entity", index), as_patient(what)))
    if subject is not None:
        names = {patient for _, patient in named}
        if len(names) == 1 and (only := names.pop()).reference is None:
            subject = PatientReference(subject.reference, only.identifiers)
            named = [(path, subject) for path, _ in named]
        named.append((("subject",), subject))
    if not named:
        for agent in agents:
            if agent.patient is not None:
                named.append(((), agent.patient))
                break
    patients = merge_patients(named, place)
    for one in patients:
        if one.patient.reference is None and not one.patient.identifiers:
            flags.add("patient.unidentified")
    return patients


def as_patient(named: ResolvedReference) -> PatientReference:
    """Return the resource that a reference names as a patient."""
    reference = named.reference
    if named.base and reference is not None and reference.startswith("Patient/"):
        reference = f"{named.base}/{reference}"
    return PatientReference(reference, named.identifiers)


def is_patient_entity(
    kind: str | None, types: Sequence[Code], roles: Sequence[Code], flags: set[str]
) -> bool:
    """Return whether an entity, whose `what` is of the resource type `kind`, is a patient.

    It is if it refers to a Patient, or has object role 1 (Patient), or the resource type Patient.
    An entity of type 1 (Person) without a role or another resource type is assumed a patient, and
    flagged.
    """
    if kind == "Patient":
        return True
    for system, code in roles:
        if code == "1" and system in _OBJECT_ROLES:
            return True
    if (_RESOURCE_TYPES, "Patient") in types:
        return True
    if roles or kind or not any(c == "1" and system in _ENTITY_TYPES for system, c in types):
        return False
    flags.add("patient.assumed-from-type")
    return True


def merge_patients(
    named: list[tuple[Path, PatientReference]], place: str
) -> tuple[NamedPatient, ...]:
    """Merge the names of the same patient: equal references or equal identifiers.

    The order is that of the first name. An empty name is a separate patient.
    """
    if len(named) == 1:
        path, patient = named[0]
        return (NamedPatient(patient, (path,)),)
    first_with: dict[str | tuple[str, str], int] = {}
    parents = list(range(len(named)))

    def home(number: int) -> int:
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    for number, (_, patient) in enumerate(named):
        for key in (*patient.identifiers, *([patient.reference] if patient.reference else ())):
            one, other = sorted((home(first_with.setdefault(key, number)), home(number)))
            parents[other] = one
    members: dict[int, list[tuple[Path, PatientReference]]] = {}
    for number, one_named in enumerate(named):
        members.setdefault(home(number), []).append(one_named)
    if len(members) > MAX_PATIENTS:
        raise too_many(place, len(members), MAX_PATIENTS, "patients an event")
    return tuple(map(_together, members.values()))


def _together(members: list[tuple[Path, PatientReference]]) -> NamedPatient:
    references = [patient.reference for _, patient in members if patient.reference is not None]
    identifiers = dict.fromkeys(pair for _, patient in members for pair in patient.identifiers)
    return NamedPatient(
        PatientReference(references[0] if references else None, tuple(identifiers)),
        tuple(path for path, _ in members),
    )


def canonical_patient(rule: PatientRule, patient: PatientReference) -> str | None:
    """Return the patient's canonical name by the rule of a portal.

    It is `<system>|<value>`, or `<namespace>/Patient/<id>` (or `urn:uuid:…`, unique by itself). A
    rule with both tries the identifier first. Return None if the event does not name the patient
    by the rule: the caller stores the event and flags it.
    """
    if rule.system is not None:
        for system, value in patient.identifiers:
            if system == rule.system:
                return f"{system}|{value}"
    if rule.namespace is not None and patient.reference is not None:
        return name_by_reference(rule.namespace, patient.reference)
    return None


def name_by_reference(namespace: str, reference: str) -> str | None:
    """Return `<namespace>/Patient/<id>` of a relative reference, or of one to that base URL.

    Return None for another server's patient: the same id is another person there. `http` and
    `https` count as one server.
    """
    if _RELATIVE.fullmatch(reference):
        return f"{namespace}/{reference}"
    if reference[:9].lower() == "urn:uuid:":
        return reference.lower() if len(reference) > len("urn:uuid:") else None
    form = _PATIENT.fullmatch(patient_reference(reference) or "")
    if form is None:
        return None
    base, name = form.groups()
    if base is not None and _without_scheme(base) != _without_scheme(namespace):
        return None
    return f"{namespace}/{name}"


def _without_scheme(base: str) -> str:
    return re.sub(r"^https?://", "", base)
