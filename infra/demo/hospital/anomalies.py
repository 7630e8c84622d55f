"""Scenarios that a security team looks for, to be seeded on purpose among an ordinary day's.

Each function takes the parameters of a pattern and returns a `Scenario` for `ScheduledScenario`.
Those with a `patient_index` choose from `World.patients`, so that a test knows the patient.
"""

from collections.abc import Iterator
from random import Random

from infra.demo.hospital.clinical_event import ClinicalEvent
from infra.demo.hospital.population import Organisation, World
from infra.demo.hospital.workflows import (
    Scenario,
    Step,
    chart_part,
    pause_ms,
    record_event,
    record_events,
    resource_of,
)

HEALTH_AUTHORITY = Organisation("health-authority", "Pretendshire Public Health Authority")


def break_the_glass(*, patient_index: int | None = None, reads: int = 4) -> Scenario:
    """An employee of another ward is refused, breaks the glass, and reads `reads` parts."""

    def scenario(world: World, random: Random, time_ms: int) -> Iterator[ClinicalEvent]:
        number = random.randrange(len(world.encounters)) if patient_index is None else patient_index
        encounter = world.encounters[number]
        actor = world.stranger(random, time_ms, encounter, "physician", "nurse")
        yield record_event(
            time_ms, "read", actor, encounter, chart_part(random), refused="not of the care team"
        )
        time_ms += pause_ms(random, 15)
        steps: list[Step] = [("read", chart_part(random).split("/")[0]) for _ in range(reads)]
        yield from record_events(
            random, time_ms, actor, encounter, steps, pause_seconds=10, purpose="BTG"
        )

    return scenario


def curious_colleagues(*, patient_index: int = 0, viewers: int = 12) -> Scenario:
    """Many who do not treat a patient open one part of that patient's record (a celebrity's)."""

    def scenario(world: World, random: Random, time_ms: int) -> Iterator[ClinicalEvent]:
        encounter = world.encounters[patient_index]
        for _ in range(viewers):
            actor = world.stranger(random, time_ms, encounter, "nurse", "clerk", "biller")
            yield record_event(time_ms, "read", actor, encounter, chart_part(random))
            time_ms += pause_ms(random, 400)

    return scenario


def copied_out(*, patients: int = 40) -> Scenario:
    """One employee exports one record after another within minutes."""

    def scenario(world: World, random: Random, time_ms: int) -> Iterator[ClinicalEvent]:
        actor = world.someone(random, time_ms, "admin", "clerk")
        for encounter in random.sample(world.encounters, min(patients, len(world.encounters))):
            what = resource_of(random, "DocumentReference")
            yield record_event(time_ms, "export", actor, encounter, what, purpose="RECORDMGT")
            time_ms += pause_ms(random, 4)

    return scenario


def reported_illness(*, patient_index: int = 0) -> Scenario:
    """A clerk reports a patient's illness to the health authority: a disclosure to account for."""

    def scenario(world: World, random: Random, time_ms: int) -> Iterator[ClinicalEvent]:
        yield record_event(
            time_ms,
            "export",
            world.someone(random, time_ms, "clerk"),
            world.encounters[patient_index],
            resource_of(random, "Condition"),
            purpose="PUBHLTH",
            recipient=HEALTH_AUTHORITY,
        )

    return scenario


def guessed_password(*, attempts: int = 25) -> Scenario:
    """Logins of one account fail in quick succession, then one succeeds."""

    def scenario(world: World, random: Random, time_ms: int) -> Iterator[ClinicalEvent]:
        actor = random.choice(world.staff)
        for _ in range(attempts):
            yield ClinicalEvent(time_ms, "ehr", "login", actor, refused="wrong password")
            time_ms += pause_ms(random, 2)
        yield ClinicalEvent(time_ms, "ehr", "login", actor)

    return scenario
