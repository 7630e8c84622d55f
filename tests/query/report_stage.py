"""A deployed app with ledgers that report differently, and their clients."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import requests

from infra.demo.hospital import ST_ELSEWHERE, Submission
from infra.local.cloud import local_cloud
from tests.assemblies import synthesized
from tests.query.stage import Stage

PLAIN = "plain"  # portals that tell patients by reference, and the usual settings
MASKED = "masked"
SILENT = "silent"
PORTAL = "ehr"
AGENCY = "Organization/bureau"
DISCLOSE = {
    "system": "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle",
    "code": "disclose",
}
RECIPIENT = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
NOW = datetime.now(UTC)
YESTERDAY = (NOW - timedelta(days=1)).date()


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _ledgers() -> list[dict[str, Any]]:
    by_reference = [{"id": PORTAL, "patient": {"reference": True}}]
    suspension = {
        "agency": "Bureau, case 17",
        "recipients": [f"reference|{AGENCY}"],
        "from": _instant(NOW - timedelta(days=5)),
        "until": _instant(NOW + timedelta(days=5)),
    }
    over = {
        "agency": "Office, case 3",
        "recipients": ["reference|Organization/once"],
        "from": _instant(NOW - timedelta(days=9)),
        "until": _instant(NOW - timedelta(days=5)),
    }
    masked = {"zone": "Europe/Berlin", "day_only": True, "role_only": True}
    silent = {
        "suspensions": [suspension, over],
        "exclusions": {"authorization": {"recipients": ["reference|Organization/school"]}},
    }
    hospital = [
        {"id": ledger, "portals": [{"id": portal, **rule} for portal, rule in portals.items()]}
        for ledger, portals in ST_ELSEWHERE.ledgers.items()
    ]
    return [
        *hospital,
        {"id": PLAIN, "portals": by_reference},
        {"id": MASKED, "portals": by_reference, "reports": masked},
        {"id": SILENT, "portals": by_reference, "reports": silent},
    ]


@cache
def assembly() -> Path:
    """The app, synthesized once for all who test reports and exports."""
    return synthesized({"ledgers": _ledgers()})


@dataclass
class ReportStage(Stage):
    """The clients of the ledgers that report differently."""

    ledger: str = PLAIN
    portal: str = PORTAL

    def json(self, path: str, token: str, **headers: str) -> dict[str, Any]:
        """Return the JSON of a successful response."""
        answer = self.get(path, token, **headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def post_bundle(self, entries: Sequence[dict[str, Any]], ledger: str = PLAIN) -> None:
        """Send many events at once."""
        answer = requests.post(
            self.cloud.url + "/",
            json={"resourceType": "Bundle", "type": "batch", "entry": list(entries)},
            headers={
                "authorization": f"Bearer {self.cloud.tokens.portal(ledger, PORTAL)}",
                "content-type": "application/fhir+json",
            },
            timeout=120,
        )
        assert answer.status_code == 200, answer.text

    def submit(self, submissions: Sequence[Submission]) -> None:
        """Send what a hospital's portals send."""
        for submission in submissions:
            answer = requests.request(
                "POST",
                self.cloud.url + submission.path,
                data=submission.body,
                headers={
                    "authorization": "Bearer "
                    + self.cloud.tokens.portal(submission.ledger, submission.portal),
                    **submission.headers,
                },
                timeout=60,
            )
            assert answer.status_code < 300, answer.text

    def settle(self) -> None:
        """Bring what waits into the ledgers, and publish it."""
        self.cloud.drain()
        self.cloud.publish()

    def events(self, query: str, token: str) -> dict[str, dict[str, Any]]:
        """Search to the end; event id → event."""
        found: dict[str, dict[str, Any]] = {}
        path: str | None = f"/AuditEvent?{query}&_count=100"
        while path is not None:
            bundle = self.json(path, token)
            found |= {
                entry["fullUrl"].rpartition("/")[2]: entry["resource"]
                for entry in bundle.get("entry", [])
                if entry["search"]["mode"] == "match"
            }
            links = {link["relation"]: link["url"] for link in bundle["link"]}
            path = links["next"].removeprefix(self.cloud.url) if "next" in links else None
        return found


@contextmanager
def report_stage() -> Iterator[ReportStage]:
    """Deploy; at the end, nothing may have been refused to a function."""
    with local_cloud(assembly()) as cloud:
        yield ReportStage(cloud)
        assert cloud.permissions.refusals == []


def read_of(
    patient: str,
    reader: str = "nurse",
    *,
    ago: timedelta = timedelta(),
    name: str | None = None,
    site: str = "the ward",
) -> dict[str, Any]:
    """A practitioner read a patient's record, so long ago."""
    who = {"reference": f"Practitioner/{reader}", "display": name or f"Dr. {reader}"}
    return {
        "resourceType": "AuditEvent",
        "type": {
            "system": "http://terminology.hl7.org/CodeSystem/audit-event-type",
            "code": "rest",
        },
        "action": "R",
        "recorded": (NOW - ago).isoformat(timespec="milliseconds"),
        "outcome": "0",
        "agent": [{"who": who, "requestor": True}],
        "source": {"site": site, "observer": {"display": "the server"}},
        "entity": [
            {
                "what": {"reference": f"Patient/{patient}"},
                "role": {
                    "system": "http://terminology.hl7.org/CodeSystem/object-role",
                    "code": "1",
                },
            }
        ],
    }


def disclosure_of(
    patient: str,
    recipient: str,
    *,
    ago: timedelta = timedelta(),
    name: str | None = None,
    purpose: str = "HLEGAL",
) -> dict[str, Any]:
    """A clerk disclosed a patient's record to an organisation, so long ago."""
    event = read_of(patient, "clerk", ago=ago)
    who = {"reference": recipient, "display": name or recipient}
    received = {"coding": [{"system": RECIPIENT, "code": "IRCP"}]}
    event["subtype"] = [DISCLOSE]
    event["agent"].append({"type": received, "who": who, "requestor": False})
    event["purposeOfEvent"] = [{"coding": [{"system": ACT_REASON, "code": purpose}]}]
    return event
