"""The API of ledgers whose settings of reports differ, and events of accesses and disclosures."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.demo.hospital import ST_ELSEWHERE
from infra.local.cloud import local_cloud
from tests.assemblies import synthesized
from tests.query.ledger_api import LedgerApi

PLAIN = "plain"  # default settings
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


@contextmanager
def deployed_report_api() -> Iterator[LedgerApi]:
    """Deploy the ledgers; afterwards, check that no call of a function was refused."""
    with local_cloud(synthesized({"ledgers": _ledgers()})) as cloud:
        yield LedgerApi(cloud, PLAIN, PORTAL)
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
