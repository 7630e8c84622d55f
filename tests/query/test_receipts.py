"""Receipts, digests, consistency and policy over the API, verified without us."""

import itertools
import json
from base64 import b64decode
from hashlib import sha256
from pathlib import Path

from audit_ledger.aws.objects import LedgerObjects
from audit_ledger.ledger.digest import digest_name
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
    """By the policy that the API gives, and by the one made of KMS' keys."""
    event_id = ledger_api.send(read_of("rose"))
    ledger_api.settle()
    answer = ledger_api.get(f"/AuditEvent/{event_id}/receipt").json()
    policy = ledger_api.get("/policy").content
    assert policy == ledger_api.cloud.policy(LEDGER)
    disclosure = RecordDisclosure(
        *(b64decode(answer[name]) for name in ("index_row", "record", "blind"))
    )
    receipt = verify_receipt(
        answer["proof"].encode(), parse_policy(policy), b64decode(answer["entry"]), disclosure
    )
    assert receipt.opinion.satisfied
    assert receipt.is_record_shown
    assert receipt.entry.seq == answer["index"]
    assert ledger_api.sent[event_id] in disclosure.record
    assert "size-after 2" in answer["digest"]
    plain = ledger_api.get(f"/AuditEvent/{event_id}/receipt", accept="text/plain")
    assert plain.headers["content-type"].startswith("text/plain")
    assert verify_receipt(plain.content, parse_policy(policy)).entry == receipt.entry


def test_a_receipt_has_to_wait_for_its_digest(ledger_api: LedgerApi) -> None:
    """202 and when to ask again; 404 for what is not in the ledger at all."""
    ledger_api.send(read_of("martha"))
    ledger_api.settle()
    event_id = ledger_api.send(read_of("rose"))
    assert ledger_api.get(f"/AuditEvent/{event_id}/receipt").status_code == 404
    ledger_api.cloud.drain()
    waiting = ledger_api.get(f"/AuditEvent/{event_id}/receipt")
    assert waiting.status_code == 202
    assert waiting.headers["retry-after"] == "60"
    assert (
        ledger_api.get(f"/AuditEvent/{event_id}/receipt", ledger_api.patient("martha")).status_code
        == 404
    )
    ledger_api.cloud.publish()
    assert ledger_api.get(f"/AuditEvent/{event_id}/receipt").status_code == 200


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


def test_digests_are_given_as_they_are_published(ledger_api: LedgerApi, tmp_path: Path) -> None:
    """Each note byte for byte, chained by name and hash, in order; the newest by itself."""
    for note in "abc":
        ledger_api.send(read_of("rose", note=note))
        ledger_api.settle()
    ledger_api.cloud.mirror(LEDGER, tmp_path)
    digests = ledger_api.get("/digests").json()["digests"]
    assert digests
    for digest in digests:
        assert digest["note"].encode() == (tmp_path / digest["name"]).read_bytes()
    for before, after in itertools.pairwise(digests):
        assert after["previous"] == before["name"]
        assert after["size_before"] == before["size_after"]
        hashed = sha256(before["note"].encode()).digest()
        assert hashed == b64decode(after["note"].split("\nprevious ")[1].split()[1])
    assert ledger_api.get("/digests/latest").json() == digests[-1]
    assert ledger_api.get("/digests?to=2020-01-01T00:00:00Z").json() == {"digests": []}


def test_two_sizes_are_shown_to_be_of_one_history(ledger_api: LedgerApi) -> None:
    """RFC 6962, between any two published sizes."""
    roots = {}
    for note in "abcd":
        ledger_api.send(read_of("rose", note=note))
        ledger_api.settle()
        latest = ledger_api.get("/digests/latest").json()
        roots[latest["size_after"]] = b64decode(latest["root"])
    sizes = sorted(roots)
    for first in sizes:
        for second in sizes:
            if first > second:
                assert ledger_api.get(f"/consistency?from={first}&to={second}").status_code == 400
                continue
            proof = ledger_api.get(f"/consistency?from={first}&to={second}").json()
            hashes = [b64decode(hash_) for hash_ in proof["hashes"]]
            verify_consistency(first, second, hashes, roots[first], roots[second])
    checkpoint = parse_checkpoint(parse_note(proof["checkpoint"].encode()).text)
    assert checkpoint.root == roots[sizes[-1]]


def test_a_wrong_range_is_refused(ledger_api: LedgerApi) -> None:
    """400, with what was expected."""
    ledger_api.send(read_of("rose"))
    ledger_api.settle()
    for path in (
        "/digests?from=yesterday",
        "/digests?from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z",
        "/consistency",
        "/consistency?from=-1",
        "/consistency?from=999999",
        "/consistency?from=01",
    ):
        answer = ledger_api.get(path)
        assert (answer.status_code, answer.json()["resourceType"]) == (400, "OperationOutcome")


def test_before_anything_is_published_there_is_nothing_to_prove(ledger_api: LedgerApi) -> None:
    """404, and an empty list."""
    assert ledger_api.get("/digests/latest").status_code == 404
    assert ledger_api.get("/consistency?from=0").status_code == 404
    assert ledger_api.get("/digests").json() == {"digests": []}
    assert json.loads(ledger_api.get("/AuditEvent/none/receipt").content)["issue"][0]["code"] == (
        "not-found"
    )
