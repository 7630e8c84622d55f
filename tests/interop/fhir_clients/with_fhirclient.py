"""The program of `test_fhir_clients` for SMART's fhirclient."""

import json
import sys
from typing import Any

from fhirclient.client import FHIRClient
from fhirclient.models.auditevent import AuditEvent


def main(url: str, portal: str, security: str, events: list[dict[str, Any]]) -> None:
    """Create, wait for a line, read back, search, page."""
    sender, reader = connect(url, portal), connect(url, security)
    sent = [AuditEvent(event) for event in events]
    responses = [event.create(sender) for event in sent]
    print(json.dumps({"created": [response["id"] for response in responses]}), flush=True)
    ids = json.loads(sys.stdin.readline())
    read = [AuditEvent.read(id_, reader) for id_ in ids]
    agent = events[0]["agent"][0]["who"]["reference"]
    search = AuditEvent.where({"agent": agent})
    paged = AuditEvent.where({"agent": agent, "_count": "2"})
    pages = [
        [entry.resource.id for entry in bundle.entry or [] if entry.search.mode == "match"]
        for bundle in paged.perform_iter(reader)
    ]
    result = {
        "read": [event.id for event in read],
        "patients": [event.entity[0].what.identifier.value for event in read],
        "found": [event.id for event in search.perform_resources(reader)],
        "pages": pages,
        "page size": 2,
        "total": next(search.perform_iter(reader)).total,
    }
    print(json.dumps(result))


def connect(url: str, token: str) -> Any:
    """Return a server that has read /metadata, with this token."""
    client = FHIRClient(settings={"app_id": "interop", "api_base": url})
    client.prepare()
    client.server.session.headers["Authorization"] = f"Bearer {token}"
    return client.server


if __name__ == "__main__":
    main(*json.loads(sys.stdin.readline()))
