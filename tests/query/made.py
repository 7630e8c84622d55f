"""Events that say who read whose record, and when."""

import json
from datetime import UTC, datetime, timedelta


def read_of(
    patient: str, reader: str = "1", *, ago: timedelta = timedelta(), note: str = ""
) -> bytes:
    """An R4 AuditEvent: a practitioner read a patient's record, so long ago."""
    recorded = datetime.now(UTC) - ago
    return json.dumps(
        {
            "resourceType": "AuditEvent",
            "type": {
                "system": "http://terminology.hl7.org/CodeSystem/audit-event-type",
                "code": "rest",
            },
            "action": "R",
            "recorded": recorded.isoformat(timespec="milliseconds"),
            "outcome": "0",
            "outcomeDesc": note,
            "agent": [{"who": {"reference": f"Practitioner/{reader}"}, "requestor": True}],
            "source": {"observer": {"display": "the laboratory"}},
            "entity": [{"what": {"reference": f"Patient/{patient}"}}],
        }
    ).encode()
