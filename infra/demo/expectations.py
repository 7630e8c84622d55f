"""Scenes seeded into the day on purpose, and the results that the ledger must return for them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from infra.demo.hospital import (
    ST_ELSEWHERE,
    Happening,
    Patient,
    Planted,
    break_the_glass,
    happenings_of,
    reported_illness,
    world_of,
)

PATIENT_INDEX = 0  # of `World.patients`: whose record the demo asks about
SEEDED = (
    Planted(9, 30, reported_illness(patient_index=PATIENT_INDEX)),
    Planted(23, 10, break_the_glass(patient_index=PATIENT_INDEX, reads=2)),
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
    happenings = happenings_of(world, seed, events, also=SEEDED)
    ledger = ST_ELSEWHERE.portals["ehr"].ledger
    here = [h for h in happenings if ST_ELSEWHERE.portals[h.system].ledger == ledger]
    about = [h for h in here if patient in h.patients]
    accounted = [_is_to_be_accounted_for(h) for h in about if h.interaction == "export"]
    return Expected(
        day=day,
        ledger=ledger,
        patient=patient,
        accesses=len(about),
        disclosures=sum(accounted),
        left_out=len(accounted) - sum(accounted),
        glass_broken=len(set(_broken(here))),
        numbered=sum(h.system == "lab" for h in happenings),
    )


def _is_to_be_accounted_for(export: Happening) -> bool:
    """Return whether it is neither for operations nor, by its event, to the patient."""
    is_named_patient = isinstance(export.actor, Patient) and export.flaw != "display-only-who"
    return export.purpose != "RECORDMGT" and not is_named_patient


def _broken(happenings: Sequence[Happening]) -> Iterator[tuple[str, str]]:
    """Return user, as reported, and patient of each event that was done by breaking the glass."""
    for happening in happenings:
        if happening.purpose != "BTG" or happening.refused or happening.actor is None:
            continue
        is_only_named = happening.flaw == "display-only-who"
        user = happening.actor.name if is_only_named else happening.actor.reference
        yield user, happening.patients[0].mrn
