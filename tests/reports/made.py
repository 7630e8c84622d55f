"""Opened events to report on: of samples, and of days made up from a seed."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from audit_ledger.events.event import Format
from audit_ledger.events.event_details import read_details
from audit_ledger.events.instant import FIRST_MS, LAST_MS
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.reports.document import Cover, Period
from audit_ledger.reports.time_zone import UTC_ZONE, read_zone
from tests.events.made import PATIENT_ROLE, encoded, r4

ORIGIN = "audit.example.org/st-elsewhere"
ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
NHIN = "urn:oid:2.16.840.1.113883.3.18.7.1"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
EXPORT = {"system": DICOM, "code": "110106", "display": "Export"}
REST = {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest"}
DESTINATION = {"coding": [{"system": DICOM, "code": "110152"}]}
BERLIN = read_zone("Europe/Berlin")
EVER = Period(FIRST_MS, LAST_MS)


def ms(text: str) -> int:
    """Milliseconds since 1970 of an instant, by the standard library."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def opened(
    event: dict[str, Any] | bytes,
    seq: int = 0,
    *,
    portal: str = "ehr",
    format_: Format = "fhir-r4",
    **more: Any,
) -> OpenedEvent:
    """An event as those see it who open records."""
    resource = event if isinstance(event, bytes) else encoded(event)
    recorded = json.loads(resource)["recorded"]
    more.setdefault("entry_time", ms(recorded) // 1000 + 2)
    return OpenedEvent(
        seq=seq,
        event_id=f"{seq:064x}",
        time_ms=ms(recorded),
        portal=portal,
        received=recorded,
        format=format_,
        resource=resource,
        details=read_details(resource, format_),
        **more,
    )


def opened_sample(path: Path, seq: int = 0) -> OpenedEvent:
    """A published sample, opened."""
    resource = path.read_bytes()
    is_r5 = "code" in json.loads(resource)
    return opened(resource, seq, format_="fhir-r5" if is_r5 else "fhir-r4")


def purpose(code: str, system: str = ACT_REASON) -> dict[str, Any]:
    """A purpose of use."""
    return {"coding": [{"system": system, "code": code}]}


def disclosure(
    recorded: str = "2026-11-22T05:59:00.123Z",
    *,
    to: str | None = "Organization/agency",
    purposes: tuple[str, ...] = (),
    **elements: Any,
) -> dict[str, Any]:
    """An R4 disclosure by Practitioner/doc about Patient/1, of DocumentReference/2."""
    agents: list[dict[str, Any]] = [{"who": {"reference": "Practitioner/doc"}, "requestor": True}]
    if to is not None:
        agents.append(
            {
                "type": DESTINATION,
                "who": {"reference": to, "display": f"The {to.partition('/')[2]}"},
                "requestor": False,
                "network": {"address": "192.0.2.7"},
            }
        )
    return r4(
        **{
            "type": EXPORT,
            "recorded": recorded,
            "agent": agents,
            "purposeOfEvent": [purpose(code) for code in purposes] or None,
            "entity": [
                {"what": {"reference": "Patient/1"}, "role": PATIENT_ROLE},
                {"what": {"reference": "DocumentReference/2"}, "name": "Letter"},
            ],
            **elements,
        }
    )


def cover(about: str = "Ada Example, born 1970-01-01", zone: str = "UTC") -> Cover:
    """A cover over November 2026, made at a time that no event has."""
    period = Period(ms("2026-11-01T00:00:00Z"), ms("2026-12-01T00:00:00Z"))
    chosen = UTC_ZONE if zone == "UTC" else read_zone(zone)
    return Cover(ORIGIN, about, period, ms("2027-01-02T03:04:05.678Z"), chosen)


STAFF = tuple(f"Practitioner/p{number}" for number in range(12))
PATIENTS = tuple(f"Patient/q{number}" for number in range(9))
PURPOSES = ("TREAT", "HPAYMT", "HRESCH", "PUBHLTH", "BTG", "ETREAT", "HMARKT")
TYPES = ("Observation", "MedicationRequest", "DocumentReference", "Condition")


def made_up_day(seed: int, events: int = 400) -> list[dict[str, Any]]:
    """AuditEvents of one day, as plain JSON, in no order of time."""
    chance = random.Random(seed)
    return [_made_up(chance) for _ in range(events)]


def _made_up(chance: random.Random) -> dict[str, Any]:
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
            {"what": {"reference": chance.choice(PATIENTS)}, "role": PATIENT_ROLE},
            {"what": {"reference": f"{chance.choice(TYPES)}/{chance.randrange(100)}"}},
        ],
    )
