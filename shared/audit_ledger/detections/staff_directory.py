"""The staff directory of a hospital: users, departments, patients' relations, and encounters.

Names are canonical: users have `reference|Practitioner/1`, `identifier|<system>|<value>`,
`altId|<id>`, `display|<name>`, as in `audit_ledger.events.agents`; patients have the first two.
"""

from collections.abc import Iterable, Sequence

import msgspec

from audit_ledger.detections.hours import Hours
from audit_ledger.events.event import Agent, PatientReference
from audit_ledger.events.references import normalize_reference
from audit_ledger.private_repr import PrivateRepr


class User(PrivateRepr, msgspec.Struct, frozen=True, kw_only=True):
    """A user. Employed from `valid_from_ms` to before `valid_to_ms`, if known."""

    id: str
    names: tuple[str, ...]
    surname: str | None = None
    given: str | None = None
    department: str | None = None
    valid_from_ms: int | None = None
    valid_to_ms: int | None = None


class Department(msgspec.Struct, frozen=True, kw_only=True):
    """A department. `hours` as in `audit_ledger.detections.hours`, in `time_zone`."""

    id: str
    name: str | None = None
    hours: Hours | None = None
    time_zone: str | None = None


class DirectoryPatient(PrivateRepr, msgspec.Struct, frozen=True, kw_only=True):
    """A patient. `household`: a code shared by all its members.

    `contacts`: ids of users who are next of kin; `employee`: the user id of this patient.
    """

    names: tuple[str, ...]
    surname: str | None = None
    household: str | None = None
    contacts: tuple[str, ...] = ()
    employee: str | None = None


class DirectoryEncounter(PrivateRepr, msgspec.Struct, frozen=True, kw_only=True):
    """A patient, by any name, in a department from `from_ms` to before `to_ms`; None: ongoing."""

    patient: str
    department: str
    from_ms: int
    to_ms: int | None = None


class Directory:
    """The directory, indexed by the names in events. `digest` identifies its content."""

    def __init__(
        self,
        users: Sequence[User] = (),
        departments: Sequence[Department] = (),
        patients: Sequence[DirectoryPatient] = (),
        encounters: Iterable[DirectoryEncounter] = (),
        *,
        digest: bytes = b"",
    ) -> None:
        self.digest = digest
        self.users = {user.id: user for user in users}
        self.departments = {department.id: department for department in departments}
        self.patients = tuple(patients)
        self._user_of = {name: user for user in users for name in user.names}
        self._patient_of = {name: patient for patient in patients for name in patient.names}
        self._own_records = {p.employee: p for p in patients if p.employee is not None}
        self._encounters: dict[str, list[DirectoryEncounter]] = {}
        for encounter in encounters:
            self._encounters.setdefault(self._key(encounter.patient), []).append(encounter)

    @property
    def counts(self) -> dict[str, int]:
        """The number of records of each kind, in the order of the files."""
        return {
            "users": len(self.users),
            "departments": len(self.departments),
            "patients": len(self.patients),
            "encounters": sum(map(len, self._encounters.values())),
        }

    @property
    def has_encounters(self) -> bool:
        """Whether it contains encounters."""
        return bool(self._encounters)

    def user_of(self, agent: Agent) -> User | None:
        """Return the user of an agent, by the best of its known candidates; None if unknown."""
        for candidate in agent.candidates:
            if candidate in self._user_of:
                return self._user_of[candidate]
        return None

    def patient_of(self, reference: PatientReference) -> DirectoryPatient | None:
        """Return the patient whom an event names; None if unknown."""
        for name in names_of(reference):
            if name in self._patient_of:
                return self._patient_of[name]
        return None

    def own_record_of(self, user: User) -> DirectoryPatient | None:
        """Return this user's record as a patient; None if there is none."""
        return self._own_records.get(user.id)

    def encounters_of(self, reference: PatientReference) -> list[DirectoryEncounter]:
        """Return all encounters of a patient named in an event."""
        keys = dict.fromkeys(self._key(name) for name in names_of(reference))
        return [encounter for key in keys for encounter in self._encounters.get(key, ())]

    def _key(self, name: str) -> str:
        patient = self._patient_of.get(name)
        return name if patient is None else patient.names[0]


def names_of(reference: PatientReference) -> list[str]:
    """Return the canonical names of a patient in an event, the reference first.

    Omit the server's URL: the directory is the hospital's own.
    """
    first = []
    if reference.reference is not None:
        first.append(f"reference|{normalize_reference(reference.reference)[1]}")
    return first + [f"identifier|{system}|{value}" for system, value in reference.identifiers]
