"""Invoke the follower as after a digest, and read the views that it stored."""

from typing import Any

import boto3
import msgspec
import requests

from audit_ledger.aws.kms_data_keys import WrappingKey
from audit_ledger.aws.ledgers_table import LedgersTable
from audit_ledger.aws.views_table import ViewsTable
from audit_ledger.records.sealed_view import open_view
from audit_ledger.views.stored_finding import open_finding
from infra.local.cloud import REGION
from tests.builders.audit_event import ni_uri
from tests.query.ledger_api import LEDGER, PORTAL, LedgerApi

FOLLOWER = "audit-ledger-dev-follower"


def follow(ledger_api: LedgerApi, *, rebuild: str = "") -> dict[str, Any]:
    """Invoke the follower as after a digest."""
    origin = ledger_api.cloud.ledger(LEDGER).origin
    detail = {"origin": origin, **({"rebuild": rebuild} if rebuild else {})}
    answer: dict[str, Any] = ledger_api.cloud.runner.invoke(FOLLOWER, {"detail": detail})
    return answer


def verified(
    ledger_api: LedgerApi, document: bytes, token: str | None = None
) -> list[dict[str, Any]]:
    """Return the entries that recorded a document, as the API lists them."""
    answer = requests.post(
        f"{ledger_api.cloud.url}/documents/verify",
        json={"digest": ni_uri(document)},
        headers={"authorization": f"Bearer {ledger_api.security if token is None else token}"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    entries: list[dict[str, Any]] = answer.json()["entries"]
    return entries


def views(ledger_api: LedgerApi) -> dict[str, Any]:
    """Return all views of the current generation by name, opened."""
    origin = ledger_api.cloud.ledger(LEDGER).origin
    dynamodb, kms = boto3.client("dynamodb", REGION), boto3.client("kms", REGION)
    wrapped = LedgersTable(dynamodb, "audit-ledger-dev-ledgers", origin).keys()
    assert wrapped is not None
    wrapping = f"alias/audit-ledger-dev/{LEDGER}/wrapping"
    keys = WrappingKey(kms, wrapping, origin).unwrap_all(wrapped).ledger_keys
    table = ViewsTable(dynamodb, "audit-ledger-dev-views", origin)
    cursor = table.cursor()
    stored: dict[str, Any] = {
        "next_seq": cursor.next_seq,
        "announced": cursor.announced,
        "gaps": table.gaps(),
    }
    for name in cursor.states:
        stored[name] = open_view(table.state(cursor, name) or b"", keys, origin, name)
    numbers = range(cursor.findings)
    for number, sealed in zip(numbers, table.findings(cursor, numbers), strict=True):
        found = open_finding(sealed, keys, origin, cursor.generation, number)
        stored[f"finding {number}"] = msgspec.to_builtins(found)
    start = f"{origin}#{cursor.generation % 2}#document#"
    for item in dynamodb.scan(TableName="audit-ledger-dev-views")["Items"]:
        if item["key"]["S"].startswith(start):
            document = item["key"]["S"].removeprefix(start)
            stored[f"document {document}"] = table.places(document)
    assert cursor.states
    return stored


def settle(ledger_api: LedgerApi) -> None:
    """Append and publish what was sent, and follow it: the bus invokes the follower."""
    ledger_api.settle()
    ledger_api.cloud.drain()


def gaps_of(ledger_api: LedgerApi) -> dict[str, Any]:
    """Return the report of gaps of the portal."""
    gaps: dict[str, Any] = ledger_api.get(f"/portals/{PORTAL}/gaps").json()
    return gaps


def post_cloudevent(ledger_api: LedgerApi, event: dict[str, Any]) -> None:
    """Send a CloudEvent of the portal."""
    answer = requests.post(
        f"{ledger_api.cloud.url}/events",
        json=event,
        headers={
            "authorization": f"Bearer {ledger_api.cloud.tokens.portal(LEDGER, PORTAL)}",
            "content-type": "application/cloudevents+json",
        },
        timeout=30,
    )
    assert answer.status_code == 202, answer.text
