"""Every parser: its examples, the errors it may raise, and how its results print back."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import methodcaller
from typing import Any

from audit_ledger.errors import FormatError, LedgerError, NotFoundError, VerificationError
from audit_ledger.events import (
    Event,
    RejectedEventError,
    parse_audit_event,
    parse_bundle,
    parse_cloudevent_binary,
    parse_cloudevent_structured,
    parse_cloudevents_batch,
)
from audit_ledger.events.media_type import parse_media_type
from audit_ledger.http.authorization import ForbiddenError, read_authorization
from audit_ledger.instants import format_instant, parse_instant
from audit_ledger.ledger.block import parse_block, parse_body
from audit_ledger.ledger.digest import parse_digest
from audit_ledger.ledger.digest_name import is_digest_name
from audit_ledger.ledger.entry import parse_entry
from audit_ledger.public_keys import raw_public_key
from audit_ledger.records.compression import decompress_record
from audit_ledger.records.dead_letter import parse_dead_letter
from audit_ledger.records.index_row import IndexRow, parse_index_row
from audit_ledger.records.queue_message import (
    parse_queue_message,
)
from audit_ledger.records.record import Record, new_record, parse_record
from audit_ledger.records.seal import open_sealed
from audit_ledger.records.sealed_record import (
    HEADER_BYTES,
    parse_header,
)
from audit_ledger.settings.token_claims import TokenClaims
from audit_ledger.tlog import strict_base64
from audit_ledger.tlog.checkpoint import parse_checkpoint
from audit_ledger.tlog.cosignature import pack_timestamped_signature, parse_timestamped_signature
from audit_ledger.tlog.cosignature import verify_cosignature as verify
from audit_ledger.tlog.entry_bundle import pack_entry_bundle, parse_entry_bundle
from audit_ledger.tlog.note import MLDSA44_COSIGNATURE, open_note, parse_note, parse_verifier_key
from audit_ledger.tlog.policy import Policy, parse_policy
from audit_ledger.tlog.proof import parse_proof
from audit_ledger.tlog.tiles import parse_tile_path, split_hashes
from audit_ledger.verify.receipts import verify_receipt
from infra.local.api_gateway.authorizer import UnauthorizedError, authorize
from infra.local.cloudformation.deployment import Authorizer, DeployedRoute
from tests.fuzz import seeds

Parse = Callable[[bytes], Any]
ROUTE = DeployedRoute(
    "POST", "/", "f", Authorizer("https://i.example", frozenset({"a"})), frozenset()
)


@dataclass(frozen=True)
class Parser:
    """A parser of bytes. `prints`: writes its result, which must be the same bytes again."""

    parse: Parse
    errors: tuple[type[LedgerError], ...]
    seeds: tuple[bytes, ...]
    prints: Callable[[Any], bytes] | None = None

    def check(self, data: bytes) -> bool:
        """Parse; return whether it was accepted. Raises undocumented errors and AssertionError."""
        try:
            parsed = self.parse(data)
        except self.errors:
            return False
        if self.prints is not None:
            assert self.prints(parsed) == data, "accepted, but printed differently"
        return True


def text(data: bytes) -> str:
    """Decode bytes; those that are not UTF-8 become lone surrogates."""
    return data.decode("utf-8", "surrogateescape")


def raw(printed: str) -> bytes:
    """Return the bytes that `text` decoded."""
    return printed.encode("utf-8", "surrogateescape")


def read_policy(data: bytes) -> Policy:
    """Parse a policy that must be equal once it is written and parsed again."""
    policy = parse_policy(data)
    assert parse_policy(policy.to_bytes()) == policy
    return policy


def read_events(outcomes: Iterable[Event | RejectedEventError]) -> None:
    """Check that a record of each accepted part parses back to the part's bytes."""
    for outcome in outcomes:
        if isinstance(outcome, RejectedEventError):
            assert outcome.status in (400, 413, 415, 422)
            continue
        for part in outcome.parts:
            record = new_record("ehr", 0, outcome.format, part.resource, part.cut).to_bytes()
            assert bytes(parse_record(record).resource) == part.resource


def read_binary(data: bytes) -> None:
    """Parse a request in binary mode: lines of headers, an empty line, the body."""
    lines, _, body = data.partition(b"\n\n")
    headers = {}
    for line in lines.split(b"\n"):
        name, _, value = text(line).partition(":")
        headers[name.lower()] = value.strip()
    read_events([parse_cloudevent_binary(headers, body)])


def read_claims(data: bytes) -> None:
    """Read a token's claims, in the form in which API Gateway passes them."""
    try:
        claims = json.loads(data)
    except (ValueError, RecursionError):
        claims = {"scope": text(data)}
    access = read_authorization(
        {"claims": claims if isinstance(claims, dict) else {}}, TokenClaims()
    )
    access.required_ledger()
    access.required_portal()
    access.require("system", "c")


def read_tokens(data: bytes) -> None:
    """Check an Authorization header; no key here can sign one."""
    authorize(text(data), ROUTE, {}, 0.0)


def print_header(data: bytes) -> bytes:
    """Parse and write the header of a sealed record; append the rest unchanged."""
    return parse_header(data).to_bytes() + data[HEADER_BYTES:]


def open_seed(data: bytes) -> tuple[bytes, bytes]:
    """Open a sealed record; only seeds have a commitment."""
    stored = seeds.queued(seeds.ROWS[0], data, seeds.COMMITTED.get(data, bytes(32)))
    return open_sealed(stored, key=seeds.SEAL_KEY, origin=seeds.ORIGIN)


FORMAT = (FormatError,)
VERIFIED = (FormatError, VerificationError)
REJECTED = (RejectedEventError,)
PATHS = (b"tile/0/x001/x234/067", b"tile/63/005.p/255", b"tile/entries/x001/067.p/3")
HEADERS = (b"Bearer a.b.c", b"Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.e30.AAAA", b"")

PARSERS: dict[str, Parser] = {
    "note": Parser(parse_note, FORMAT, seeds.NOTES, lambda note: note.to_bytes()),
    "opened note": Parser(lambda d: open_note(d, [seeds.LOG_KEY]), VERIFIED, seeds.NOTES),
    "checkpoint": Parser(
        lambda d: parse_checkpoint(text(d)),
        FORMAT,
        (seeds.CHECKPOINT.encode(), f"{seeds.CHECKPOINT}extension\n".encode()),
        lambda checkpoint: raw(checkpoint.text),
    ),
    "verifier key": Parser(
        lambda d: parse_verifier_key(text(d)),
        FORMAT,
        tuple(k.text.encode() for k in (seeds.LOG_KEY, seeds.WITNESS_KEY, seeds.MLDSA_KEY)),
        lambda key: raw(key.text),
    ),
    "cosignature": Parser(
        lambda d: verify(seeds.WITNESS_KEY, parse_note(d)), VERIFIED, seeds.NOTES
    ),
    "ML-DSA cosignature": Parser(
        lambda d: verify(seeds.MLDSA_KEY, parse_note(d)), VERIFIED, seeds.NOTES
    ),
    "timestamped signature": Parser(
        lambda d: parse_timestamped_signature(d, MLDSA44_COSIGNATURE),
        FORMAT,
        (pack_timestamped_signature(seeds.NOW, bytes(2420)),),
        lambda parsed: pack_timestamped_signature(*parsed),
    ),
    "tile path": Parser(
        lambda d: parse_tile_path(text(d)), FORMAT, PATHS, lambda tile: raw(tile.path)
    ),
    "tile": Parser(split_hashes, FORMAT, (b"".join(seeds.HASHES),), b"".join),
    "entry bundle": Parser(parse_entry_bundle, FORMAT, (seeds.BUNDLE, b""), pack_entry_bundle),
    "proof": Parser(parse_proof, FORMAT, seeds.PROOFS, lambda proof: proof.to_bytes()),
    "receipt": Parser(
        lambda d: verify_receipt(d, seeds.POLICY), (*VERIFIED, NotFoundError), seeds.PROOFS
    ),
    "policy": Parser(read_policy, FORMAT, (seeds.POLICY.to_bytes(), b"# none\nquorum none\n")),
    "evaluated checkpoint": Parser(seeds.POLICY.evaluate, VERIFIED, seeds.NOTES),
    "public key": Parser(raw_public_key, FORMAT, seeds.PUBLIC_KEYS),
    "entry": Parser(parse_entry, FORMAT, tuple(seeds.ENTRIES), methodcaller("to_bytes")),
    "body": Parser(parse_body, FORMAT, (seeds.BODY,), methodcaller("to_bytes")),
    "archived block": Parser(parse_block, FORMAT, (seeds.BLOCK,), methodcaller("to_bytes")),
    "digest": Parser(
        lambda d: parse_digest(text(d)),
        FORMAT,
        (seeds.DIGEST.encode(), seeds.NEXT_DIGEST.encode()),
        lambda digest: raw(digest.text),
    ),
    "digest name": Parser(
        lambda d: is_digest_name(text(d)), (), (b"digests/2026/11/22/20261122T055900Z-42",)
    ),
    "sealed record's header": Parser(print_header, FORMAT, seeds.SEALED, bytes),
    "sealed record": Parser(
        open_seed,
        VERIFIED,
        seeds.SEALED,
    ),
    "compressed record": Parser(decompress_record, FORMAT, seeds.COMPRESSED),
    "index row": Parser(parse_index_row, FORMAT, seeds.ROWS, IndexRow.to_bytes),
    "queue message": Parser(
        lambda d: parse_queue_message(text(d)),
        FORMAT,
        tuple(map(str.encode, seeds.QUEUED)),
        lambda m: raw(m.to_text()),
    ),
    "dead letter": Parser(parse_dead_letter, FORMAT, seeds.DEAD_LETTERS),
    "record": Parser(parse_record, FORMAT, seeds.RECORDS, Record.to_bytes),
    "AuditEvent": Parser(lambda d: read_events([parse_audit_event(d)]), REJECTED, seeds.FHIR),
    "AuditEvent of R5": Parser(
        lambda d: read_events([parse_audit_event(d, "5.0")]), REJECTED, seeds.FHIR
    ),
    "Bundle": Parser(lambda d: read_events(parse_bundle(d).entries), REJECTED, seeds.BUNDLES),
    "CloudEvent": Parser(
        lambda d: read_events([parse_cloudevent_structured(d)]), REJECTED, seeds.CLOUDEVENTS
    ),
    "CloudEvents": Parser(
        lambda d: read_events(parse_cloudevents_batch(d)), REJECTED, seeds.BATCHES
    ),
    "CloudEvent in headers": Parser(read_binary, REJECTED, seeds.BINARY),
    "claims": Parser(read_claims, (ForbiddenError,), seeds.CLAIMS),
    "Authorization": Parser(read_tokens, (UnauthorizedError,), HEADERS),
    "base64": Parser(
        lambda d: strict_base64.decode(text(d)),
        FORMAT,
        (b"AAECAw==", b"AAEC", b"/+8="),
        lambda data: strict_base64.encode(data).encode(),
    ),
    "time": Parser(
        lambda d: parse_instant(text(d)),
        FORMAT,
        (b"2026-11-22T05:59:00Z", b"2024-02-29T23:59:59Z"),
        lambda seconds: format_instant(seconds).encode(),
    ),
    "media type": Parser(
        lambda d: parse_media_type(text(d)),
        (),
        (b'application/fhir+json; fhirVersion="4.0"; charset=utf-8', b"text/plain"),
    ),
}
