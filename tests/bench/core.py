"""The ledger's own work without AWS: sequencing an entry, sealing an event. CPU time, medians."""

import json
import os
import statistics
import time
from collections.abc import Callable, Sequence

import msgspec

from audit_ledger.events import PatientRule, parse_audit_event
from audit_ledger.ledger.head import EMPTY, build_block
from audit_ledger.records.index_row import IndexRow
from audit_ledger.records.keyed_hash import KeyedHash
from audit_ledger.records.ledger_keys import LedgerKeys
from audit_ledger.records.queue_message import QueueMessage
from audit_ledger.records.subject_secret import SubjectSecret
from functions.ingest.ledger_context import cached_staff_pseudonyms
from functions.ingest.sealer import Sealer
from tests.builders.sealed_record import committed_record

ORIGIN = "audit.example.org/bench"
NOW = 1_795_327_140
ROUNDS = 41  # two seconds and more: long enough that a shared machine's bad moment is no median
EVENTS = 500
FULL = 220  # ordinary events, some 1.3 KB each, that fill a body


def sequencing_us_per_entry() -> float:
    """Entries, links, compact range, encoding of full blocks of ordinary events."""
    row = IndexRow(event_id="ab" * 32, time_ms=0, fingerprint=bytes(32), generation=0)
    records = [
        committed_record(row, os.urandom(850), row_bytes=os.urandom(330)) for _ in range(FULL)
    ]

    def run() -> int:
        head, entries = EMPTY, 0
        for _ in range(40):
            body, head, _ = build_block(ORIGIN, head, NOW, records)
            body.to_bytes()
            entries += len(body.items)
        return entries

    return _us_each(run)


def ingest_us_per_event() -> float:
    """Parse a 2 KB AuditEvent, canonical identifiers, pseudonyms, commitment, seal, message."""
    bodies = [event_of_2_kb(number) for number in range(EVENTS)]
    secret = SubjectSecret(2026000, os.urandom(32))

    def secrets(row_keys: Sequence[str], _year: int) -> dict[str, SubjectSecret]:
        return dict.fromkeys(row_keys, secret)

    keys = LedgerKeys(KeyedHash(os.urandom(32)), os.urandom(32), 1)

    def run() -> int:
        staff = cached_staff_pseudonyms(keys.index_key)
        sealer = Sealer(ORIGIN, "ehr", PatientRule(namespace="portal:ehr"), keys, secrets, staff)
        for number, body in enumerate(bodies):
            event = msgspec.structs.replace(parse_audit_event(body), sender_id=f"key-{number}")
            (records,) = sealer.seal([event], NOW * 1000)
            QueueMessage(ORIGIN, NOW * 1000, tuple(records)).to_text()
        return EVENTS

    return _us_each(run)


def event_of_2_kb(number: int) -> bytes:
    """A BALP-like read of a patient's record, in 2 KB of JSON; `number` makes reader and patient.

    Portal and server are the same in all of them, as they are in a hospital.
    """
    balp = "https://profiles.ihe.net/ITI/BALP/CodeSystem"
    dicom = "http://dicom.nema.org/resources/ontology/DCM"
    event = {
        "resourceType": "AuditEvent",
        "meta": {
            "profile": [
                "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead"
            ]
        },
        "type": {
            "system": "http://terminology.hl7.org/CodeSystem/audit-event-type",
            "code": "rest",
        },
        "subtype": [{"system": "http://hl7.org/fhir/restful-interaction", "code": "read"}],
        "action": "R",
        "recorded": "2026-11-22T05:59:00.123Z",
        "outcome": "0",
        "agent": [
            {
                "type": {"coding": [{"system": dicom, "code": code, "display": display}]},
                "who": who,
                "requestor": requestor,
                "network": {"address": address, "type": "2"},
            }
            for code, display, who, requestor, address in (
                ("110153", "Source Role ID", {"display": "portal client"}, False, "10.0.0.7"),
                ("110152", "Destination Role ID", {"display": "fhir server"}, False, "10.0.0.8"),
            )
        ]
        + [
            {
                "type": {
                    "coding": [{"system": f"{balp}/UserAgentTypes", "code": "UserOauthAgent"}]
                },
                "who": {
                    "reference": f"Practitioner/4a{number:03x}",
                    "identifier": {"system": "http://example.org/staff", "value": f"s-{number:04}"},
                },
                "requestor": True,
                "policy": ["https://example.org/authz/jwt/0d6c7c0e"],
            }
        ],
        "source": {"observer": {"reference": "Device/ehr-1", "display": "the record system"}},
        "entity": [
            {
                "what": {"reference": f"Patient/ab{number:04x}"},
                "type": {
                    "system": "http://terminology.hl7.org/CodeSystem/audit-entity-type",
                    "code": "1",
                },
                "role": {
                    "system": "http://terminology.hl7.org/CodeSystem/object-role",
                    "code": "1",
                },
            },
            {
                "what": {"reference": "DiagnosticReport/77/_history/2"},
                "type": {
                    "system": "http://terminology.hl7.org/CodeSystem/audit-entity-type",
                    "code": "2",
                },
                "role": {
                    "system": "http://terminology.hl7.org/CodeSystem/object-role",
                    "code": "4",
                },
            },
        ],
    }
    text = json.dumps(event)
    return json.dumps({**event, "language": "e" + "n" * max(1, 2048 - len(text) - 18)}).encode()


def _us_each(run: Callable[[], int]) -> float:
    """Median CPU microseconds per unit that `run` returns."""
    figures = []
    for _ in range(ROUNDS):
        start = time.process_time()
        count = run()
        figures.append((time.process_time() - start) / count * 1e6)
    return statistics.median(figures)


if __name__ == "__main__":
    print(
        json.dumps(
            {
                "sequencing_us_per_entry": sequencing_us_per_entry(),
                "ingest_us_per_event": ingest_us_per_event(),
            }
        )
    )
