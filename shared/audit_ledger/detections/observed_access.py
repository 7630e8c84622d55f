"""An opened event in the form for rules: user, patient, time, and whether it was an access."""

from collections.abc import Callable
from typing import Final

import msgspec

from audit_ledger.detections.staff_directory import Directory, DirectoryPatient, User, names_of
from audit_ledger.events.agents import canonical_agent
from audit_ledger.events.event import PatientReference
from audit_ledger.events.event_details import AgentDetails, EventDetails
from audit_ledger.events.outcome import EventOutcome, event_outcome
from audit_ledger.events.own_time import is_plausible
from audit_ledger.private_repr import PrivateRepr
from audit_ledger.records.opened_event import OpenedEvent

Mark = Callable[[str], str]
"""Hashes an identifier for a state: a keyed hash of 12 to 24 characters."""

MIN_MARK_LENGTH, MAX_MARK_LENGTH = 12, 24

# DICOM PS3.16, CID 400 and 401: User Authentication, Login, Logout.
_AUTHENTICATION: Final = {"110114", "110122", "110123", "login", "logout"}


class ObservedAccess(PrivateRepr, msgspec.Struct, frozen=True, gc=False):
    """One event. `actor`: the requesting person; `user`, `person`: actor and patient in the
    directory; `who_mark`, `patient_mark`: their marks for states, "" if unknown.

    A patient's mark derives from the pseudonym of the record, so that erasing the patient makes the
    marks in states meaningless. (The pseudonym changes with the year: a window over the turn of the
    year counts a patient twice.)
    """

    SHOWN = ("opened",)
    opened: OpenedEvent
    actor: AgentDetails | None
    who: str | None
    user: User | None
    patient: PatientReference | None
    person: DirectoryPatient | None
    who_mark: str
    patient_mark: str
    directory: Directory

    @property
    def time_ms(self) -> int:
        """The event's own time."""
        return self.opened.time_ms

    @property
    def has_plausible_time(self) -> bool:
        """Whether its own time is plausible, by the rule for reports.

        Rules skip other events: one wrong clock would corrupt the state of a user.
        """
        return is_plausible(self.opened.time_ms, self.opened.entry_time)

    @property
    def is_staff(self) -> bool:
        """Whether the actor is a person, but neither a patient nor a patient's relative."""
        if self.actor is None:
            return False
        relative = (self.who or "").startswith("reference|RelatedPerson/")
        return self.actor.agent.patient is None and not relative

    @property
    def codes(self) -> set[str]:
        """Codes of type and subtype, in any system: senders omit the system."""
        details = self.opened.details
        return {coded.code for coded in (*details.types, *details.subtypes)}

    @property
    def purposes(self) -> set[str]:
        """Codes of the purposes of use of the event and its agents."""
        details = self.opened.details
        every = (details.purposes, *(agent.purposes for agent in details.agents))
        return {coded.code for coded_of in every for coded in coded_of}

    @property
    def has_failed(self) -> bool:
        """Whether its outcome is a failure; an unknown outcome counts as success."""
        return event_outcome(self.opened.details) is EventOutcome.FAILURE

    @property
    def is_access(self) -> bool:
        """Whether a person accessed a patient's data: no login, no failure."""
        is_about = self.actor is not None and self.patient is not None
        return is_about and not self.has_failed and not (self.codes & _AUTHENTICATION)

    @property
    def is_timed_staff_access(self) -> bool:
        """Whether it is an access by staff at a plausible time."""
        return self.is_access and self.is_staff and self.has_plausible_time


def observe_access(opened: OpenedEvent, directory: Directory, mark: Mark) -> ObservedAccess:
    """Return an opened event in the form for rules; a record has at most one patient."""
    actor = actor_of(opened.details)
    who = None if actor is None else canonical_agent(actor.agent)
    user = None if actor is None else directory.user_of(actor.agent)
    patient = opened.details.patients[0] if opened.details.patients else None
    person = None if patient is None else directory.patient_of(patient)
    names = names_of(patient) if patient is not None else []
    patient_name = person.names[0] if person is not None else next(iter(names), None)
    if patient_name is None:
        patient_mark = ""
    elif opened.subject is None:  # resolved by no rule: the record's subject is `ledger`
        patient_mark = mark(patient_name)
    else:
        patient_mark = mark(f"subject|{opened.subject.hex()}")
    if who is None:
        who_mark = ""
    elif actor is not None and actor.agent.patient is not None and patient_mark:
        who_mark = patient_mark
    else:
        who_mark = mark(who if user is None else f"user|{user.id}")
    return ObservedAccess(
        opened, actor, who, user, patient, person, who_mark, patient_mark, directory
    )


def actor_of(details: EventDetails) -> AgentDetails | None:
    """Return the requesting person, else the first person; None if no person acted."""
    persons = [agent for agent in details.agents if agent.agent.is_person]
    requesting = [agent for agent in persons if agent.agent.requestor]
    return next(iter(requesting or persons), None)
