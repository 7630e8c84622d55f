"""An opened event as the rules look at it: who, whom, when, and whether it was an access."""

from collections.abc import Callable
from typing import Final

import msgspec

from audit_ledger.detections.staff_directory import Directory, DirectoryPatient, User, names_of
from audit_ledger.events.agents import canonical_agent
from audit_ledger.events.event import PatientReference
from audit_ledger.events.event_details import AgentDetails, EventDetails
from audit_ledger.events.outcome import EventOutcome, event_outcome
from audit_ledger.events.own_time import is_plausible
from audit_ledger.records.opened_event import OpenedEvent

Mark = Callable[[str], str]
"""Turns an identifier into what may stand in a state: a keyed hash, 12 to 24 characters."""

MIN_MARK_LENGTH, MAX_MARK_LENGTH = 12, 24

# DICOM PS3.16, CID 400 and 401: User Authentication, Login, Logout.
_AUTHENTICATION: Final = {"110114", "110122", "110123", "login", "logout"}


class ObservedAccess(msgspec.Struct, frozen=True, gc=False):
    """One event. `actor`: the person who asked for it; `user`, `person`: as the directory knows
    them; `who_mark`, `patient_mark`: what states may keep of them, "" of nobody.

    A patient is marked by the pseudonym of the record, so that a mark is nobody's once the patient
    is erased: it would otherwise outlive that in the states. (It changes with the year: a window
    over the turn of the year takes a patient for two.)
    """

    opened: OpenedEvent
    actor: AgentDetails | None
    who: str | None
    user: User | None
    patient: PatientReference | None
    person: DirectoryPatient | None
    who_mark: str
    patient_mark: str
    directory: Directory

    def __repr__(self) -> str:
        """Say which entry, and nothing of what is inside."""
        return f"Seen({self.opened.seq})"

    @property
    def time_ms(self) -> int:
        """The event's own time."""
        return self.opened.time_ms

    @property
    def has_plausible_time(self) -> bool:
        """Whether its own time can be believed, by the rule that reports go by.

        Nothing is concluded from others: one wrong clock would spoil what is known of a user.
        """
        return is_plausible(self.opened.time_ms, self.opened.entry_time)

    @property
    def is_staff(self) -> bool:
        """Whether a person acted who is neither a patient nor a patient's relative."""
        if self.actor is None:
            return False
        relative = (self.who or "").startswith("reference|RelatedPerson/")
        return self.actor.agent.patient is None and not relative

    @property
    def codes(self) -> set[str]:
        """Codes of what kind of event it is, whatever their system: senders leave it out."""
        details = self.opened.details
        return {coded.code for coded in (*details.types, *details.subtypes)}

    @property
    def purposes(self) -> set[str]:
        """Codes of purposes of use: the event's and the agents'."""
        details = self.opened.details
        every = (details.purposes, *(agent.purposes for agent in details.agents))
        return {coded.code for coded_of in every for coded in coded_of}

    @property
    def has_failed(self) -> bool:
        """Whether its outcome is a failure; what is unknown is taken for an access."""
        return event_outcome(self.opened.details) is EventOutcome.FAILURE

    @property
    def is_access(self) -> bool:
        """Whether a person got at a patient's data: no login, no failure."""
        is_about = self.actor is not None and self.patient is not None
        return is_about and not self.has_failed and not (self.codes & _AUTHENTICATION)


def observe_access(opened: OpenedEvent, directory: Directory, mark: Mark) -> ObservedAccess:
    """Look at an opened event; a record is about one patient at most."""
    actor = acting(opened.details)
    who = None if actor is None else canonical_agent(actor.agent)
    user = None if actor is None else directory.user_of(actor.agent)
    patient = opened.details.patients[0] if opened.details.patients else None
    person = None if patient is None else directory.patient_of(patient)
    names = names_of(patient) if patient is not None else []
    patient_name = person.names[0] if person is not None else next(iter(names), None)
    if patient_name is None:
        patient_mark = ""
    elif opened.subject is None:  # whom no rule resolves: the record is of the subject `ledger`
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
        opened,
        actor,
        who,
        user,
        patient,
        person,
        who_mark,
        patient_mark,
        directory,
    )


def acting(details: EventDetails) -> AgentDetails | None:
    """Return the person who asked, else the first person; None where no person acted."""
    persons = [agent for agent in details.agents if agent.agent.is_person]
    asking = [agent for agent in persons if agent.agent.requestor]
    return next(iter(asking or persons), None)
