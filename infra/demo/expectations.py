"""Scenarios seeded on purpose, and the results that the ledger must return for them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from infra.demo.hospital import (
    ST_ELSEWHERE,
    ClinicalEvent,
    Patient,
    ScheduledScenario,
    break_the_glass,
    clinical_events,
    reported_illness,
    world_of,
)

PATIENT_INDEX = 0  # of `World.patients`: whose record the demo asks about
SEEDED = (
    ScheduledScenario(9, 30, reported_illness(patient_index=PATIENT_INDEX)),
    ScheduledScenario(23, 10, break_the_glass(patient_index=PATIENT_INDEX, reads=2)),
)


@dataclass(frozen=True)
class Expected:
    """Recounted from what happened, not from what was sent.

    `patient`: the patient of the demo's queries. `accesses`: events about the patient in `ledger`;
    `disclosures`, `left_out`: exports to account for, and those that 45 CFR 164.528 leaves out;
    `glass_broken`: users and patients for whom it was broken; `numbered`: events that their sender
    numbered.
    """

    day: date
    ledger: str
    patient: Patient
    accesses: int
    disclosures: int
    left_out: int
    glass_broken: int
    numbered: int


def expected_of(seed: int, events: int, day: date) -> Expected:
    """Generate the same day again, and count."""
    world = world_of(seed, events, day)
    patient = world.patients[PATIENT_INDEX]
    events_of_day = clinical_events(world, seed, events, also=SEEDED)
    ledger = ST_ELSEWHERE.portals["ehr"].ledger
    here = [event for event in events_of_day if ST_ELSEWHERE.portals[event.system].ledger == ledger]
    about = [event for event in here if patient in event.patients]
    accounted = [_is_to_be_accounted_for(event) for event in about if event.interaction == "export"]
    return Expected(
        day=day,
        ledger=ledger,
        patient=patient,
        accesses=len(about),
        disclosures=sum(accounted),
        left_out=len(accounted) - sum(accounted),
        glass_broken=len(set(_broken(here))),
        numbered=sum(event.system == "lab" for event in events_of_day),
    )


def _is_to_be_accounted_for(export: ClinicalEvent) -> bool:
    """Return whether it is neither for operations nor, by its event, to the patient."""
    is_named_patient = isinstance(export.actor, Patient) and export.flaw != "display-only-who"
    return export.purpose != "RECORDMGT" and not is_named_patient


def _broken(events_of_day: Sequence[ClinicalEvent]) -> Iterator[tuple[str, str]]:
    """Return user, as reported, and patient of each event that was done by breaking the glass."""
    for event in events_of_day:
        if event.purpose != "BTG" or event.refused or event.actor is None:
            continue
        is_only_named = event.flaw == "display-only-who"
        user = event.actor.name if is_only_named else event.actor.reference
        yield user, event.patients[0].mrn
