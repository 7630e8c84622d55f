"""The HTTP API under schemathesis: every response is one that the OpenAPI document describes."""

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from audit_ledger.events.strict_json import JsonObject
from infra.local.cloud import LocalCloud, local_cloud
from infra.openapi import DOCUMENT
from infra.synth import synthesize
from tests.assemblies import LEDGERS
from tests.builders.audit_event import PATIENT_ROLE, r4, r5

FHIR = "application/fhir+json"
LONG_CASES = 500
DRAIN_EVERY = 200  # a queue of thousands is slow on moto

load_all_checks()
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(json.loads(DOCUMENT.read_bytes()))
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


def operations() -> dict[str, Any]:
    """Return the document's operations by method and path; raise the error of an invalid one."""
    found = {}
    for result in SCHEMA.get_all_operations():
        if not isinstance(result, Ok):
            raise result.err()
        operation = result.ok()
        found[f"{operation.method.upper()} {operation.path}"] = operation
    return found


OPERATIONS = operations()


MRN = "https://north.example/mrn"  # north's identifier system of patients


def _patient(number: str) -> JsonObject:
    return {"what": {"identifier": {"system": MRN, "value": number}}, "role": PATIENT_ROLE}


EVENTS: tuple[tuple[str, JsonObject], ...] = (
    (FHIR, r4(entity=[_patient("1")])),
    (FHIR, r5(patient=_patient("1")["what"])),
    (FHIR, r4(entity=[_patient("1"), _patient("2")])),
    (
        "application/cloudevents+json",
        {"specversion": "1.0", "id": "1", "source": "s", "type": "record.read", "data": {}},
    ),
)


BOUNDS = (
    {"date": "ge2026"},
    {"date": "2026-11-22", "_sort": "date"},
    {"patient.identifier": f"{MRN}|1", "_count": "1"},
    {"agent": "Practitioner/doc"},
)
"""A search needs one of these."""
_OF_A_PATIENT = ({"patient": f"{MRN}|1"}, {"patient": f"{MRN}|2", "zone": "Europe/Berlin"})
BOUNDS_OF: dict[str, tuple[dict[str, str], ...]] = {
    "GET /AuditEvent": BOUNDS,
    "POST /AuditEvent/_search": BOUNDS,
    "GET /accounting": _OF_A_PATIENT,
    "GET /accesses": _OF_A_PATIENT,
    "GET /reports/privacy": ({"from": "2020-01-01"}, {"user": "Practitioner/doc"}),
    "GET /export": tuple({**bound, "format": "csv"} for bound in BOUNDS),
}
"""The bounds of each route that needs or accepts one."""


@dataclass(frozen=True)
class PublishedCloud:
    """The deployed app with two ledgers; `ids`: of north's events, the last one not published."""

    cloud: LocalCloud
    ids: tuple[str, ...]


@contextmanager
def published_cloud(assembly: Path) -> Iterator[PublishedCloud]:
    """Deploy the app, with events in one ledger."""
    with local_cloud(assembly) as cloud:
        ids = [_send(cloud, *event) for event in EVENTS]
        cloud.drain()
        cloud.publish()
        ids.append(_send(cloud, *EVENTS[0]))
        cloud.drain()
        yield PublishedCloud(cloud, tuple(ids))


def _send(cloud: LocalCloud, media_type: str, event: JsonObject) -> str:
    is_fhir = media_type == FHIR
    response = requests.post(
        f"{cloud.url}{'/AuditEvent' if is_fhir else '/events'}",
        json.dumps(event),
        headers={
            "Authorization": f"Bearer {cloud.tokens.portal('north', 'ehr')}",
            "Content-Type": media_type,
        },
        timeout=60,
    )
    response.raise_for_status()
    if is_fhir:
        return response.headers["Location"].rpartition("/")[2]
    return str(response.json()["ids"][0][0])


def drive(published: PublishedCloud, name: str, cases: int, *, same: bool) -> dict[int, int]:
    """Send `cases` requests to one operation; return the number of responses by status.

    Most requests that name an event name an existing one, and half of those that send one send a
    valid one; most searches and reports are bounded, and have one other parameter.
    `same`: the same requests in every run. Raises schemathesis' failures.
    """
    cloud, operation = published.cloud, OPERATIONS[name]
    is_write = name in ("POST /", "POST /AuditEvent", "POST /events")
    token = cloud.tokens.portal("north", "ehr") if is_write else cloud.tokens.security("north")
    statuses: dict[int, int] = {}
    session = requests.Session()
    session.trust_env = False

    @settings(
        max_examples=cases,
        derandomize=same,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in MODES)),
        event_id=st.one_of(st.none(), st.sampled_from(published.ids)),
        bound=st.one_of(st.none(), st.sampled_from(BOUNDS_OF.get(name, BOUNDS))),
        choice=st.integers(0, 1000),
        event=st.one_of(st.none(), st.sampled_from([body for of, body in EVENTS if of == FHIR])),
    )
    def run(
        case: Any,
        event_id: str | None,
        bound: dict[str, str] | None,
        choice: int,
        event: JsonObject | None,
    ) -> None:
        if event is not None and name == "POST /AuditEvent":
            case.body, case.media_type = event, FHIR
        if event_id is not None and "{id}" in name:
            case.path_parameters["id"] = "ehr" if name.startswith("GET /portals/") else event_id
            if "{version}" in name:  # an event is never changed: it has one
                case.path_parameters["version"] = "1"
        if bound is not None and name in BOUNDS_OF:
            parameters = sorted((case.query or {}).items())
            other = dict([parameters[choice % len(parameters)]]) if parameters else {}
            case.query = {**bound, **other}
        response = case.call(
            base_url=cloud.url,
            session=session,
            headers={"Authorization": f"Bearer {token}"},
            allow_redirects=False,
        )
        # A response without a body (`Prefer: return=minimal`) has no schema.
        checks = CHECKS if response.content else CHECKS[:-1]
        case.validate_response(response, checks=checks)
        statuses[response.status_code] = statuses.get(response.status_code, 0) + 1
        if sum(statuses.values()) % DRAIN_EVERY == 0:
            cloud.drain()

    run()
    cloud.drain()
    return statuses


def long_form_of_api(progress: Callable[[str], None], cases: int) -> list[tuple[str, str]]:
    """Drive every operation with new requests; raise on a response that is not documented."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="audit-ledger-") as folder:
        assembly = synthesize(Path(folder), settings={"ledgers": LEDGERS})
        with published_cloud(assembly) as published:
            for name in OPERATIONS:
                progress(f"{name}: {cases} requests")
                statuses = drive(published, name, cases, same=False)
                counted = ", ".join(
                    f"{count:,} × {code}" for code, count in sorted(statuses.items())
                )
                rows.append((f"{name}, {cases:,} requests by schemathesis", counted))
    return rows
