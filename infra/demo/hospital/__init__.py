"""A synthetic hospital's day: its portals' requests, from one seed, the same on every machine.

    from infra.demo.hospital import hospital_day, tally

    for submission in hospital_day(seed=1, events=5_000):
        post(submission.portal, submission.path, submission.headers, submission.body)

To seed a pattern that a detection should find:
`also=[ScheduledScenario(3, 15, curious_colleagues())]`. Any function that yields `ClinicalEvent`s
can be a `Scenario`.
"""

from infra.demo.hospital.anomalies import (
    break_the_glass,
    copied_out,
    curious_colleagues,
    guessed_password,
    reported_illness,
)
from infra.demo.hospital.clinical_event import ClinicalEvent
from infra.demo.hospital.day import (
    DAY,
    ScheduledScenario,
    clinical_events,
    hospital_day,
    world_of,
)
from infra.demo.hospital.hospital import ST_ELSEWHERE, Hospital, HospitalPortal
from infra.demo.hospital.population import Encounter, Patient, Staff, World
from infra.demo.hospital.portals import submissions_of
from infra.demo.hospital.submission import How, Submission, Tally, tally
from infra.demo.hospital.workflows import Scenario

__all__ = [
    "DAY",
    "ST_ELSEWHERE",
    "ClinicalEvent",
    "Encounter",
    "Hospital",
    "HospitalPortal",
    "How",
    "Patient",
    "Scenario",
    "ScheduledScenario",
    "Staff",
    "Submission",
    "Tally",
    "World",
    "break_the_glass",
    "clinical_events",
    "copied_out",
    "curious_colleagues",
    "guessed_password",
    "hospital_day",
    "reported_illness",
    "submissions_of",
    "tally",
    "world_of",
]
