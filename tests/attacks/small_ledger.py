"""A small ledger on moto whose queue and tables can be altered, and a client that queries it."""

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
Messages = list[dict[str, Any]]


def start_containers() -> None:
    """Let every function start with a new container."""
    for function in (
        publishing.publisher,
        publishing.has_keys,
        sequencing.sequencer,
        ingest.acceptor,
        ingest.environment,
        query.environment,
    ):
        function.cache_clear()


def event(number: int) -> dict[str, Any]:
    """Return an event about one of the patients 0 and 1."""
    return {
        "resourceType": "AuditEvent",
        "type": {"code": "rest"},
        "recorded": "2026-11-23T02:00:00.000Z",
        "agent": [{"who": {"reference": "Practitioner/1"}, "requestor": True}],
        "source": {"observer": {"display": "ehr"}},
        "entity": [{"what": {"reference": f"Patient/{number}"}}],
    }


def accept_two_events(world: World) -> Messages:
    """Accept two events in one request; return the messages of the queue."""
    request = {"method": "POST", "url": "AuditEvent"}
    entries = [{"resource": event(n), "request": request} for n in range(EVENTS)]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    body = json.dumps(bundle).encode()
    response: Any = ingest.handler(post("/", body, Idempotency_Key="one"), CONTEXT)
    assert response["statusCode"] == 200
    return world.messages()


def append_and_publish(messages: Messages) -> int:
    """Append messages and publish the ledger; return how many messages failed."""
    response = sequencing.handler({"Records": messages}, CONTEXT)
    publishing.handler({}, CONTEXT)
    return len(response["batchItemFailures"])


def append_another_event(world: World) -> None:
    """Accept, append and publish one more event about patient 0."""
    ingest.handler(post("/AuditEvent", json.dumps(event(0)).encode()), CONTEXT)
    append_and_publish(world.messages())


def readable_ledger(world: World) -> ReadableLedger:
    """Return the ledger as query and follower read it."""
    tables = Tables(
        *(f"{NAME}-{name}" for name in ("blocks", "events", "subjects", "ledgers", "published"))
    )
    settings = SsmSettings(world.ssm, "test")
    return ledgers("test", settings, world.dynamodb, world.kms, tables, lambda: 0.0).get(LEDGER)


class QueryClient:
    """Requests to query's handler. `seconds_later`: by how much its clock is ahead."""

    def __init__(self, world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds_later = 0
        context = QueryContext(
            TtlCache(lambda _: readable_ledger(world), lambda: 0.0),
            lambda payload: {"ids": ["ab" * 32] * len(payload["events"])},
            lambda _: None,  # type: ignore[arg-type,return-value]
            lambda origin: ViewsTable(world.dynamodb, f"{NAME}-views", origin),
            lambda _: (b"", b""),
            lambda: int(clock.time()) + self.seconds_later,
            lambda: 0.0,
        )
        monkeypatch.setattr(query, "query_context", lambda: context)

    def get(
        self, path: str, query_string: str = "", scope: str = "user/*.rs", *, event_id: str = ""
    ) -> tuple[int, str]:
        """Return status and body. `event_id`: the one in the path, if it is an event's."""
        claims = {"scope": f"{scope} ledger/{LEDGER}", "sub": "x", "client_id": "y"}
        if scope.startswith("patient/"):
            claims["patient"] = "Patient/0"
        response: Mapping[str, Any] = query.handler(
            {
                "version": "2.0",
                "routeKey": "GET /AuditEvent/{id}" if event_id else f"GET {path}",
                "rawPath": path,
                "rawQueryString": query_string,
                "pathParameters": {"id": event_id} if event_id else {},
                "headers": {},
                "requestContext": {
                    "authorizer": {"jwt": {"claims": claims, "scopes": None}},
                    "http": {"sourceIp": "192.0.2.1"},
                    "domainName": "api.example.org",
                },
            },
            None,
        )
        body = str(response.get("body", ""))
        if response.get("isBase64Encoded"):
            body = b64decode(body).decode()
        return int(response["statusCode"]), body
