"""Receipts, digests, consistency and policy over the API, verified independently of it."""

import itertools
from base64 import b64decode
from hashlib import sha256
from pathlib import Path

from audit_ledger.aws.objects import LedgerObjects
from audit_ledger.ledger.digest_name import digest_name
from audit_ledger.records.commitment import RecordDisclosure
from audit_ledger.settings.retention import Retention
from audit_ledger.tlog.checkpoint import parse_checkpoint
from audit_ledger.tlog.note import parse_note
from audit_ledger.tlog.policy import parse_policy
from audit_ledger.tlog.rfc6962 import verify_consistency
from audit_ledger.verify.receipts import verify_receipt
from functions.query.routes.digests import digest_names
from tests.builders.audit_event import read_of
from tests.query.ledger_api import LEDGER, LedgerApi
from tests.world import NAME, World

NOW, DAY = 1_795_327_140, 86_400


def test_a_receipt_proves_the_record_that_was_sent(ledger_api: LedgerApi) -> None:
    """By the policy of the API, which contains the keys of KMS."""
    event_id = ledger_api.send(read_of("rose"))
    ledger_api.settle()
    response = ledger_api.json(f"/AuditEvent/{event_id}/receipt")
    policy = ledger_api.get("/policy").content
    assert policy == ledger_api.cloud.policy(LEDGER)
    disclosure = RecordDisclosure(
        *(
            b64decode(response[name])
            for name in ("index_row", "row_blind", "record", "record_blind")
        )
    )
    receipt = verify_receipt(
        response["proof"].encode(), parse_policy(policy), b64decode(response["entry"]), disclosure
    )
    assert receipt.opinion.satisfied
    assert receipt.disclosure == disclosure
    assert receipt.entry.seq == response["index"]
    assert ledger_api.sent[event_id] in disclosure.record
    assert "size-after 2" in response["digest"]
    plain = ledger_api.get(f"/AuditEvent/{event_id}/receipt", accept="text/plain")
    assert plain.headers["content-type"].startswith("text/plain")
    assert verify_receipt(plain.content, parse_policy(policy)).entry == receipt.entry


def test_a_receipt_waits_for_the_next_digest(ledger_api: LedgerApi) -> None:
    """202 with Retry-After to those who may see the event; 404 before it is in the ledger."""
    ledger_api.send(read_of("martha"))
    ledger_api.settle()
    path = f"/AuditEvent/{ledger_api.send(read_of('rose'))}/receipt"
    assert ledger_api.get(path).status_code == 404
    ledger_api.cloud.drain()
    waiting = ledger_api.get(path)
    assert waiting.status_code == 202
    assert waiting.headers["retry-after"] == "60"
    assert ledger_api.get(path, ledger_api.patient("martha")).status_code == 404
    ledger_api.cloud.publish()
    assert ledger_api.get(path).status_code == 200


def test_digests_are_listed_in_order_across_days(world: World) -> None:
    """By end, then by size as a number; one listing, however many days nothing was published."""
    calls: list[str] = []
    world.s3.meta.events.register("before-call.s3", lambda model, **_: calls.append(model.name))
    sizes = {NOW: (9, 10, 100), NOW + 60: (100,), NOW + 300 * DAY: (101,), NOW + 301 * DAY: (102,)}
    names = [digest_name(end, size) for end, of_end in sizes.items() for size in of_end]
    bucket = f"{NAME}-published"
    for name in (*names, "digests/2026/11/notes", "checkpoint"):
        world.s3.put_object(Bucket=bucket, Key=f"{LEDGER}/{name}", Body=b"")
    objects = LedgerObjects(world.s3, bucket, LEDGER, Retention("GOVERNANCE", 1))
    calls.clear()
    assert list(digest_names(objects, NOW, NOW + 300 * DAY)) == names[:5]
    assert calls == ["ListObjectsV2"]
    assert list(digest_names(objects, NOW + 1, NOW + 300 * DAY - 1)) == [names[3]]


def test_digests_are_returned_as_published_with_proofs_between_them(
    ledger_api: LedgerApi, tmp_path: Path
) -> None:
    """Each note byte for byte, chained by name and hash; RFC 6962 proofs between any two sizes."""
    roots = {}
    for note in "abcd":
        ledger_api.send(read_of("rose", note=note))
        ledger_api.settle()
        latest = ledger_api.json("/digests/latest")
        roots[latest["size_after"]] = b64decode(latest["root"])
    ledger_api.cloud.mirror(LEDGER, tmp_path)
    digests = ledger_api.json("/digests")["digests"]
    assert len(digests) >= len(roots)
    for digest in digests:
        assert digest["note"].encode() == (tmp_path / digest["name"]).read_bytes()
    for before, after in itertools.pairwise(digests):
        assert after["previous"] == before["name"]
        assert after["size_before"] == before["size_after"]
        previous_hash = sha256(before["note"].encode()).digest()
        assert previous_hash == b64decode(after["note"].split("\nprevious ")[1].split()[1])
    assert latest == digests[-1]
    assert ledger_api.json("/digests?to=2020-01-01T00:00:00Z") == {"digests": []}
    sizes = sorted(roots)
    for first, second in itertools.combinations_with_replacement(sizes, 2):
        proof = ledger_api.json(f"/consistency?from={first}&to={second}")
        hashes = [b64decode(hash_) for hash_ in proof["hashes"]]
        verify_consistency(first, second, hashes, roots[first], roots[second])
    checkpoint = parse_checkpoint(parse_note(proof["checkpoint"].encode()).text)
    assert checkpoint.root == roots[sizes[-1]]


def test_an_invalid_range_is_refused(ledger_api: LedgerApi) -> None:
    """400 with an OperationOutcome."""
    for note in "ab":
        ledger_api.send(read_of("rose", note=note))
        ledger_api.settle()
    for path in (
        "/digests?from=yesterday",
        "/digests?from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z",
        "/consistency",
        "/consistency?from=-1",
        "/consistency?from=999999",
        "/consistency?from=01",
        "/consistency?from=3&to=2",
    ):
        response = ledger_api.get(path)
        assert (response.status_code, response.json()["resourceType"]) == (400, "OperationOutcome")


def test_nothing_is_found_before_the_first_digest(ledger_api: LedgerApi) -> None:
    """404, and an empty list of digests."""
    for path in ("/digests/latest", "/consistency?from=0", "/AuditEvent/none/receipt"):
        response = ledger_api.get(path)
        assert response.status_code == 404
        assert response.json()["issue"][0]["code"] == "not-found"
    assert ledger_api.json("/digests") == {"digests": []}
