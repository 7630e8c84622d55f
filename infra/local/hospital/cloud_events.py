"""What happened, as CloudEvents 1.0: how a laboratory's system reports record events."""

from typing import Any

from infra.local.hospital import codes
from infra.local.hospital.happening import Happening
from infra.local.hospital.identifiers import person

SOURCE = "https://lis.riverside.example/results"
_TYPES = {
    "create": "record.result.filed",
    "update": "record.result.amended",
    "delete": "record.result.withdrawn",
    "read": "record.result.read",
}


def cloud_event(happening: Happening, event_id: str) -> dict[str, Any]:
    """Write a structured CloudEvent. `event_id` is unique for SOURCE: resent means same id."""
    data: dict[str, Any] = {
        "action": codes.ACTIONS[happening.interaction],
        "patient": [person(patient) for patient in happening.patients],
        "what": {"reference": happening.what},
    }
    if happening.actor is not None:
        data["agent"] = [{"who": person(happening.actor), "requestor": True}]
    if happening.document:
        data["document"] = happening.digest
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": SOURCE,
        "type": _TYPES[happening.interaction],
        "subject": happening.what,
        "time": happening.recorded,
        "datacontenttype": "application/json",
        "data": data,
    }
