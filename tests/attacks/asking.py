"""A small ledger on moto whose queue and tables can be altered, and query asked about it."""

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import pytest

from audit_ledger.aws.ssm_settings import SsmSettings
from audit_ledger.aws.ttl_cache import TtlCache
from audit_ledger.aws.views_table import ViewsTable
from audit_ledger.reading.ledger import ReadableLedger, Tables, ledgers
from functions.ingest import handler as ingest
from functions.publisher import handler as publishing
from functions.query import handler as query
from functions.query.access import QueryContext
from functions.sequencer import handler as sequencing
from tests.functions.pipeline import Context
from tests.functions.publishing import Clock
from tests.functions.requests import post
from tests.world import LEDGER, NAME, World

CONTEXT: Any = Context()
EVENTS = 2


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, world: World) -> Clock:
    """Fresh containers, by a clock that stands still."""
    clock = Clock()
    for function in (
        publishing.publisher,
        publishing.has_keys,
        sequencing.sequencer,
        ingest.acceptor,
        ingest.environment,
        query.environment,
    ):
        function.cache_clear()
    monkeypatch.setattr(publishing, "time", clock)
    monkeypatch.setattr(sequencing, "time", clock)
    return clock


def event(number: int) -> dict[str, Any]:
    return {
        "resourceType": "AuditEvent",
        "type": {"code": "rest"},
        "recorded": "2026-11-23T02:00:00.000Z",
        "agent": [{"who": {"reference": "Practitioner/1"}, "requestor": True}],
        "source": {"observer": {"display": "ehr"}},
        "entity": [{"what": {"reference": f"Patient/{number}"}}],
    }


def accepted(world: World) -> list[dict[str, Any]]:
    """Two events of one request, as they wait."""
    request = {"method": "POST", "url": "AuditEvent"}
    entries = [{"resource": event(n), "request": request} for n in range(EVENTS)]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    body = json.dumps(bundle).encode()
    answer: Any = ingest.handler(post("/", body, Idempotency_Key="one"), CONTEXT)
    assert answer["statusCode"] == 200
    return world.messages()


def appended(messages: list[dict[str, Any]]) -> int:
    """Have them appended, and published; gives how many came back."""
    answer = sequencing.handler({"Records": messages}, CONTEXT)
    publishing.handler({}, CONTEXT)
    return len(answer["batchItemFailures"])


def ledger_of(world: World) -> ReadableLedger:
    tables = Tables(
        *(f"{NAME}-{name}" for name in ("blocks", "events", "subjects", "ledgers", "published"))
    )
    settings = SsmSettings(world.ssm, "test")
    return ledgers("test", settings, world.dynamodb, world.kms, tables, lambda: 0.0).get(LEDGER)


@pytest.fixture
def asked(world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> "Asked":
    return Asked(world, clock, monkeypatch)


class Asked:
    """Query, by its handler, an hour later than the ledger's clock: no index lags any more."""

    def __init__(self, world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        kept = TtlCache(lambda _: ledger_of(world), lambda: 0.0)
        self.later = 0
        context = QueryContext(
            kept,
            lambda payload: {"ids": ["ab" * 32] * len(payload["events"])},
            lambda _: None,  # type: ignore[arg-type,return-value]
            lambda origin: ViewsTable(world.dynamodb, f"{NAME}-views", origin),
            lambda _: (b"", b""),
            lambda: int(clock.time()) + self.later,
            lambda: 0.0,
        )
        monkeypatch.setattr(query, "query_context", lambda: context)

    def __call__(
        self, path: str, asked: str = "", *, scope: str = "user/*.rs", **given: str
    ) -> tuple[int, str]:
        """Return status and body."""
        route = "GET /AuditEvent/{id}" if given else f"GET {path}"
        claims = {"scope": f"{scope} ledger/{LEDGER}", "sub": "x", "client_id": "y"}
        if scope.startswith("patient/"):
            claims["patient"] = "Patient/0"
        found: Mapping[str, Any] = query.handler(
            {
                "version": "2.0",
                "routeKey": route,
                "rawPath": path,
                "rawQueryString": asked,
                "pathParameters": given,
                "headers": {},
                "requestContext": {
                    "authorizer": {"jwt": {"claims": claims, "scopes": None}},
                    "http": {"sourceIp": "192.0.2.1"},
                    "domainName": "api.example.org",
                },
            },
            None,
        )
        body = str(found.get("body", ""))
        if found.get("isBase64Encoded"):
            body = b64decode(body).decode()
        return int(found["statusCode"]), body
