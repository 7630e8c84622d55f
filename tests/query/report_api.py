"""The API of ledgers that report and name patients differently; accesses and disclosures."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.demo.hospital import ST_ELSEWHERE
from infra.local.cloud import local_cloud
from tests.assemblies import synthesized
from tests.builders.audit_event import patient_entity, purpose, r4
from tests.query.ledger_api import LedgerApi

PLAIN = "plain"  # default settings
MASKED = "masked"  # patients see days and roles
SUSPENDED = "withholding"  # an agency's disclosures are suspended
BY_MRN, TWO_SERVERS, FALLBACK, MIXED = "mrn", "servers", "fallback", "mixed"
"""Portals that name patients in different ways."""
HOSPITAL = "st-elsewhere"
PORTAL = "ehr"
MRN = "https://elsewhere.example/mrn"
SERVER_A, SERVER_B = "https://a.example/fhir", "https://b.example:8443/fhir"
AGENCY = "Organization/bureau"
DISCLOSE = {
    "system": "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle",
    "code": "disclose",
}
RECIPIENT = {
    "coding": [
        {"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}
    ]
}
NOW = datetime.now(UTC)
YESTERDAY = (NOW - timedelta(days=1)).date()


def _midnight(days: int) -> str:
    """Return the beginning of a day, so that all processes of a run synthesize the same app."""
    return (NOW + timedelta(days=days)).strftime("%Y-%m-%dT00:00:00Z")


def _ledgers() -> list[dict[str, Any]]:
    by_reference = [{"id": PORTAL, "patient": {"reference": True}}]
    suspension = {
        "agency": "Bureau, case 17",
        "recipients": [f"reference|{AGENCY}"],
        "from": _midnight(-5),
        "until": _midnight(5),
    }
    ended = {
        "agency": "Office, case 3",
        "recipients": ["reference|Organization/once"],
        "from": _midnight(-9),
        "until": _midnight(-5),
    }
    masked = {"zone": "Europe/Berlin", "day_only": True, "role_only": True}
    suspended = {
        "suspensions": [suspension, ended],
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
        {"id": SUSPENDED, "portals": by_reference, "reports": suspended},
        {"id": BY_MRN, "portals": [{"id": PORTAL, "patient": {"system": MRN}}]},
        {
            "id": TWO_SERVERS,
            "portals": [
                {"id": "a", "patient": {"reference": True, "base": SERVER_A}},
                {"id": "b", "patient": {"reference": True, "base": SERVER_B}},
            ],
        },
        {
            "id": FALLBACK,
            "portals": [{"id": "hapi", "patient": {"system": MRN, "reference": True}}],
        },
        {
            "id": MIXED,
            "portals": [
                {"id": PORTAL, "patient": {"system": MRN}},
                {"id": "hapi", "patient": {"reference": True, "base": SERVER_A}},
            ],
        },
    ]


@contextmanager
def deployed_report_api() -> Iterator[LedgerApi]:
    """Deploy the ledgers; afterwards, check that no call of a function was refused."""
    with local_cloud(synthesized({"ledgers": _ledgers()})) as cloud:
        yield LedgerApi(cloud, PLAIN, PORTAL)
        assert cloud.permissions.refusals == []


def access_of(
    patient: str, reader: str = "nurse", *, ago: timedelta = timedelta(), name: str | None = None
) -> dict[str, Any]:
    """Return an access by a practitioner to a patient's record, `ago` before now."""
    who = {"reference": f"Practitioner/{reader}", "display": name or f"Dr. {reader}"}
    return r4(
        recorded=(NOW - ago).isoformat(timespec="milliseconds"),
        outcome="0",
        agent=[{"who": who, "requestor": True}],
        source={"site": "the ward", "observer": {"display": "the server"}},
        entity=[patient_entity(f"Patient/{patient}")],
    )


def disclosure_of(
    patient: str, recipient: str, *, ago: timedelta = timedelta(), name: str | None = None
) -> dict[str, Any]:
    """Return a disclosure of a patient's record to an organisation, `ago` before now."""
    event = access_of(patient, "clerk", ago=ago)
    who = {"reference": recipient, "display": name or recipient}
    event["agent"].append({"type": RECIPIENT, "who": who, "requestor": False})
    return {**event, "subtype": [DISCLOSE], "purposeOfEvent": [purpose("HLEGAL")]}
