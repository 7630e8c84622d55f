"""Following as after a digest, and looking at what is kept then."""

from typing import Any

import boto3
import msgspec
import requests

from audit_ledger.aws.kms_data_keys import WrappingKey
from audit_ledger.aws.ledgers_table import LedgersTable
from audit_ledger.aws.views_table import ViewsTable
from audit_ledger.records.sealed_view import open_view
from audit_ledger.views import open_finding
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
    """Ask who recorded a document."""
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
    """Everything that is kept of the generation that is read, opened; by name."""
    origin = ledger_api.cloud.ledger(LEDGER).origin
    dynamodb, kms = boto3.client("dynamodb", REGION), boto3.client("kms", REGION)
    wrapped = LedgersTable(dynamodb, "audit-ledger-dev-ledgers", origin).keys()
    assert wrapped is not None
    wrapping = f"alias/audit-ledger-dev/{LEDGER}/wrapping"
    keys = WrappingKey(kms, wrapping, origin).unwrap_all(wrapped).ledger_keys
    table = ViewsTable(dynamodb, "audit-ledger-dev-views", origin)
    cursor = table.cursor()
    kept: dict[str, Any] = {
        "next_seq": cursor.next_seq,
        "announced": cursor.announced,
        "gaps": table.gaps(),
    }
    for name in cursor.states:
        kept[name] = open_view(table.state(cursor, name) or b"", keys, origin, name)
    numbers = range(cursor.findings)
    for number, sealed in zip(numbers, table.findings(cursor, numbers), strict=True):
        found = open_finding(sealed, keys, origin, cursor.generation, number)
        kept[f"finding {number}"] = msgspec.to_builtins(found)
    start = f"{origin}#{cursor.generation % 2}#document#"
    for item in dynamodb.scan(TableName="audit-ledger-dev-views")["Items"]:
        if item["key"]["S"].startswith(start):
            document = item["key"]["S"].removeprefix(start)
            kept[f"document {document}"] = table.places(document)
    assert cursor.states
    return kept


def settle(ledger_api: LedgerApi) -> None:
    """Into the ledger, published, and followed: the bus tells the follower of the digest."""
    ledger_api.settle()
    ledger_api.cloud.drain()


def gaps_of(ledger_api: LedgerApi) -> dict[str, Any]:
    """What is known of the numbers of the portal."""
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
