"""Events that are numbered, that record documents, that a rule looks for."""

import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

import requests

from tests.query.made import read_of
from tests.query.stage import LEDGER, PORTAL, Stage


def ni(document: bytes) -> str:
    """The RFC 6920 URI of a document."""
    return f"ni:///sha-256;{urlsafe_b64encode(sha256(document).digest()).decode().rstrip('=')}"


def numbered(number: int, patient: str = "rose") -> bytes:
    """A read that its portal numbered."""
    event = json.loads(read_of(patient, note=f"number {number}"))
    event["extension"] = [{"url": "urn:audit-ledger:audit-sequence", "valueInteger": number}]
    return json.dumps(event).encode()


def recorded(document: bytes, patient: str = "rose") -> bytes:
    """A read of a document that names its digest."""
    event = json.loads(read_of(patient))
    identifier = {"system": "urn:ietf:rfc:6920", "value": ni(document)}
    event["entity"].append({"what": {"identifier": identifier}})
    return json.dumps(event).encode()


def broken_glass(patient: str = "rose") -> bytes:
    """An emergency access that gives no reason."""
    event = json.loads(read_of(patient))
    reason = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
    event["purposeOfEvent"] = [{"coding": [{"system": reason, "code": "BTG"}]}]
    return json.dumps(event).encode()


def result_filed(stage: Stage, document: bytes, patient: str = "rose") -> None:
    """Send a CloudEvent of a result that was filed."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": ni(document),
        "source": "urn:lab",
        "type": "record.result.filed",
        "data": {
            "patient": {"reference": f"Patient/{patient}"},
            "actor": {"reference": "Practitioner/2"},
            "document": {"digest": ni(document)},
        },
    }
    answer = requests.post(
        f"{stage.cloud.url}/events",
        json=event,
        headers={
            "authorization": f"Bearer {stage.cloud.tokens.portal(LEDGER, PORTAL)}",
            "content-type": "application/cloudevents+json",
        },
        timeout=30,
    )
    assert answer.status_code == 202, answer.text
