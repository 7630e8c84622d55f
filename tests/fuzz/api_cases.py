"""The HTTP API under schemathesis: every answer is one that the OpenAPI document names."""

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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

from infra.local.cloud import LocalCloud, local_cloud
from infra.local.openapi import DOCUMENT
from infra.synth import synthesize
from tests.local.conftest import LEDGERS

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
    """Give the document's operations by method and path; one that makes no sense is raised."""
    found = {}
    for result in SCHEMA.get_all_operations():
        if not isinstance(result, Ok):
            raise result.err()
        operation = result.ok()
        found[f"{operation.method.upper()} {operation.path}"] = operation
    return found


OPERATIONS = operations()


@contextmanager
def published_cloud(assembly: Path) -> Iterator[LocalCloud]:
    """The app with two ledgers, and something to read in each."""
    with local_cloud(assembly) as cloud:
        cloud.publish()
        yield cloud


def drive(cloud: LocalCloud, name: str, cases: int, *, same: bool) -> dict[int, int]:
    """Send `cases` requests to one operation; give how many answers of each status there were.

    `same`: the same requests in every run. Raises schemathesis' failures.
    """
    operation = OPERATIONS[name]
    token = cloud.tokens.portal("north", "ehr")
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
    @given(case=st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in MODES)))
    def run(case: Any) -> None:
        response = case.call(
            base_url=cloud.url,
            session=session,
            headers={"Authorization": f"Bearer {token}"},
            allow_redirects=False,
        )
        # An answer without a body (`Prefer: return=minimal`) has nothing that a schema describes.
        checks = CHECKS if response.content else CHECKS[:-1]
        case.validate_response(response, checks=checks)
        statuses[response.status_code] = statuses.get(response.status_code, 0) + 1
        if sum(statuses.values()) % DRAIN_EVERY == 0:
            cloud.drain()

    run()
    cloud.drain()
    return statuses


def long_form_of_api(progress: Callable[[str], None], cases: int) -> list[tuple[str, str]]:
    """Drive every operation with new requests; raises on an answer that is not documented."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="audit-ledger-") as folder:
        assembly = synthesize(Path(folder), settings={"ledgers": LEDGERS})
        with published_cloud(assembly) as cloud:
            for name in OPERATIONS:
                progress(f"{name}: {cases} requests")
                statuses = drive(cloud, name, cases, same=False)
                counted = ", ".join(
                    f"{count:,} × {code}" for code, count in sorted(statuses.items())
                )
                rows.append((f"{name}, {cases:,} requests by schemathesis", counted))
    return rows
