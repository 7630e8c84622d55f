"""Valid examples of every format, the same in every run: keys and nonces are fixed bytes."""

import json
from base64 import b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from audit_ledger.ledger.block import Block, BlockItem, Body
from audit_ledger.ledger.digest import NO_DIGEST, Digest
from audit_ledger.ledger.entry import created, link_events
from audit_ledger.records.commitment import RowDisclosure, record_commitment, row_commitment
from audit_ledger.records.compression import compress_record
from audit_ledger.records.index_row import IndexRow, parse_index_row
from audit_ledger.records.queue_message import QueueMessage
from audit_ledger.records.record import new_record
from audit_ledger.records.sealed_record import SealedRecord, SealHeader
from audit_ledger.tlog.checkpoint import Checkpoint
from audit_ledger.tlog.cosignature import ed25519_message, pack_timestamped_signature
from audit_ledger.tlog.entry_bundle import pack_entry_bundle
from audit_ledger.tlog.note import (
    ED25519,
    ED25519_COSIGNATURE,
    MLDSA44_COSIGNATURE,
    Note,
    Signature,
    VerifierKey,
)
from audit_ledger.tlog.policy import Group, Log, Policy, Witness
from audit_ledger.tlog.proof import TlogProof
from audit_ledger.tlog.rfc6962 import leaf_hash, node_hash
from tests.builders.audit_event import r4, r5

ORIGIN = "audit.example.org/st-elsewhere"
NOW = 1_795_400_000
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
WITNESS = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
MLDSA = MLDSA44PrivateKey.from_seed_bytes(bytes(range(32))).public_key()
RAW = (Encoding.Raw, PublicFormat.Raw)
DER = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

LOG_KEY = VerifierKey(ORIGIN, ED25519, KEY.public_key().public_bytes(*RAW))
WITNESS_KEY = VerifierKey("w.example", ED25519_COSIGNATURE, WITNESS.public_key().public_bytes(*RAW))
MLDSA_KEY = VerifierKey(ORIGIN, MLDSA44_COSIGNATURE, MLDSA.public_bytes(*RAW))
POLICY = Policy(
    (Log(LOG_KEY),),
    {"w": Witness(WITNESS_KEY, "https://w.example"), "own": Witness(MLDSA_KEY)},
    {"g": Group(1, ("w", "own"))},
    "g",
)
PUBLIC_KEYS = (KEY.public_key().public_bytes(*DER), MLDSA.public_bytes(*DER))

FIRST = created(ORIGIN, NOW).to_bytes()
EVENTS, LEAVES = link_events(1, NOW, leaf_hash(FIRST), [bytes([n]) * 32 for n in range(3)])
ENTRIES = [FIRST, *EVENTS]
HASHES = [leaf_hash(entry) for entry in ENTRIES]
ROOT = node_hash(node_hash(HASHES[0], HASHES[1]), node_hash(HASHES[2], HASHES[3]))
CHECKPOINT = Checkpoint(ORIGIN, 4, ROOT).text


def signed(text: str, *more: Signature) -> bytes:
    """Return a note signed by the log's key."""
    signature = Signature(ORIGIN, LOG_KEY.key_id, KEY.sign(text.encode()))
    return Note(text, (signature, *more)).to_bytes()


def cosigned() -> bytes:
    """Return the checkpoint with a cosignature of each type; that of ML-DSA-44 is all zeros."""
    ed25519 = WITNESS.sign(ed25519_message(NOW, CHECKPOINT))
    return signed(
        CHECKPOINT,
        Signature("w.example", WITNESS_KEY.key_id, pack_timestamped_signature(NOW, ed25519)),
        Signature(ORIGIN, MLDSA_KEY.key_id, pack_timestamped_signature(NOW, bytes(2420))),
    )


WITNESSED = signed(
    CHECKPOINT,
    Signature(
        "w.example",
        WITNESS_KEY.key_id,
        pack_timestamped_signature(NOW, WITNESS.sign(ed25519_message(NOW, CHECKPOINT))),
    ),
)
NOTES = (signed("text\n"), signed(CHECKPOINT), WITNESSED, cosigned())
PROOF_HASHES = (HASHES[0], node_hash(HASHES[2], HASHES[3]))
PROOFS = (
    TlogProof(1, PROOF_HASHES, WITNESSED).to_bytes(),
    TlogProof(1, PROOF_HASHES, WITNESSED, ENTRIES[1]).to_bytes(),
)
BUNDLE = pack_entry_bundle(ENTRIES)

EVENT_ID = "ab" * 32
ROW = IndexRow(
    event_id=EVENT_ID,
    time_ms=NOW * 1000,
    patient=bytes(16),
    agents=(bytes([1]) * 16,),
    others=(bytes([2]) * 16,),
    fingerprint=bytes(32),
    generation=2026000,
    flags=("balp.no-agent", "fhir.action"),
)
SMALL_ROW = IndexRow(event_id=EVENT_ID, time_ms=-1, fingerprint=bytes(32), generation=0)
ROWS = (ROW.to_bytes(), SMALL_ROW.to_bytes())

AUDIT_EVENTS: tuple[dict[str, Any], ...] = (
    r4(entity=[{"what": {"reference": "Patient/1", "display": "Jane Roe"}}]),
    r5(patient={"reference": "Patient/2"}, category=[{"text": "x"}]),
    r4(
        meta={"profile": ["https://profiles.ihe.net/ITI/BALP/StructureDefinition/x"]},
        contained=[{"resourceType": "Patient", "id": "1", "name": [{"text": "Jane Roe"}]}],
        entity=[
            {"what": {"reference": "#1"}, "role": {"code": "1"}, "query": "Sm9obiBEb2U="},
            {"what": {"identifier": {"system": "urn:mrn", "value": "4444"}}, "role": {"code": "1"}},
        ],
        outcomeDesc="of Jane Roe and 4444",
    ),
)


def spelled(document: Any) -> bytes:
    """JSON as others spell it, over several lines so that lines can be swapped."""
    return json.dumps(document, indent=1, ensure_ascii=False).encode()


FHIR = (*map(spelled, AUDIT_EVENTS), b"\n" + spelled(AUDIT_EVENTS[0]) + b"\r\n")
BUNDLES = tuple(
    spelled(
        {
            "resourceType": "Bundle",
            "type": kind,
            "entry": [
                {"resource": event, "request": {"method": "POST", "url": "AuditEvent"}}
                for event in AUDIT_EVENTS
            ],
        }
    )
    for kind in ("batch", "transaction", "collection")
)
ATTRIBUTES = {
    "specversion": "1.0",
    "id": "1",
    "source": "urn:lab",
    "type": "record.created",
    "time": "2026-11-22T05:59:00Z",
    "subject": "Patient/1",
}
RECORD_DATA = {"patient": {"reference": "Patient/1"}, "actor": {"reference": "Practitioner/2"}}
EVENTS_IN_CLOUD = (
    {**ATTRIBUTES, "data": RECORD_DATA},
    {**ATTRIBUTES, "datacontenttype": "application/fhir+json", "data": AUDIT_EVENTS[2]},
    {**ATTRIBUTES, "datacontenttype": "application/json", "data_base64": b64encode(b"{}").decode()},
    {**ATTRIBUTES, "type": "x", "datacontenttype": "text/plain", "data": "text"},
)
CLOUDEVENTS = (*map(spelled, EVENTS_IN_CLOUD), spelled(EVENTS_IN_CLOUD[0]) + b"\n")
BATCHES = (spelled(EVENTS_IN_CLOUD), b"[]")
BINARY = tuple(
    "".join(f"ce-{name}: {value}\n" for name, value in ATTRIBUTES.items()).encode()
    + b"content-type: "
    + rest
    for rest in (
        b"application/json\n\n" + spelled(RECORD_DATA),
        b"application/fhir+json; fhirVersion=4.0\n\n" + FHIR[0],
        b"text/plain\nce-extra: %E2%82%AC\n\nany",
    )
)

RECORDS = (
    new_record("ehr", NOW * 1000 + 123, "fhir-r4", FHIR[0]).to_bytes(),
    new_record("ehr", 0, "fhir-r5", b'{"a":[1.50,{}]}', ("AuditEvent.entity[2]", "é")).to_bytes(),
)
SEAL_KEY = bytes(range(32))
HEADER = SealHeader(1, 2026000).to_bytes()
SALT = bytes(16)


def sealed(plain: bytes) -> bytes:
    """Seal a frame under SEAL_KEY, with a fixed salt that only tests may reuse."""
    info = b"audit-ledger/single-use-key/v1\n" + SALT
    key = AESGCM(HKDFExpand(SHA256(), 32, info=info).derive(SEAL_KEY))
    associated = ORIGIN.encode() + b"\n" + row_commitment(bytes(32), ROWS[0])
    ciphertext = key.encrypt(bytes(12), plain, associated)
    return HEADER + SALT + ciphertext + bytes(16)


COMPRESSED = tuple(map(compress_record, RECORDS))
SEALED = tuple(sealed(bytes(32) + frame) for frame in COMPRESSED)
COMMITTED = {
    data: record_commitment(bytes(32), record) for data, record in zip(SEALED, RECORDS, strict=True)
}


def queued(row_bytes: bytes, sealed: bytes, hidden: bytes = bytes(32)) -> SealedRecord:
    """Return a record under a fixed row blind. `hidden`: the commitment to its record."""
    row = RowDisclosure(row_bytes, bytes(32), hidden)
    return SealedRecord(
        parse_index_row(row_bytes), row_bytes, bytes(32), hidden, row.commitment, sealed
    )


QUEUED = (
    QueueMessage(ORIGIN, NOW * 1000, (queued(ROWS[0], SEALED[0]),) * 2).to_text(),
    QueueMessage(ORIGIN, 0, (queued(ROWS[1], b""),)).to_text(),
)
BODY = Body(
    (
        BlockItem(FIRST),
        BlockItem(EVENTS[0], ROWS[0], bytes(32), bytes(32), SEALED[0]),
        BlockItem(EVENTS[1], ROWS[1], bytes(32), bytes(32), SEALED[1], conflict=True),
    ),
    (HASHES[0], HASHES[1]),
    NOW,
).to_bytes()
BLOCK = Block(ORIGIN, 0, 3, HASHES[2], bytes(64), BODY).to_bytes()
DIGEST = Digest(
    ORIGIN,
    NOW - 60,
    NOW,
    0,
    4,
    bytes(32),
    4,
    1,
    2,
    0,
    0,
    0,
    "",
    NO_DIGEST,
    signed(CHECKPOINT),
).text
NEXT_DIGEST = Digest(
    ORIGIN, NOW, NOW + 60, 4, 4, bytes(32), 0, 0, 0, 4, 2, 1,
    "digests/2026/11/22/20261122T055900Z-4", bytes([1]) * 32, signed(CHECKPOINT),
).text  # fmt: skip
DEAD_LETTERS = (spelled({"sender": "AROAEXAMPLE:ingest", "sent": NOW * 1000, "body": QUEUED[1]}),)
CLAIMS = (
    spelled({"scope": "system/AuditEvent.c ledger/north portal/ehr"}),
    spelled({"scp": ["system/*.cruds", "ledger/north"], "portal": "ehr", "patient": "1"}),
    spelled({"scope": "patient/AuditEvent.rs", "ledger": "north", "exp": 1, "aud": ["a", "b"]}),
)
