"""A hospital's day: scenes drawn by chance and by the hour, patterns planted on purpose."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import accumulate
from random import Random

from infra.demo.hospital import workflows
from infra.demo.hospital.anomalies import break_the_glass
from infra.demo.hospital.clinical_event import Flaw, Happening
from infra.demo.hospital.hospital import ST_ELSEWHERE, Hospital
from infra.demo.hospital.population import HOUR_MS, World, make_world
from infra.demo.hospital.portals import submissions_of
from infra.demo.hospital.seeded_random import dice
from infra.demo.hospital.submission import Submission
from infra.demo.hospital.workflows import Scenario

DAY = date(2026, 11, 22)

# How often each scene begins, relative to the others.
DAILY_ROUND: dict[Scenario, int] = {
    workflows.ward_round: 14,
    workflows.medication_round: 10,
    workflows.handover: 6,
    workflows.registration: 8,
    workflows.result_query: 10,
    workflows.prescription_issued: 6,
    workflows.billing: 4,
    workflows.records_office: 3,
    workflows.refused_read: 3,
    break_the_glass(): 1,
    workflows.mistyped_password: 2,
    workflows.nightly_job: 4,
    workflows.result_filed: 60,
    workflows.prescription_signed: 15,
    workflows.result_read: 20,
    workflows.patient_looks: 14,
}
# Relative load of each hour of the day (UTC).
_HOURS = (2, 2, 2, 2, 2, 3, 7, 9, 12, 12, 11, 9, 8, 9, 11, 10, 8, 6, 5, 5, 4, 4, 4, 3)
_PROFILED = ("read", "search", "create", "update", "delete")
_FLAWS: tuple[Flaw, ...] = ("display-only-who", "no-requestor", "no-action")


@dataclass(frozen=True, slots=True)
class Planted:
    """A scene that happens for certain, beginning at that hour and minute (UTC)."""

    hour: int
    minute: int
    scenario: Scenario


def hospital_day(
    seed: int,
    events: int,
    hospital: Hospital = ST_ELSEWHERE,
    *,
    day: date = DAY,
    also: Sequence[Planted] = (),
    resent_per_mille: int = 4,
    flawed_per_mille: int = 3,
) -> Iterator[Submission]:
    """Return the requests of one day in order of sending: `events` distinct events, some sent
    twice.

    The same arguments give the same bytes on every machine. Events carry times of `day` (UTC).
    `also`: scenes to plant; their events count towards `events`, ordinary ones fill up the rest.
    `resent_per_mille`: of 1,000 requests with a sender's id, how many are repeated.
    `flawed_per_mille`: of 1,000 events by FHIR and with a user, how many carry a fault. Raises
    ValueError where the planted scenes alone have more events than requested. `tally` counts what
    the ledgers should then hold.
    """
    world = world_of(seed, events, day)
    happenings = happenings_of(world, seed, events, also=also, flawed_per_mille=flawed_per_mille)
    return submissions_of(hospital, happenings, seed, resent_per_mille=resent_per_mille)


def world_of(seed: int, events: int, day: date = DAY) -> World:
    """Invent the hospital that such a day happens in: tests look up names and patients here."""
    return make_world(
        dice(seed, "world"),
        day,
        patients=min(20_000, max(60, events // 10)),
        staff=min(400, max(60, events // 40)),
    )


def happenings_of(
    world: World,
    seed: int,
    events: int,
    *,
    also: Sequence[Planted] = (),
    flawed_per_mille: int = 3,
) -> list[Happening]:
    """Tell exactly `events` happenings of the world's day, in order of time.

    What lies between this and `submissions_of` may be edited: leave out an hour of one portal, and
    the day has a gap.
    """
    random = dice(seed, "happenings")
    happenings: list[Happening] = []
    for planted in also:
        happenings += planted.scenario(world, random, world.at(planted.hour, planted.minute))
    if len(happenings) > events:
        raise ValueError(f"the planted scenes have {len(happenings)} events, over {events}")
    planted_count = len(happenings)
    scenarios, weights = list(DAILY_ROUND), list(accumulate(DAILY_ROUND.values()))
    hours, loads = range(24), list(accumulate(_HOURS))
    while len(happenings) < events:
        scenario = random.choices(scenarios, cum_weights=weights)[0]
        hour = random.choices(hours, cum_weights=loads)[0]
        begins = world.at(hour) + int(random.random() * HOUR_MS)
        happenings += (h for h in scenario(world, random, begins) if h.time_ms < world.end_ms)
    del happenings[events:]
    for number in range(planted_count, events):
        if random.random() * 1000 < flawed_per_mille:
            happenings[number] = _flawed(happenings[number], random)
    happenings.sort(key=lambda happening: happening.time_ms)
    return happenings


def _flawed(happening: Happening, random: Random) -> Happening:
    """Tell it as a careless sender would, where FHIR and BALP have a rule that can be broken."""
    if happening.system == "lab" or happening.actor is None:
        return happening
    is_ehr = happening.system == "ehr" and not happening.refused
    claims_profile = is_ehr and happening.interaction in _PROFILED
    return replace(happening, flaw=random.choice(_FLAWS) if claims_profile else "display-only-who")
