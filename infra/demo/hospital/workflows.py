"""An ordinary day in scenes: each is a small function that yields a few events in order.

A scene is a `Scenario`: it is given the world, a random source and the time at which it begins
(milliseconds since 1970), and yields happenings whose times never fall. `patterns.py` has the
scenes that a security team looks for; `day.py` defines how often each ordinary one occurs.
"""

from collections.abc import Callable, Iterable, Iterator
from random import Random

from infra.demo.hospital.clinical_event import Happening, Interaction, Purpose
from infra.demo.hospital.population import Encounter, Staff, World

Scenario = Callable[[World, Random, int], Iterator[Happening]]

Step = tuple[Interaction, str]  # what is done, and to a resource of which kind

_CHART = (
    "Condition", "Observation", "MedicationRequest", "AllergyIntolerance", "DiagnosticReport",
    "DocumentReference", "CarePlan", "Immunization", "Procedure",
)  # fmt: skip


def resource_of(random: Random, kind: str) -> str:
    """A relative reference to some resource of that kind."""
    return f"{kind}/{random.getrandbits(48):012x}"


def chart_part(random: Random) -> str:
    """A relative reference to some part of a patient's record."""
    return resource_of(random, random.choice(_CHART))


def a_while(random: Random, seconds: int) -> int:
    """Milliseconds between two acts: about that many seconds, never none."""
    return 200 + int(random.random() * seconds * 2000)


def steps_on(
    random: Random,
    time_ms: int,
    actor: Staff | None,
    encounter: Encounter,
    steps: Iterable[Step],
    *,
    pause_seconds: int,
    purpose: Purpose = "TREAT",
) -> Iterator[Happening]:
    """One person (or a job, None) does one thing after another to one patient's record."""
    for interaction, kind in steps:
        yield Happening(
            time_ms,
            "ehr",
            interaction,
            actor,
            (encounter.patient,),
            encounter,
            resource_of(random, kind),
            purpose=purpose,
        )
        time_ms += a_while(random, pause_seconds)


def ward_round(world: World, random: Random, time_ms: int) -> Iterator[Happening]:
    """One of the care team signs on, reads the chart, notes what was found, and signs off."""
    encounter = random.choice(world.encounters)
    actor = random.choice(encounter.care_team)
    steps: list[Step] = [("read", random.choice(_CHART)) for _ in range(random.randint(2, 6))]
    steps += [("create", "Observation"), ("update", "CarePlan")]
    yield Happening(time_ms, "ehr", "login", actor)
    time_ms += a_while(random, 5)
    for happening in steps_on(random, time_ms, actor, encounter, steps, pause_seconds=20):
        yield happening
        time_ms = happening.time_ms
    yield Happening(time_ms + a_while(random, 90), "ehr", "logout", actor)


def medication_round(world: World, random: Random, time_ms: int) -> Iterator[Happening]:
    """A nurse gives two patients their medicine and files it for each."""
    nurse = world.someone(random, time_ms, "nurse")
    steps: list[Step] = [("read", "MedicationRequest"), ("create", "MedicationAdministration")]
    for encounter in random.sample(world.encounters, 2):
        yield from steps_on(random, time_ms, nurse, encounter, steps, pause_seconds=20)
        time_ms += 2 * a_while(random, 60) + 80_000


def handover(world: World, random: Random, time_ms: int) -> Iterator[Happening]:
    """A shift opens the list of its ward: one event that concerns several patients."""
    nurse = world.someone(random, time_ms, "nurse", "physician")
    listed = random.sample(world.encounters, min(random.randint(2, 6), len(world.encounters)))
    patients = tuple(encounter.patient for encounter in listed)
    yield Happening(time_ms, "ehr", "read", nurse, patients, what=resource_of(random, "List"))


def registration(world: World, random: Random, time_ms: int) -> Iterator[Happening]:
    """A clerk looks for a patient by name, then opens and corrects what was found."""
    clerk = world.someone(random, time_ms, "clerk")
    encounter = random.choice(world.encounters)
    given, family = encounter.patient.name.split()
    query = f"Patient?family={family}&given={given}&_count=20"
    yield Happening(time_ms, "ehr", "search", clerk, query=query, purpose="RECORDMGT")
    time_ms += a_while(random, 20)
    steps: list[Step] = [("read", "Coverage"), ("update", "Encounter")]
    yield from steps_on(
        random, time_ms, clerk, encounter, steps, pause_seconds=30, purpose="RECORDMGT"
    )


def result_query(world: World, random: Random, time_ms: int) -> Iterator[Happening]:
    """A physician asks for one patient's latest results and reads the report."""
    encounter = random.choice(world.encounters)
    reader = random.choice(encounter.care_team)
    query = f"Observation?patient={encounter.patient.mrn.lower()}&_sort=-date&_count=50"
    yield Happening(time_ms, "ehr", "search", reader, (encounter.patient,), encounter, query=query)
    time_ms += a_while(random, 8)
    steps: list[Step] = [("read", "DiagnosticReport")]
    yield from steps_on(random, time_ms, reader, encounter, steps, pause_seconds=1)


def prescription_issued(world: World, random: Random, time_ms: int) -> Iterator[Happening]:
    """A physician prescribes; a pharmacist reads it and files what was handed out."""
    encounter = random.choice(world.encounters)
    yield Happening(
        time_ms,
        "ehr",
        "create",
        random.choice(encounter.care_team),
        (encounter.patient,),
        encounter,
        resource_of(random, "MedicationRequest"),
        document=random.randbytes(32),
    )
    time_ms += a_while(random, 900)
    pharmacist = world.someone(random, time_ms, "pharmacist")
    steps: list[Step] = [("read", "MedicationRequest"), ("create", "MedicationDispense")]
    yield from steps_on(random, time_ms, pharmacist, encounter, steps, pause_seconds=300)


def billing(world: World, random: Random, time_ms: int) -> Iterator[Happening]:
    """The billing office reads what a stay was about, and writes the claim."""
    biller = world.someone(random, time_ms, "biller")
    encounter = random.choice(world.encounters)
    steps: list[Step] = [("read", "Procedure"), ("read", "Coverage"), ("create", "Claim")]
    yield from steps_on(
        random, time_ms, biller, encounter, steps, pause_seconds=60, purpose="HPAYMT"
    )


def records_office(world: World, random: Random, time_ms: int) -> Iterator[Happening]:
    """A clerk sends a summary to another provider, or removes a page filed by mistake."""
    encounter = random.choice(world.encounters)
    yield Happening(
        time_ms,
        "ehr",
        "delete" if random.random() < 0.3 else "export",
        world.someone(random, time_ms, "clerk"),
        (encounter.patient,),
        encounter,
        resource_of(random, "DocumentReference"),
        purpose="RECORDMGT",
        document=random.randbytes(32),
    )


def refused_read(world: World, random: Random, time_ms: int) -> Iterator[Happening]:
    """Someone opens the record of a patient in others' care, and is refused."""
    encounter = random.choice(world.encounters)
    yield Happening(
        time_ms,
        "ehr",
        "read",
        world.stranger(random, time_ms, encounter, "nurse", "clerk", "biller"),
        (encounter.patient,),
        encounter,
        chart_part(random),
        refused="not of the care team",
    )


def mistyped_password(world: World, random: Random, time_ms: int) -> Iterator[Happening]:
    """A login fails, and succeeds the second time."""
    actor = random.choice(world.staff)
    yield Happening(time_ms, "ehr", "login", actor, refused="wrong password")
    yield Happening(time_ms + a_while(random, 10), "ehr", "login", actor)


def nightly_job(world: World, random: Random, time_ms: int) -> Iterator[Happening]:
    """A job without a user brings a record up to date."""
    encounter = random.choice(world.encounters)
    steps: list[Step] = [("update", "Coverage")]
    yield from steps_on(random, time_ms, None, encounter, steps, pause_seconds=1, purpose="HOPERAT")


def result_filed(world: World, random: Random, time_ms: int) -> Iterator[Happening]:
    """The laboratory files a report; some are amended later, a few are withdrawn."""
    technician = world.someone(random, time_ms, "technician")
    encounter = random.choice(world.encounters)
    report = resource_of(random, "DiagnosticReport")
    fate: tuple[Interaction, ...] = ("create",)
    if random.random() < 0.2:
        fate = ("create", "delete") if random.random() < 0.2 else ("create", "update")
    for interaction in fate:
        yield Happening(
            time_ms,
            "lab",
            interaction,
            technician,
            (encounter.patient,),
            encounter,
            report,
            document=random.randbytes(32),
        )
        time_ms += a_while(random, 600)


def prescription_signed(world: World, random: Random, time_ms: int) -> Iterator[Happening]:
    """A prescription is signed in the document service that the laboratory runs for others."""
    encounter = random.choice(world.encounters)
    yield Happening(
        time_ms,
        "lab",
        "create",
        random.choice(encounter.care_team),
        (encounter.patient,),
        encounter,
        resource_of(random, "MedicationRequest"),
        document=random.randbytes(32),
    )


def result_read(world: World, random: Random, time_ms: int) -> Iterator[Happening]:
    """One of the care team reads a report in the laboratory's own system."""
    encounter = random.choice(world.encounters)
    reader = random.choice(encounter.care_team)
    report = resource_of(random, "DiagnosticReport")
    yield Happening(time_ms, "lab", "read", reader, (encounter.patient,), encounter, report)


def patient_looks(world: World, random: Random, time_ms: int) -> Iterator[Happening]:
    """A patient signs in to the app, reads the own record, and sometimes takes a copy along."""
    patient = random.choice(world.patients)
    steps: list[Interaction] = ["read"] * random.randint(1, 5)
    steps += ["export"] if random.random() < 0.1 else []
    for interaction in ("login", *steps, "logout"):
        what = chart_part(random) if interaction in ("read", "export") else ""
        yield Happening(
            time_ms, "app", interaction, patient, (patient,), None, what, purpose="PATRQT"
        )
        time_ms += a_while(random, 30)
