"""Requests as API Gateway hands them to ingest, and records opened with the world's own keys."""

import base64
import hmac
import json
from typing import Any

from audit_ledger.aws.blocks_table import BlocksTable
from audit_ledger.ledger.block import parse_body
from audit_ledger.ledger.entry import EventEntry, parse_entry
from audit_ledger.records.commitment import RecordDisclosure
from audit_ledger.records.index_row import IndexRow, parse_index_row
from audit_ledger.records.record import Record, parse_record
from audit_ledger.records.seal import open_sealed, subject_key
from audit_ledger.records.sealed_record import SealedRecord
from audit_ledger.tlog.strict_base64 import encode
from tests.world import LEDGER, NAME, ORIGIN, World

FHIR = "application/fhir+json"
SCOPE = f"system/AuditEvent.c ledger/{LEDGER} portal/ehr"


def post(
    path: str, body: bytes, content_type: str = FHIR, scope: str = SCOPE, **headers: str
) -> dict[str, Any]:
    """Return the event of a POST: base64 body, lower-case headers, verified claims."""
    names = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return {
        "version": "2.0",
        "routeKey": f"POST {path}",
        "rawPath": path,
        "headers": {"content-type": content_type, **names},
        "requestContext": {"authorizer": {"jwt": {"claims": {"scope": scope}, "scopes": None}}},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def answer_json(answer: dict[str, Any]) -> Any:
    return json.loads(answer["body"])


def opened(world: World) -> list[tuple[IndexRow, Record, RecordDisclosure]]:
    """Open every record in the ledger: by keys from KMS and secrets from the subjects table."""
    (keys,) = [i for i in world.items("ledgers") if i["key"]["S"].endswith("#keys")]

    def unwrap(blob: bytes, purpose: str) -> bytes:
        context = {"origin": ORIGIN, "purpose": purpose}
        answer = world.kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
        return bytes(answer["Plaintext"])

    ledger_key = unwrap(bytes(keys["ledger_keys"]["M"]["1"]["B"]), "ledger")
    index_key = unwrap(bytes(keys["index_key"]["B"]), "index")
    by_pseudonym = {i["pseudonym"]["S"]: bytes(i["secret"]["B"]) for i in world.items("subjects")}
    special = b"audit-ledger/subject/v1\n" + b"\0\0\0\x07special" + b"\0\0\0\x06ledger"
    of_ledger = f"{ORIGIN}#{hmac.new(index_key, special, 'sha256').hexdigest()}"
    found = []
    for block in BlocksTable(world.dynamodb, f"{NAME}-blocks", ORIGIN).since(0):
        for item in parse_body(block.body).items:
            if not item.row_bytes:
                continue
            row = parse_index_row(item.row_bytes)
            if row.patient is None:
                (secret,) = [
                    bytes(i["secret"]["B"])
                    for i in world.items("subjects")
                    if i["key"]["S"] == of_ledger
                ]
            else:
                secret = by_pseudonym[f"{ORIGIN}#{encode(row.patient)}"]
            key = subject_key(ledger_key, secret, ORIGIN)
            entry = parse_entry(item.entry)
            assert isinstance(entry, EventEntry)
            stored = SealedRecord(
                row,
                item.row_bytes,
                item.row_blind,
                item.record_commitment,
                entry.commitment,
                item.sealed,
            )
            record, blind = open_sealed(stored, key=key, origin=ORIGIN)
            disclosure = RecordDisclosure(item.row_bytes, item.row_blind, record, blind)
            found.append((row, parse_record(record), disclosure))
    return found
