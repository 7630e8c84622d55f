"""Rules about relations of user and patient: same person, household or surname."""

from typing import Any, ClassVar

from audit_ledger.detections.alert_suppression import QuietRule
from audit_ledger.detections.observed_access import ObservedAccess
from audit_ledger.detections.settings import SameHousehold, SameSurname, SelfAccess
from audit_ledger.detections.staff_directory import Directory, names_of
from audit_ledger.detections.surnames import Surname, is_same, last_word, of_display, of_surname
from audit_ledger.events.event import PatientReference


class SelfAccessRule(QuietRule[SelfAccess]):
    """A user opens the own record: an employee by the directory, or agent and patient are equal.

    Patients may read their own records; if settings list portals for patients, only there.
    """

    name: ClassVar[str] = "self-access"

    def judge(self, access: ObservedAccess) -> str | None:
        """Compare user and patient, by the directory and by their identifiers."""
        if not access.is_access:
            return None
        if is_employee(access):
            return "an employee opened the own record"
        if is_agent(access) and not self._is_allowed(access):
            return "agent and patient are the same"
        return None

    def _is_allowed(self, access: ObservedAccess) -> bool:
        portals = self.settings.portals_for_patients
        portal = access.opened.portal in portals if portals else not access.is_staff
        return portal or bool(access.purposes.intersection(self.settings.purposes))


class SameHouseholdRule(QuietRule[SameHousehold]):
    """A user opens the record of a household member, or of someone whose next of kin they are."""

    name: ClassVar[str] = "same-household"

    def not_applicable(self, directory: Directory) -> str | None:
        """Return a reason if there are no users, or no patient has a household or contacts."""
        if not directory.users:
            return "the directory has no users"
        if any(patient.household or patient.contacts for patient in directory.patients):
            return None
        return "the directory has no households and no contacts"

    def judge(self, access: ObservedAccess) -> str | None:
        """Compare households, and search the patient's contacts for the user."""
        user, person = access.user, access.person
        if not access.is_access or user is None or person is None or is_employee(access):
            return None
        own_record = access.directory.own_record_of(user)
        household = None if own_record is None else own_record.household
        if household is not None and household == person.household:
            return "user and patient are of one household"
        return "the user is a contact of the patient" if user.id in person.contacts else None


class SameSurnameRule(QuietRule[SameSurname]):
    """A user opens the record of another person with the same surname."""

    name: ClassVar[str] = "same-surname"

    def __init__(self, settings: SameSurname) -> None:
        super().__init__(settings)
        frequent = (of_surname(name) for name in settings.frequent)
        self.frequent = {last_word(name) for name in frequent if name is not None}

    def judge(self, access: ObservedAccess) -> str | None:
        """Compare surnames, except in own records."""
        if not (access.is_access and access.is_staff) or is_employee(access) or is_agent(access):
            return None
        user = _surname_of_user(access)
        patient = None if user is None else _surname_of_patient(access)
        if user is None or patient is None or not is_same(user, patient):
            return None
        if self.frequent.intersection((last_word(user), last_word(patient))):
            return None
        return "user and patient have the same surname"


def is_employee(access: ObservedAccess) -> bool:
    """Return whether the directory identifies the patient with this user."""
    user, person = access.user, access.person
    return user is not None and person is not None and person.employee == user.id


def is_agent(access: ObservedAccess) -> bool:
    """Return whether agent and patient share a reference or an identifier."""
    if access.actor is None or access.patient is None:
        return False
    return not set(access.actor.agent.candidates).isdisjoint(names_of(access.patient))


def _surname_of_user(access: ObservedAccess) -> Surname | None:
    if access.user is not None and access.user.surname is not None:
        return of_surname(access.user.surname)
    name = None if access.actor is None else access.actor.name
    return None if name is None else of_display(name)


def _surname_of_patient(access: ObservedAccess) -> Surname | None:
    if access.person is not None and access.person.surname is not None:
        return of_surname(access.person.surname)
    name = _display_of_patient(access)
    return None if name is None else of_display(name)


def _display_of_patient(access: ObservedAccess) -> str | None:
    """Return the patient's name in the event: of an entity, or of `patient` itself."""
    for entity in access.opened.details.entities:
        what = PatientReference(entity.what.reference, entity.what.identifiers)
        if access.patient is not None and not set(names_of(what)).isdisjoint(
            names_of(access.patient)
        ):
            return entity.name
    document = access.opened.document
    holder: Any = document.audit_event
    if holder is None:
        holder = document.root.get("data")
    patient = holder.get("patient") if isinstance(holder, dict) else None
    display = patient.get("display") if isinstance(patient, dict) else None
    return display if isinstance(display, str) else None
