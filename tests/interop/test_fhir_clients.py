"""Third-party FHIR clients create, read, search and page with their default settings."""

import shutil
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from infra.local.cloud import LocalCloud, local_cloud
from tests.assemblies import synthesized
from tests.builders.audit_event import PATIENT_ROLE, r4, r5
from tests.conftest import REPOSITORY, skip_unless_ci
from tests.dynamodb_server.server import NODE
from tests.interop.fhir_clients.programs import (
    HERE,
    NotInstalledError,
    converse,
    java_class_path,
    node_clients,
    python_clients,
)

BUILD = REPOSITORY / "build" / "fhir_clients"
HAPI = HERE.parent / "hapi"
LEDGER = "north"
MRN = "https://north.example/mrn"
AUDITED = "https://hapi.example/fhir"
LEDGERS = [
    {
        "id": LEDGER,
        "public": False,
        "portals": [
            {"id": "ehr", "patient": {"system": MRN}},
            {"id": "hapi", "patient": {"reference": True, "base": AUDITED}},
        ],
    }
]


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """Serve one ledger; its portals identify patients by identifier and by reference."""
    with local_cloud(synthesized({"ledgers": LEDGERS})) as cloud:
        yield cloud


def command_of(client: str) -> list[str | Path]:
    """Return the command of a client; skip if it cannot be installed, except on CI."""
    try:
        if client == "fhir-kit-client":
            return [NODE, node_clients(BUILD / "node")]
        return [python_clients(BUILD / "venv"), HERE / f"with_{client}.py"]
    except NotInstalledError as error:
        skip_unless_ci(f"{client} cannot be installed: {error}")
        raise


def publish(cloud: LocalCloud) -> None:
    """Append accepted events to the ledger and publish it."""
    cloud.drain()
    cloud.publish(LEDGER)


@pytest.mark.parametrize("client", ["fhirclient", "fhirpy", "fhir-kit-client"])
def test_a_client_finds_what_it_created(cloud: LocalCloud, client: str) -> None:
    """By the ids that it received, the newest first, page by page."""
    agent = f"Practitioner/{client}"
    patients = ["one", "two", "three"]
    events = [
        r4(
            recorded=f"2026-11-22T05:59:0{number}Z",
            agent=[{"who": {"reference": agent}, "requestor": True}],
            entity=[
                {"what": {"identifier": {"system": MRN, "value": patient}}, "role": PATIENT_ROLE}
            ],
        )
        for number, patient in enumerate(patients)
    ]
    ids: list[str] = []

    def settle(first: dict[str, Any]) -> list[str]:
        ids.extend(first["created"])
        publish(cloud)
        return ids

    tokens = cloud.tokens
    parameters = [cloud.url, tokens.portal(LEDGER, "ehr"), tokens.security(LEDGER), events]
    result = converse(command_of(client), parameters, settle)
    assert len(set(ids)) == len(patients)
    newest_first = ids[::-1]
    size = result.pop("page size")
    assert result == {
        "read": ids,
        "patients": patients,
        "found": newest_first,
        "pages": [newest_first[at : at + size] for at in range(0, len(ids), size)],
        "total": len(ids),
    }


@pytest.fixture(scope="module")
def hapi() -> list[str | Path]:
    """Return the command that runs a Java source with HAPI FHIR; skip without Maven."""
    maven, java = shutil.which("mvn"), shutil.which("java")
    if not (maven and java):
        skip_unless_ci("no Maven or no Java on this machine: no HAPI FHIR")
    assert maven
    assert java
    try:
        class_path = java_class_path(BUILD / "hapi", maven, HAPI / "pom.xml")
    except NotInstalledError as error:
        skip_unless_ci(f"HAPI FHIR cannot be installed: {error}")
        raise
    return [java, "-XX:TieredStopAtLevel=1", "-cp", class_path]


@pytest.fixture(scope="module")
def balp(cloud: LocalCloud, hapi: list[str | Path]) -> dict[str, Any]:
    """Return what HAPI's BALP interceptor sent and its generic client found."""
    sent: dict[str, Any] = {}

    def settle(first: dict[str, Any]) -> None:
        sent.update(first)
        publish(cloud)

    tokens = cloud.tokens
    parameters = [cloud.url, tokens.portal(LEDGER, "hapi"), tokens.security(LEDGER), AUDITED]
    return {"found": converse([*hapi, HAPI / "BalpEvents.java"], parameters, settle), **sent}


def ids_of(sent: dict[str, Any]) -> list[str]:
    """Return the ids in the locations that a sink received."""
    return [location.split("AuditEvent/")[1].split("/")[0] for location in sent["locations"]]


def test_both_sinks_of_balp_are_accepted_at_once(balp: dict[str, Any]) -> None:
    """The plain one creates, the queued one sends transactions; neither retries.

    The client requests /metadata first, once for both.
    """
    assert balp["plain"]["requests"] == ["GET 200", *["POST 201"] * 3]
    assert set(balp["queued"]["requests"]) == {"POST 200"}
    assert len(set(ids_of(balp["plain"]) + ids_of(balp["queued"]))) == 6


def test_hapi_reads_back_what_its_sinks_sent(balp: dict[str, Any]) -> None:
    """Each by its id, about the patient of the sent reference."""
    expected = [
        {
            "id": event_id,
            "profile": f"https://profiles.ihe.net/ITI/BALP/StructureDefinition/{profile}",
            "patients": [f"{AUDITED}/Patient/{patient}"],
        }
        for sink, patient in (("plain", "anna"), ("queued", "bert"))
        for event_id, profile in zip(
            ids_of(balp[sink]),
            [f"IHE.BasicAudit.Patient{what}" for what in ("Read", "Read", "Query")],
            strict=True,
        )
    ]
    assert balp["found"]["read"] == expected


def test_hapi_finds_by_patient_and_agent_and_pages(balp: dict[str, Any]) -> None:
    """By the reference with and without the base of the audited server."""
    found, anna, bert = balp["found"], ids_of(balp["plain"]), ids_of(balp["queued"])
    assert sorted(found["by patient"]) == sorted(anna)
    assert sorted(found["by absolute patient"]) == sorted(anna)
    assert sorted(found["by agent"]) == sorted(bert)
    assert [len(page) for page in found["pages"]] == [2, 1]
    assert sorted(chain.from_iterable(found["pages"])) == sorted(bert)


def test_a_validating_client_of_r5_reads_r4_and_r5_alike(
    cloud: LocalCloud, hapi: list[str | Path]
) -> None:
    """It checks that /metadata is of R5, and rejects elements that R5 does not have."""
    agent = [{"who": {"reference": "Practitioner/r5"}, "requestor": True}]
    older = r4(
        recorded="2026-11-22T05:59:01Z",
        subtype=[{"system": "http://hl7.org/fhir/restful-interaction", "code": "vread"}],
        agent=agent,
        entity=[{"what": {"identifier": {"system": MRN, "value": "old"}}, "role": PATIENT_ROLE}],
    )
    newer = r5(
        recorded="2026-11-22T05:59:02Z",
        agent=agent,
        patient={"identifier": {"system": MRN, "value": "new"}},
    )
    sent: dict[str, Any] = {}

    def settle(first: dict[str, Any]) -> None:
        sent.update(first)
        publish(cloud)

    tokens = cloud.tokens
    parameters = [cloud.url, tokens.portal(LEDGER, "ehr"), tokens.security(LEDGER), older, newer]
    result = converse([*hapi, HAPI / "ValidatingR5.java"], parameters, settle)
    of_r4, of_r5 = sent["created"]
    expected = [
        {"id": of_r4, "code": "vread", "patient": "old"},
        {"id": of_r5, "code": "read", "patient": "new"},
    ]
    assert sent["returned"] == expected[1]
    assert result == {"release": "5.0.0", "read": expected, "found": expected}
