"""An event, and how tests send it to ingest and on to the sequencer."""

import json
from typing import Any

from functions.ingest import handler
from functions.sequencer import handler as sequencing
from tests.functions.pipeline import Context
from tests.world import World

CONTEXT: Any = Context()
BY_BUS: Any = Context("bus")
BY_QUERY: Any = Context("own")
SECRET = "Mallory O'Secret"  # a name that no answer and no flag may repeat
R4 = {
    "resourceType": "AuditEvent",
    "type": {"code": "rest"},
    "recorded": "2026-11-22T05:59:00.000Z",
    "agent": [{"who": {"reference": "Practitioner/drwho"}, "requestor": True}],
    "source": {"observer": {"display": "ehr"}},
    "entity": [{"what": {"reference": "Patient/rosetyler"}}],
}
BODY = json.dumps(R4).encode()


def send(event: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] | None = handler.handler(event, CONTEXT)
    assert answer is not None
    return answer


def sequence(world: World) -> None:
    assert sequencing.handler({"Records": world.messages()}, CONTEXT) == {"batchItemFailures": []}


def bundle(kind: str, *resources: Any) -> bytes:
    request = {"method": "POST", "url": "AuditEvent"}
    entries = [{"resource": r, "request": request} for r in resources]
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries}).encode()
