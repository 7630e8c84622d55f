"""Rules about relations of user and patient: same person, household or surname."""

from typing import Any, ClassVar

from audit_ledger.detections import settings
from audit_ledger.detections.alert_suppression import SuppressedAlerts, is_news, pair_key
from audit_ledger.detections.finding import DetectionFinding
from audit_ledger.detections.observed_access import ObservedAccess
from audit_ledger.detections.rule import Rule
from audit_ledger.detections.staff_directory import Directory, names_of
from audit_ledger.detections.surnames import Surname, is_same, last_word, of_display, of_surname
from audit_ledger.events.event import PatientReference


class SelfAccessRule(Rule[SuppressedAlerts]):
    """A user opens the own record: an employee by the directory, or agent and patient are equal.

    Patients may read their own records; if settings list portals for patients, only there.
    """

    name: ClassVar[str] = "self-access"
    state_type = SuppressedAlerts

    def __init__(self, own: settings.SelfAccess) -> None:
        self.own = own
        self.severity = own.severity

    def observe(self, state: SuppressedAlerts, seen: ObservedAccess) -> DetectionFinding | None:
        """Report one finding per user within the quiet hours."""
        if not seen.is_access:
            return None
        if is_employee(seen):
            statement = "an employee opened the own record"
        elif is_agent(seen) and not self._is_allowed(seen):
            statement = "agent and patient are the same"
        else:
            return None
        if not is_news(state, pair_key(seen), seen, self.own.quiet_hours):
            return None
        return self.found(seen, statement)

    def _is_allowed(self, seen: ObservedAccess) -> bool:
        portals = self.own.portals_for_patients
        portal = seen.opened.portal in portals if portals else not seen.is_staff
        return portal or bool(seen.purposes.intersection(self.own.purposes))


class SameHouseholdRule(Rule[SuppressedAlerts]):
    """A user opens the record of a household member, or of someone whose next of kin they are."""

    name: ClassVar[str] = "same-household"
    state_type = SuppressedAlerts

    def __init__(self, own: settings.SameHousehold) -> None:
        self.own = own
        self.severity = own.severity

    def not_applicable(self, directory: Directory) -> str | None:
        """Return a reason if there are no users, or no patient has a household or contacts."""
        if not directory.users:
            return "the directory has no users"
        if any(patient.household or patient.contacts for patient in directory.patients):
            return None
        return "the directory has no households and no contacts"

    def observe(self, state: SuppressedAlerts, seen: ObservedAccess) -> DetectionFinding | None:
        """Report one finding per user and patient within the quiet hours."""
        user, person = seen.user, seen.person
        if not seen.is_access or user is None or person is None or is_employee(seen):
            return None
        own_record = seen.directory.own_record_of(user)
        household = None if own_record is None else own_record.household
        if household is not None and household == person.household:
            statement = "user and patient are of one household"
        elif user.id in person.contacts:
            statement = "the user is a contact of the patient"
        else:
            return None
        if not is_news(state, pair_key(seen), seen, self.own.quiet_hours):
            return None
        return self.found(seen, statement)


class SameSurnameRule(Rule[SuppressedAlerts]):
    """A user opens the record of another person with the same surname."""

    name: ClassVar[str] = "same-surname"
    state_type = SuppressedAlerts

    def __init__(self, own: settings.SameSurname) -> None:
        self.own = own
        self.severity = own.severity
        frequent = (of_surname(name) for name in own.frequent)
        self.frequent = {last_word(name) for name in frequent if name is not None}

    def observe(self, state: SuppressedAlerts, seen: ObservedAccess) -> DetectionFinding | None:
        """Report one finding per user and patient within the quiet hours, except own records."""
        if not (seen.is_access and seen.is_staff) or is_employee(seen) or is_agent(seen):
            return None
        user = _surname_of_user(seen)
        patient = None if user is None else _surname_of_patient(seen)
        if user is None or patient is None or not is_same(user, patient):
            return None
        if self.frequent.intersection((last_word(user), last_word(patient))):
            return None
        if not is_news(state, pair_key(seen), seen, self.own.quiet_hours):
            return None
        return self.found(seen, "user and patient have the same surname")


def is_employee(seen: ObservedAccess) -> bool:
    """Return whether the directory identifies the patient with this user."""
    user, person = seen.user, seen.person
    return user is not None and person is not None and person.employee == user.id


def is_agent(seen: ObservedAccess) -> bool:
    """Return whether agent and patient share a reference or an identifier."""
    if seen.actor is None or seen.patient is None:
        return False
    return not set(seen.actor.agent.candidates).isdisjoint(names_of(seen.patient))


def _surname_of_user(seen: ObservedAccess) -> Surname | None:
    if seen.user is not None and seen.user.surname is not None:
        return of_surname(seen.user.surname)
    name = None if seen.actor is None else seen.actor.name
    return None if name is None else of_display(name)


def _surname_of_patient(seen: ObservedAccess) -> Surname | None:
    if seen.person is not None and seen.person.surname is not None:
        return of_surname(seen.person.surname)
    name = _display_of_patient(seen)
    return None if name is None else of_display(name)


def _display_of_patient(seen: ObservedAccess) -> str | None:
    """Return the patient's name in the event: of an entity, or of `patient` itself."""
    for entity in seen.opened.details.entities:
        what = PatientReference(entity.what.reference, entity.what.identifiers)
        if seen.patient is not None and not set(names_of(what)).isdisjoint(names_of(seen.patient)):
            return entity.name
    document = seen.opened.document
    holder: Any = document.audit_event
    if holder is None:
        holder = document.root.get("data")
    patient = holder.get("patient") if isinstance(holder, dict) else None
    display = patient.get("display") if isinstance(patient, dict) else None
    return display if isinstance(display, str) else None
