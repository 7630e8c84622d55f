"""Scenes that a security team looks for, to be seeded on purpose among an ordinary day's.

Each function takes what the pattern is about and gives a `Scenario` for `Planted(at, scenario)`.
Those with a `patient_index` choose from `World.patients`, so that a test knows whom to ask about.
"""

from collections.abc import Iterator
from random import Random

from infra.demo.hospital.clinical_event import Happening
from infra.demo.hospital.population import Organisation, World
from infra.demo.hospital.workflows import (
    Scenario,
    Step,
    a_while,
    chart_part,
    resource_of,
    steps_on,
)

HEALTH_AUTHORITY = Organisation("health-authority", "Pretendshire Public Health Authority")


def break_the_glass(*, patient_index: int | None = None, reads: int = 4) -> Scenario:
    """Someone of another ward is refused, breaks the glass, and reads `reads` parts."""

    def scene(world: World, random: Random, time_ms: int) -> Iterator[Happening]:
        number = random.randrange(len(world.encounters)) if patient_index is None else patient_index
        encounter = world.encounters[number]
        actor = world.stranger(random, time_ms, encounter, "physician", "nurse")
        what = chart_part(random)
        refused = "not of the care team"
        patients = (encounter.patient,)
        yield Happening(time_ms, "ehr", "read", actor, patients, encounter, what, refused=refused)
        time_ms += a_while(random, 15)
        steps: list[Step] = [("read", chart_part(random).split("/")[0]) for _ in range(reads)]
        yield from steps_on(
            random, time_ms, actor, encounter, steps, pause_seconds=10, purpose="BTG"
        )

    return scene


def curious_colleagues(*, patient_index: int = 0, viewers: int = 12) -> Scenario:
    """Many who do not treat a patient open one part of that patient's record (a famous one's)."""

    def scene(world: World, random: Random, time_ms: int) -> Iterator[Happening]:
        encounter = world.encounters[patient_index]
        for _ in range(viewers):
            actor = world.stranger(random, time_ms, encounter, "nurse", "clerk", "biller")
            yield Happening(
                time_ms, "ehr", "read", actor, (encounter.patient,), encounter, chart_part(random)
            )
            time_ms += a_while(random, 400)

    return scene


def copied_out(*, patients: int = 40) -> Scenario:
    """One person exports one record after another within minutes."""

    def scene(world: World, random: Random, time_ms: int) -> Iterator[Happening]:
        actor = world.someone(random, time_ms, "admin", "clerk")
        for encounter in random.sample(world.encounters, min(patients, len(world.encounters))):
            what = resource_of(random, "DocumentReference")
            yield Happening(
                time_ms,
                "ehr",
                "export",
                actor,
                (encounter.patient,),
                encounter,
                what,
                purpose="RECORDMGT",
            )
            time_ms += a_while(random, 4)

    return scene


def reported_illness(*, patient_index: int = 0) -> Scenario:
    """A clerk reports a patient's illness to the health authority: a disclosure to account for."""

    def scene(world: World, random: Random, time_ms: int) -> Iterator[Happening]:
        encounter = world.encounters[patient_index]
        yield Happening(
            time_ms,
            "ehr",
            "export",
            world.someone(random, time_ms, "clerk"),
            (encounter.patient,),
            encounter,
            resource_of(random, "Condition"),
            purpose="PUBHLTH",
            recipient=HEALTH_AUTHORITY,
        )

    return scene


def guessed_password(*, attempts: int = 25) -> Scenario:
    """Logins of one account fail in quick succession, then one succeeds."""

    def scene(world: World, random: Random, time_ms: int) -> Iterator[Happening]:
        actor = random.choice(world.staff)
        for _ in range(attempts):
            yield Happening(time_ms, "ehr", "login", actor, refused="wrong password")
            time_ms += a_while(random, 2)
        yield Happening(time_ms, "ehr", "login", actor)

    return scene
