"""Write them: `python -m tests.exports.earlier`, once for a new format of exports.

v1: by the first version. v2: AuditEvents have the `id` by which they are read.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from audit_ledger.cli.main import run
from infra.local.cloud import LocalCloud, local_cloud
from infra.synth import synthesize

HERE = Path(__file__).parent / "v2"
LEDGER = "st-elsewhere"
SETTINGS = {
    "ledgers": [
        {"id": LEDGER, "public": False, "portals": [{"id": "ehr", "patient": {"reference": True}}]}
    ]
}
TYPES = "http://terminology.hl7.org/CodeSystem/audit-event-type"


def r4(**more: Any) -> dict[str, Any]:
    """Return a read of a record, with most elements that an event may have."""
    return {
        "resourceType": "AuditEvent",
        "type": {"system": TYPES, "code": "rest", "display": "RESTful Operation"},
        "subtype": [{"system": "http://hl7.org/fhir/restful-interaction", "code": "read"}],
        "action": "R",
        "recorded": "2026-05-02T23:30:00.125+02:00",
        "outcome": "0",
        "purposeOfEvent": [{"coding": [{"code": "TREAT"}], "text": "visite; Zimmer 4"}],
        "agent": [
            {
                "who": {"reference": "Practitioner/zoe", "display": 'Zoë "Z." Müller, MD'},
                "requestor": True,
                "network": {"address": "192.0.2.7", "type": "2"},
            },
            {"who": {"reference": "Device/ehr"}, "requestor": False},
        ],
        "source": {"observer": {"reference": "Device/ehr"}, "site": "Ward 4"},
        "entity": [{"what": {"reference": "Patient/rose"}, "name": "=Rose\tTyler\n+1"}],
        **more,
    }


R5 = {
    "resourceType": "AuditEvent",
    "category": [{"coding": [{"system": TYPES, "code": "rest"}]}],
    "code": {"coding": [{"system": "http://hl7.org/fhir/restful-interaction", "code": "update"}]},
    "action": "U",
    "occurredDateTime": "2026-05-02",
    "recorded": "2026-05-02T05:59:00Z",
    "outcome": {"code": {"code": "4"}, "detail": [{"text": "locked by another"}]},
    "patient": {"reference": "Patient/rose"},
    "agent": [{"who": {"reference": "Practitioner/martha"}, "requestor": True}],
    "source": {"observer": {"reference": "Device/ehr"}},
    "entity": [{"what": {"reference": "Observation/7"}, "query": "P2E9MSZiPTI="}],
}
EVENTS: dict[str, Any] = {
    "a-read": r4(),
    "b-two-patients": r4(
        id="both",
        entity=[
            {"what": {"reference": "Patient/rose"}, "detail": [{"type": "a", "valueString": "1"}]},
            {"what": {"reference": "Patient/donna"}},
        ],
    ),
    "c-r5": R5,
    "d-cloudevent": {
        "specversion": "1.0",
        "id": "lab-1",
        "source": "urn:lab",
        "type": "record.result.filed",
        "time": "2026-05-03T08:00:00.5Z",
        "data": {
            "patient": {"reference": "Patient/rose"},
            "actor": {"reference": "Practitioner/lab"},
            "document": {"digest": "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk"},
        },
    },
}


def main() -> None:
    """Send the events to a local ledger, and export them in each format."""
    with (
        TemporaryDirectory() as folder,
        local_cloud(synthesize(Path(folder) / "assembly", settings=SETTINGS)) as cloud,
    ):
        sent = Path(folder) / "events"
        sent.mkdir()
        for name, event in EVENTS.items():
            (sent / f"{name}.json").write_text(json.dumps(event, ensure_ascii=False, indent=1))
        _done(cloud, cloud.tokens.portal(LEDGER, "ehr"), "send", sent)
        cloud.drain()
        cloud.publish()
        HERE.mkdir()
        (HERE / "policy").write_bytes(cloud.policy(LEDGER))
        for form in ("fhir", "csv", "ocsf"):
            options = ("--format", form, "--from", "2026-05", "--to", "2026-05")
            _done(cloud, cloud.tokens.security(LEDGER), "export", HERE / form, *options)


def _done(cloud: LocalCloud, token: str, *arguments: object) -> None:
    code = run([*map(str, arguments), "--url", cloud.url, "--token", token])
    if code:
        raise SystemExit(code)


if __name__ == "__main__":
    main()
