"""What proves an event without us: receipts, digests, consistency proofs, the policy file."""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from audit_ledger.aws.objects import LedgerObjects
from audit_ledger.errors import NotFoundError, UnreachableError, VerificationError
from audit_ledger.http.negotiation import require_acceptable
from audit_ledger.http.request import Request
from audit_ledger.http.responses import Response, json_response
from audit_ledger.instants import format_instant
from audit_ledger.ledger.digest import digest_name, is_digest_name, parse_digest
from audit_ledger.ledger.publish_checks import CHECKPOINT, LATEST
from audit_ledger.search.errors import RejectedSearchError
from audit_ledger.tlog import strict_base64
from audit_ledger.tlog.checkpoint import parse_checkpoint
from audit_ledger.tlog.note import parse_note
from audit_ledger.tlog.proof import parse_proof
from audit_ledger.tlog.tile_proofs import consistency_proof
from audit_ledger.tlog.tiles import Tile
from audit_ledger.verify.partial_tiles import read_object
from audit_ledger.verify.policy_file import policy_for
from audit_ledger.verify.receipts import make_receipt
from functions.query.access import QueryContext
from functions.query.altered_entries import require_found
from functions.query.event_ids import event_id_of
from functions.query.query_parameters import QueryParameters, instant_of

RETRY_SECONDS = 60  # a digest is published every minute
MAX_DIGESTS = 60  # an answer: an hour of a busy ledger
MAX_DAYS = 366
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


def get_receipt(desk: QueryContext, request: Request) -> Response:
    """GET /AuditEvent/{id}/receipt: the proof, and what its entry commits to.

    202 where the entry is committed and no checkpoint covers it yet.
    """
    question = desk.question(request, "r")
    finder = question.finder()
    event_id = event_id_of(request, finder.log)
    if finder.is_waiting(event_id):
        return _waiting()
    found = finder.one(event_id)
    if found is None:
        raise require_found(question, finder)
    stored, opened = found
    try:
        proof = make_receipt(question.ledger.published, stored.indexed.seq)
    except NotFoundError:  # the checkpoint's file follows the published state by a moment
        return _waiting()
    if parse_proof(proof).extra != stored.entry:
        raise VerificationError(f"entry {stored.indexed.seq}: not the one that is published")
    digest = question.ledger.published.read(LATEST)
    question.record((), shown=[opened.event])
    if require_acceptable(request, "application/json", "text/plain") == "text/plain":
        return _text(proof)
    return json_response(
        200,
        {
            "index": stored.indexed.seq,
            "proof": proof.decode(),
            "digest": None if digest is None else digest.decode(),
            "entry": strict_base64.encode(stored.entry),
            "index_row": strict_base64.encode(stored.indexed.row_bytes),
            "record": strict_base64.encode(opened.record),
            "blind": strict_base64.encode(opened.blind),
        },
    )


def _waiting() -> Response:
    status = {"status": "not covered by a checkpoint yet"}
    return json_response(202, status, Retry_After=str(RETRY_SECONDS))


def get_latest_digest(desk: QueryContext, request: Request) -> Response:
    """GET /digests/latest: the newest digest."""
    ledger = desk.admitted(request)
    note = ledger.published.read(LATEST)
    if note is None:
        raise NotFoundError("nothing is published yet")
    return json_response(200, _digest(note))


def get_digests(desk: QueryContext, request: Request) -> Response:
    """GET /digests?from=&to=: the digests whose period ends within, in order, an hour's worth.

    `next` is the `from` of what follows, absent at the end.
    """
    ledger = desk.admitted(request)
    given = QueryParameters(request, ("from", "to"))
    to = instant_of(given, "to", desk.now())
    first = instant_of(given, "from", to - 3600)
    if not first <= to <= first + MAX_DAYS * 86_400:
        raise RejectedSearchError(
            400, "value", "from", f"an instant at most {MAX_DAYS} days before to"
        )
    digests: list[dict[str, Any]] = []
    more: str | None = None
    for name in digest_names(desk.objects(ledger.id), first, to):
        note = ledger.published.read(name)
        if note is None:
            continue
        digest = _digest(note)
        if len(digests) == MAX_DIGESTS:
            more = digest["to"]
            break
        digests.append(digest)
    return json_response(200, {"digests": digests, **({} if more is None else {"next": more})})


def get_consistency(desk: QueryContext, request: Request) -> Response:
    """GET /consistency?from=&to=: a consistency proof (RFC 6962, Section 2.1.2).

    Without `to` it leads to the published size.
    """
    ledger = desk.admitted(request)
    note = ledger.published.read(CHECKPOINT)
    if note is None:
        raise NotFoundError("nothing is published yet")
    checkpoint = parse_checkpoint(parse_note(note).text)
    given = QueryParameters(request, ("from", "to"))
    sizes = []
    for name, otherwise in (("from", None), ("to", str(checkpoint.size))):
        text = given.get(name)
        text = otherwise if text is None else text
        if text is None or not _SIZE.fullmatch(text) or int(text) > checkpoint.size:
            raise RejectedSearchError(
                400, "value", name, "a number of entries, at most the published"
            )
        sizes.append(int(text))
    if sizes[0] > sizes[1]:
        raise RejectedSearchError(400, "value", "from", "a number of entries, at most that of to")

    def tile(wanted: Tile) -> bytes:
        read = read_object(ledger.published, wanted)
        if not isinstance(read, bytes):
            raise UnreachableError(f"{wanted.path} cannot be read")
        return read

    hashes = consistency_proof(sizes[0], sizes[1], tile)
    return json_response(
        200,
        {
            "from": sizes[0],
            "to": sizes[1],
            "hashes": [strict_base64.encode(each) for each in hashes],
            "checkpoint": note.decode(),
        },
    )


def get_policy(desk: QueryContext, request: Request) -> Response:
    """GET /policy: the policy file (C2SP tlog-policy) of the ledger that the token is for."""
    ledger = desk.admitted(request)
    ed25519, mldsa44 = desk.checkpoint_keys(ledger.id)
    return _text(policy_for(ledger.origin, [ed25519], [mldsa44]).to_bytes())


def _digest(note: bytes) -> dict[str, Any]:
    digest = parse_digest(parse_note(note).text)
    return {
        "name": digest.name,
        "origin": digest.origin,
        "from": format_instant(digest.period_from),
        "to": format_instant(digest.period_to),
        "size_before": digest.size_before,
        "size_after": digest.size_after,
        "root": strict_base64.encode(digest.root),
        "entries": digest.entries,
        "control_entries": digest.control_entries,
        "blocks": digest.blocks,
        "followed": digest.followed,
        "missing_events": digest.missing_events,
        "missing_portals": digest.missing_portals,
        "previous": digest.previous_name or None,
        "note": note.decode(),
    }


def digest_names(objects: LedgerObjects, first: int, to: int) -> Iterator[str]:
    """Return the names of digests that end within [first, to], in order: by end, then by size."""
    before_first, last = (digest_name(moment, 0).removesuffix("-0") for moment in (first, to))
    listed = filter(is_digest_name, objects.names("digests/", before_first))
    for end, same_end in groupby(listed, lambda name: name.rpartition("-")[0]):
        if end > last:
            return
        yield from sorted(same_end, key=lambda name: int(name.rpartition("-")[2]))


def _text(body: bytes) -> Response:
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    return {"statusCode": 200, "headers": headers, "body": body.decode()}
