"""Workflows of an ordinary day: each is a small function that yields a few events in order.

A workflow is a `Scenario`: it takes the world, a random source and the time at which it begins
(milliseconds since 1970), and yields events whose times never decrease. `anomalies.py` has the
scenarios that a security team looks for; `day.py` defines how often each ordinary one occurs.
"""

from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any

from infra.demo.hospital.clinical_event import ClinicalEvent, Interaction, Purpose, System
from infra.demo.hospital.population import Encounter, Staff, World

Scenario = Callable[[World, Random, int], Iterator[ClinicalEvent]]

Step = tuple[Interaction, str]  # the interaction and the type of the resource

_CHART = (
    "Condition", "Observation", "MedicationRequest", "AllergyIntolerance", "DiagnosticReport",
    "DocumentReference", "CarePlan", "Immunization", "Procedure",
)  # fmt: skip


def resource_of(random: Random, kind: str) -> str:
    """Return a relative reference to some resource of a type."""
    return f"{kind}/{random.getrandbits(48):012x}"


def chart_part(random: Random) -> str:
    """Return a relative reference to some part of a patient's record."""
    return resource_of(random, random.choice(_CHART))


def pause_ms(random: Random, seconds: int) -> int:
    """Return a pause in milliseconds: about that many seconds, at least 0.2."""
    return 200 + int(random.random() * seconds * 2000)


def record_event(
    time_ms: int,
    interaction: Interaction,
    actor: Staff | None,
    encounter: Encounter,
    what: str = "",
    *,
    system: System = "ehr",
    **details: Any,
) -> ClinicalEvent:
    """Return an event that concerns the patient of an encounter; see `ClinicalEvent`."""
    patients = (encounter.patient,)
    return ClinicalEvent(time_ms, system, interaction, actor, patients, encounter, what, **details)


def record_events(
    random: Random,
    time_ms: int,
    actor: Staff | None,
    encounter: Encounter,
    steps: Iterable[Step],
    *,
    pause_seconds: int,
    purpose: Purpose = "TREAT",
) -> Iterator[ClinicalEvent]:
    """Yield the events of one person (or a job, None) who works on one patient's record."""
    for interaction, kind in steps:
        what = resource_of(random, kind)
        yield record_event(time_ms, interaction, actor, encounter, what, purpose=purpose)
        time_ms += pause_ms(random, pause_seconds)


def ward_round(world: World, random: Random, time_ms: int) -> Iterator[ClinicalEvent]:
    """A member of the care team logs in, reads the chart, files findings, and logs out."""
    encounter = random.choice(world.encounters)
    actor = random.choice(encounter.care_team)
    steps: list[Step] = [("read", random.choice(_CHART)) for _ in range(random.randint(2, 6))]
    steps += [("create", "Observation"), ("update", "CarePlan")]
    yield ClinicalEvent(time_ms, "ehr", "login", actor)
    time_ms += pause_ms(random, 5)
    for event in record_events(random, time_ms, actor, encounter, steps, pause_seconds=20):
        yield event
        time_ms = event.time_ms
    yield ClinicalEvent(time_ms + pause_ms(random, 90), "ehr", "logout", actor)


def medication_round(world: World, random: Random, time_ms: int) -> Iterator[ClinicalEvent]:
    """A nurse administers medication to two patients and files it for each."""
    nurse = world.someone(random, time_ms, "nurse")
    steps: list[Step] = [("read", "MedicationRequest"), ("create", "MedicationAdministration")]
    for encounter in random.sample(world.encounters, 2):
        yield from record_events(random, time_ms, nurse, encounter, steps, pause_seconds=20)
        time_ms += 2 * pause_ms(random, 60) + 80_000


def handover(world: World, random: Random, time_ms: int) -> Iterator[ClinicalEvent]:
    """A shift opens the list of its ward: one event that concerns several patients."""
    nurse = world.someone(random, time_ms, "nurse", "physician")
    listed = random.sample(world.encounters, min(random.randint(2, 6), len(world.encounters)))
    patients = tuple(encounter.patient for encounter in listed)
    yield ClinicalEvent(time_ms, "ehr", "read", nurse, patients, what=resource_of(random, "List"))


def registration(world: World, random: Random, time_ms: int) -> Iterator[ClinicalEvent]:
    """A clerk searches for a patient by name, then opens and corrects the record."""
    clerk = world.someone(random, time_ms, "clerk")
    encounter = random.choice(world.encounters)
    given, family = encounter.patient.name.split()
    query = f"Patient?family={family}&given={given}&_count=20"
    yield ClinicalEvent(time_ms, "ehr", "search", clerk, query=query, purpose="RECORDMGT")
    time_ms += pause_ms(random, 20)
    steps: list[Step] = [("read", "Coverage"), ("update", "Encounter")]
    yield from record_events(
        random, time_ms, clerk, encounter, steps, pause_seconds=30, purpose="RECORDMGT"
    )


def result_query(world: World, random: Random, time_ms: int) -> Iterator[ClinicalEvent]:
    """A physician searches for one patient's latest results and reads the report."""
    encounter = random.choice(world.encounters)
    reader = random.choice(encounter.care_team)
    query = f"Observation?patient={encounter.patient.mrn.lower()}&_sort=-date&_count=50"
    yield record_event(time_ms, "search", reader, encounter, query=query)
    time_ms += pause_ms(random, 8)
    steps: list[Step] = [("read", "DiagnosticReport")]
    yield from record_events(random, time_ms, reader, encounter, steps, pause_seconds=1)


def _prescription(
    random: Random, time_ms: int, encounter: Encounter, system: System
) -> ClinicalEvent:
    return record_event(
        time_ms,
        "create",
        random.choice(encounter.care_team),
        encounter,
        resource_of(random, "MedicationRequest"),
        system=system,
        document=random.randbytes(32),
    )


def prescription_issued(world: World, random: Random, time_ms: int) -> Iterator[ClinicalEvent]:
    """A physician prescribes; a pharmacist reads the prescription and files the dispensation."""
    encounter = random.choice(world.encounters)
    yield _prescription(random, time_ms, encounter, "ehr")
    time_ms += pause_ms(random, 900)
    pharmacist = world.someone(random, time_ms, "pharmacist")
    steps: list[Step] = [("read", "MedicationRequest"), ("create", "MedicationDispense")]
    yield from record_events(random, time_ms, pharmacist, encounter, steps, pause_seconds=300)


def prescription_signed(world: World, random: Random, time_ms: int) -> Iterator[ClinicalEvent]:
    """A prescription is signed in the document service that the laboratory runs for others."""
    yield _prescription(random, time_ms, random.choice(world.encounters), "lab")


def billing(world: World, random: Random, time_ms: int) -> Iterator[ClinicalEvent]:
    """The billing office reads what a stay was about, and writes the claim."""
    biller = world.someone(random, time_ms, "biller")
    encounter = random.choice(world.encounters)
    steps: list[Step] = [("read", "Procedure"), ("read", "Coverage"), ("create", "Claim")]
    yield from record_events(
        random, time_ms, biller, encounter, steps, pause_seconds=60, purpose="HPAYMT"
    )


def records_office(world: World, random: Random, time_ms: int) -> Iterator[ClinicalEvent]:
    """A clerk sends a summary to another provider, or removes a page filed by mistake."""
    encounter = random.choice(world.encounters)
    yield record_event(
        time_ms,
        "delete" if random.random() < 0.3 else "export",
        world.someone(random, time_ms, "clerk"),
        encounter,
        resource_of(random, "DocumentReference"),
        purpose="RECORDMGT",
        document=random.randbytes(32),
    )


def refused_read(world: World, random: Random, time_ms: int) -> Iterator[ClinicalEvent]:
    """An employee opens the record of a patient whom others treat, and is refused."""
    encounter = random.choice(world.encounters)
    actor = world.stranger(random, time_ms, encounter, "nurse", "clerk", "biller")
    yield record_event(
        time_ms, "read", actor, encounter, chart_part(random), refused="not of the care team"
    )


def mistyped_password(world: World, random: Random, time_ms: int) -> Iterator[ClinicalEvent]:
    """A login fails, and succeeds the second time."""
    actor = random.choice(world.staff)
    yield ClinicalEvent(time_ms, "ehr", "login", actor, refused="wrong password")
    yield ClinicalEvent(time_ms + pause_ms(random, 10), "ehr", "login", actor)


def nightly_job(world: World, random: Random, time_ms: int) -> Iterator[ClinicalEvent]:
    """A job without a user brings a record up to date."""
    encounter = random.choice(world.encounters)
    steps: list[Step] = [("update", "Coverage")]
    yield from record_events(
        random, time_ms, None, encounter, steps, pause_seconds=1, purpose="HOPERAT"
    )


def result_filed(world: World, random: Random, time_ms: int) -> Iterator[ClinicalEvent]:
    """The laboratory files a report; some are amended later, a few are withdrawn."""
    technician = world.someone(random, time_ms, "technician")
    encounter = random.choice(world.encounters)
    report = resource_of(random, "DiagnosticReport")
    steps: tuple[Interaction, ...] = ("create",)
    if random.random() < 0.2:
        steps = ("create", "delete") if random.random() < 0.2 else ("create", "update")
    for interaction in steps:
        document = random.randbytes(32)
        yield record_event(
            time_ms, interaction, technician, encounter, report, system="lab", document=document
        )
        time_ms += pause_ms(random, 600)


def result_read(world: World, random: Random, time_ms: int) -> Iterator[ClinicalEvent]:
    """A member of the care team reads a report in the laboratory's own system."""
    encounter = random.choice(world.encounters)
    reader = random.choice(encounter.care_team)
    report = resource_of(random, "DiagnosticReport")
    yield record_event(time_ms, "read", reader, encounter, report, system="lab")


def patient_looks(world: World, random: Random, time_ms: int) -> Iterator[ClinicalEvent]:
    """A patient logs in to the app, reads the own record, and sometimes downloads a copy."""
    patient = random.choice(world.patients)
    steps: list[Interaction] = ["read"] * random.randint(1, 5)
    steps += ["export"] if random.random() < 0.1 else []
    for interaction in ("login", *steps, "logout"):
        what = chart_part(random) if interaction in ("read", "export") else ""
        yield ClinicalEvent(
            time_ms, "app", interaction, patient, (patient,), None, what, purpose="PATRQT"
        )
        time_ms += pause_ms(random, 30)
