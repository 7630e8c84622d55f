"""A hospital's day: workflows drawn at random by the hour, and scenarios seeded on purpose."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import accumulate
from random import Random

from infra.demo.hospital import workflows
from infra.demo.hospital.anomalies import break_the_glass
from infra.demo.hospital.clinical_event import ClinicalEvent, Flaw
from infra.demo.hospital.population import HOUR_MS, World, make_world, seeded_random
from infra.demo.hospital.portals import submissions_of
from infra.demo.hospital.submission import Submission
from infra.demo.hospital.workflows import Scenario

DAY = date(2026, 11, 22)

# How often each workflow begins, relative to the others.
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
class ScheduledScenario:
    """A scenario that certainly occurs, from that hour and minute (UTC)."""

    hour: int
    minute: int
    scenario: Scenario


def hospital_day(
    seed: int,
    events: int,
    *,
    day: date = DAY,
    also: Sequence[ScheduledScenario] = (),
    resent_per_mille: int = 4,
    flawed_per_mille: int = 3,
) -> Iterator[Submission]:
    """Return the requests of one day in order of sending: `events` distinct events, some sent
    twice.

    The same arguments give the same bytes on every machine. Events carry times of `day` (UTC).
    `also`: scenarios to seed; their events count towards `events`, ordinary ones are the rest.
    `resent_per_mille`: of 1,000 requests with a sender's id, how many are repeated.
    `flawed_per_mille`: of 1,000 FHIR events with a user, how many have a flaw. Raises ValueError
    if the seeded scenarios alone have more events than requested. `tally` counts the entries that
    the ledgers should then contain.
    """
    world = world_of(seed, events, day)
    day_events = clinical_events(world, seed, events, also=also, flawed_per_mille=flawed_per_mille)
    return submissions_of(day_events, seed, resent_per_mille=resent_per_mille)


def world_of(seed: int, events: int, day: date = DAY) -> World:
    """Return the hospital of such a day, for looking up its names and patients."""
    return make_world(
        seeded_random(seed, "world"),
        day,
        patients=min(20_000, max(60, events // 10)),
        staff=min(400, max(60, events // 40)),
    )


def clinical_events(
    world: World,
    seed: int,
    events: int,
    *,
    also: Sequence[ScheduledScenario] = (),
    flawed_per_mille: int = 3,
) -> list[ClinicalEvent]:
    """Return exactly `events` events of the world's day, in order of time.

    The list may be edited before `submissions_of`: without an hour of one portal, the day has a
    gap.
    """
    random = seeded_random(seed, "happenings")
    generated: list[ClinicalEvent] = []
    for seeded in also:
        generated += seeded.scenario(world, random, world.at(seeded.hour, seeded.minute))
    if len(generated) > events:
        raise ValueError(f"the seeded scenarios have {len(generated)} events, over {events}")
    seeded_count = len(generated)
    scenarios, weights = list(DAILY_ROUND), list(accumulate(DAILY_ROUND.values()))
    hours, loads = range(24), list(accumulate(_HOURS))
    while len(generated) < events:
        scenario = random.choices(scenarios, cum_weights=weights)[0]
        hour = random.choices(hours, cum_weights=loads)[0]
        begins = world.at(hour) + int(random.random() * HOUR_MS)
        generated += (h for h in scenario(world, random, begins) if h.time_ms < world.end_ms)
    del generated[events:]
    for number in range(seeded_count, events):
        if random.random() * 1000 < flawed_per_mille:
            generated[number] = _flawed(generated[number], random)
    generated.sort(key=lambda event: event.time_ms)
    return generated


def _flawed(event: ClinicalEvent, random: Random) -> ClinicalEvent:
    """Return an event as a careless sender writes it, if FHIR or BALP has a rule to break."""
    if event.system == "lab" or event.actor is None:
        return event
    is_ehr = event.system == "ehr" and not event.refused
    claims_profile = is_ehr and event.interaction in _PROFILED
    return replace(event, flaw=random.choice(_FLAWS) if claims_profile else "display-only-who")
