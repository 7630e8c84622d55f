"""The program of `test_fhir_clients` for fhirpy."""

import json
import sys
from typing import Any

from fhirpy import SyncFHIRClient


def main(url: str, portal: str, security: str, events: list[dict[str, Any]]) -> None:
    """Create, wait for a line, read back, search, page."""
    sender = SyncFHIRClient(url, authorization=f"Bearer {portal}")
    reader = SyncFHIRClient(url, authorization=f"Bearer {security}")
    created = [sender.resource("AuditEvent", **event).create() for event in events]
    print(json.dumps({"created": [event.id for event in created]}), flush=True)
    ids = json.loads(sys.stdin.readline())
    read = [reader.get("AuditEvent", id_) for id_ in ids]
    search = reader.resources("AuditEvent").search(agent=events[0]["agent"][0]["who"]["reference"])
    result = {
        "read": [event.id for event in read],
        "patients": [event["entity"][0]["what"]["identifier"]["value"] for event in read],
        "found": [event.id for event in search.fetch()],
        "pages": [[event.id] for event in search.limit(1).fetch_all()],
        "page size": 1,
        "total": search.count(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(*json.loads(sys.stdin.readline()))
