"""AuditEvents of one day: accesses and disclosures chosen by a seed."""

import random
from datetime import UTC, datetime
from typing import Any

from tests.builders.audit_event import DESTINATION, EXPORT, REST, patient_entity, purpose, r4
from tests.builders.opened_event import ms

STAFF = tuple(f"Practitioner/p{number}" for number in range(12))
PATIENTS = tuple(f"Patient/q{number}" for number in range(9))
PURPOSES = ("TREAT", "HPAYMT", "HRESCH", "PUBHLTH", "BTG", "ETREAT", "HMARKT")
TYPES = ("Observation", "MedicationRequest", "DocumentReference", "Condition")


def random_day(seed: int, events: int = 400) -> list[dict[str, Any]]:
    """Return the AuditEvents of one day as plain JSON, not ordered by time."""
    chance = random.Random(seed)
    return [_random_event(chance) for _ in range(events)]


def _random_event(chance: random.Random) -> dict[str, Any]:
    millisecond = chance.randrange(24 * 60 * 60 * 1000)
    start = ms("2026-11-22T00:00:00+00:00")
    moment = datetime.fromtimestamp((start + millisecond) / 1000, UTC)
    is_disclosure = chance.random() < 0.3
    who = chance.choice(STAFF)
    agents: list[dict[str, Any]] = [
        {
            "who": {"reference": who, "display": f"Dr {who[-2:]}"},
            "requestor": True,
            "network": {"address": f"10.0.0.{chance.randrange(5)}"},
        }
    ]
    if is_disclosure:
        to = chance.choice(("Organization/registry", "Organization/lab", "Organization/insurer"))
        agents.append({"type": DESTINATION, "who": {"reference": to}, "requestor": False})
    return r4(
        type=EXPORT if is_disclosure else REST,
        action=chance.choice("CRUDE"),
        recorded=moment.isoformat(timespec="milliseconds"),
        outcome=chance.choice(("0", "0", "0", "4", "8", "12")),
        purposeOfEvent=[purpose(chance.choice(PURPOSES))] if chance.random() < 0.8 else None,
        agent=agents,
        entity=[
            patient_entity(chance.choice(PATIENTS)),
            {"what": {"reference": f"{chance.choice(TYPES)}/{chance.randrange(100)}"}},
        ],
    )
