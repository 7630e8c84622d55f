"""Who and what the hospital is made of: departments, staff with shifts, patients, encounters.

Everything here is invented, and looks invented: every family name is one that nobody bears, every
address is under the reserved `.example`, every event is labelled HTEST (test health data).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cached_property
from random import Random
from typing import Literal, get_args

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

Role = Literal["physician", "nurse", "clerk", "pharmacist", "technician", "biller", "admin"]

# Department, how many of its staff are of each role, and whether patients lie there.
_DEPARTMENTS: tuple[tuple[str, tuple[Role, ...], bool], ...] = (
    ("Emergency", ("physician", "nurse", "nurse", "clerk"), True),
    ("Medicine", ("physician", "nurse", "nurse", "nurse"), True),
    ("Surgery", ("physician", "nurse", "nurse"), True),
    ("Cardiology", ("physician", "nurse"), True),
    ("Oncology", ("physician", "nurse"), True),
    ("Paediatrics", ("physician", "nurse"), True),
    ("Maternity", ("physician", "nurse"), True),
    ("Intensive Care", ("physician", "nurse", "nurse"), True),
    ("Laboratory", ("technician",), False),
    ("Pharmacy", ("pharmacist",), False),
    ("Records Office", ("clerk",), False),
    ("Billing", ("biller",), False),
    ("Information Technology", ("admin",), False),
)
_SHIFT_STARTS = (6, 6, 6, 14, 14, 22)  # hours; more people by day
_SHIFT_HOURS = 8
_GIVEN = (
    "Alder", "Aster", "Bay", "Birch", "Bramble", "Briar", "Clover", "Comfrey", "Dill", "Elder",
    "Fennel", "Fern", "Flax", "Hazel", "Heather", "Hyssop", "Iris", "Ivy", "Juniper", "Larch",
    "Laurel", "Linden", "Lovage", "Marigold", "Myrtle", "Nettle", "Rowan", "Rue", "Sage", "Sedge",
    "Sorrel", "Spruce", "Tansy", "Teasel", "Thistle", "Vetch", "Violet", "Willow", "Yarrow",
    "Zinnia",
)  # fmt: skip
_FAMILY = (
    "Artificer", "Bogusby", "Concocta", "Contriver", "Dummerton", "Exampleby", "Fabricant",
    "Fauxley", "Fictwell", "Figmentine", "Fixture", "Inventham", "Madeupson", "Mockridge",
    "Nobodyng", "Nonesuch", "Notreal", "Placeholm", "Pretendergast", "Samplefield", "Shamway",
    "Specimann", "Stubbington", "Supposit", "Synthetica", "Testerly", "Unrealdo", "Virtualis",
)  # fmt: skip
_FAMILIES = (*_FAMILY, *(f"{one}-{two}" for one in _FAMILY for two in _FAMILY if one != two))
MAX_PEOPLE = len(_GIVEN) * len(_FAMILIES)


def seeded_random(seed: int, purpose: str) -> Random:
    """Return a generator with the same values for a seed and a purpose on every machine."""
    return Random(f"{seed} {purpose}")  # noqa: S311 - generates test data, no secrets


@dataclass(frozen=True, slots=True)
class Staff:
    """An employee. `shift_start`: hour of the day (UTC) at which eight hours of duty begin."""

    id: str
    name: str
    role: Role
    department: str
    shift_start: int

    @property
    def reference(self) -> str:
        """The relative FHIR reference."""
        return f"Practitioner/{self.id}"

    def is_on_duty(self, hour: int) -> bool:
        """Whether this hour of the day (0 to 23) lies in the shift."""
        return (hour - self.shift_start) % 24 < _SHIFT_HOURS


@dataclass(frozen=True, slots=True)
class Patient:
    """Someone with a medical record number."""

    mrn: str
    name: str

    @property
    def reference(self) -> str:
        """The relative FHIR reference."""
        return f"Patient/{self.mrn.lower()}"


@dataclass(frozen=True, slots=True)
class Organisation:
    """Another organisation that receives information."""

    id: str
    name: str

    @property
    def reference(self) -> str:
        """The relative FHIR reference."""
        return f"Organization/{self.id}"


@dataclass(frozen=True, slots=True)
class Encounter:
    """A stay or visit; the care team are those with a reason to open the record."""

    id: str
    patient: Patient
    department: str
    care_team: tuple[Staff, ...]

    @property
    def reference(self) -> str:
        """The relative FHIR reference."""
        return f"Encounter/{self.id}"


@dataclass(frozen=True)
class World:
    """The hospital on one day (UTC). `encounters[n]` is that of `patients[n]`."""

    date: date
    staff: tuple[Staff, ...]
    patients: tuple[Patient, ...]
    encounters: tuple[Encounter, ...]

    @cached_property
    def start_ms(self) -> int:
        """Midnight at which the day begins, in milliseconds since 1970."""
        return int(datetime.combine(self.date, time(), UTC).timestamp()) * 1000

    @property
    def end_ms(self) -> int:
        """Midnight at which the day ends, in milliseconds since 1970."""
        return self.start_ms + DAY_MS

    def at(self, hour: int, minute: int = 0) -> int:
        """Milliseconds since 1970 of a time of this day."""
        return self.start_ms + hour * HOUR_MS + minute * 60_000

    def someone(self, random: Random, time_ms: int, *roles: Role) -> Staff:
        """One of these roles, on duty at that time if anyone of them is."""
        hour = (time_ms - self.start_ms) // HOUR_MS % 24
        return random.choice(self._roster[random.choice(roles), hour])

    def stranger(self, random: Random, time_ms: int, encounter: Encounter, *roles: Role) -> Staff:
        """As `someone`, but never of the encounter's care team: for access without a relation."""
        for _ in range(100):
            person = self.someone(random, time_ms, *roles)
            if person not in encounter.care_team:
                return person
        raise ValueError(f"no {' or '.join(roles)} outside the care team: a larger staff is needed")

    @cached_property
    def _roster(self) -> dict[tuple[Role, int], list[Staff]]:
        roster = {}
        for role in get_args(Role):
            able = [person for person in self.staff if person.role == role]
            for hour in range(24):
                roster[role, hour] = [p for p in able if p.is_on_duty(hour)] or able
        return roster


def make_world(random: Random, day: date, *, patients: int, staff: int) -> World:
    """Invent a hospital: some of each role, at least two patients, no two people of one name.

    Raises ValueError for more than MAX_PEOPLE people.
    """
    patients = max(patients, 2)
    staff = max(staff, 2 * sum(len(roles) for _, roles, _ in _DEPARTMENTS))
    names = iter(_names(random, patients + staff))
    people = _hire(random, [next(names) for _ in range(staff)])
    numbers = random.sample(range(100_000, 1_000_000), patients)
    admitted = [Patient(f"MRN{number}", next(names)) for number in numbers]
    wards = [name for name, _, has_beds in _DEPARTMENTS if has_beds]
    carers = {
        ward: [p for p in people if p.department == ward and p.role != "clerk"] for ward in wards
    }
    encounters = tuple(
        _admit(random, f"enc-{number:06d}", patient, random.choice(wards), carers)
        for number, patient in enumerate(admitted)
    )
    return World(day, tuple(people), tuple(admitted), encounters)


def _names(random: Random, count: int) -> list[str]:
    if count > MAX_PEOPLE:
        raise ValueError(f"{count} people, but no more than {MAX_PEOPLE} names")
    pairs = (divmod(number, len(_FAMILIES)) for number in random.sample(range(MAX_PEOPLE), count))
    return [f"{_GIVEN[given]} {_FAMILIES[family]}" for given, family in pairs]


def _hire(random: Random, names: Sequence[str]) -> list[Staff]:
    posts = [(department, role) for department, roles, _ in _DEPARTMENTS for role in roles]
    return [
        Staff(
            id=f"staff-{number:04d}",
            name=name,
            role=posts[number % len(posts)][1],
            department=posts[number % len(posts)][0],
            shift_start=random.choice(_SHIFT_STARTS),
        )
        for number, name in enumerate(names)
    ]


def _admit(
    random: Random, id_: str, patient: Patient, ward: str, carers: Mapping[str, Sequence[Staff]]
) -> Encounter:
    team = random.sample(carers[ward], min(4, len(carers[ward])))
    return Encounter(id_, patient, ward, tuple(team))
