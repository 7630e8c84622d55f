"""Kill each function at each of its calls to AWS, before and after it took effect: all is whole."""

import hashlib
import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any, get_args

import pytest

from audit_ledger.aws.blocks import BlocksTable
from audit_ledger.aws.clients import AwsError
from audit_ledger.aws.event_index import EventIndex
from audit_ledger.chain.block import decode_body
from audit_ledger.chain.digest import decode_digest
from audit_ledger.chain.entry import EventEntry, decode_entry
from audit_ledger.chain.head import EMPTY, follow
from audit_ledger.errors import LedgerError
from audit_ledger.tlog.note import parse_note
from functions.ingest import handler as ingest
from functions.publisher import handler as publishing
from functions.sequencer import append
from functions.sequencer import handler as sequencing
from tests.crashes.faults import Faults, When, injected
from tests.functions.pipeline import Context, message, sealed_record
from tests.functions.publishing import Clock
from tests.functions.requests import opened, post
from tests.functions.test_ingest import BODY
from tests.tlog.naive import mth
from tests.world import LEDGER, NAME, ORIGIN, World

CONTEXT: Any = Context()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(publishing, "time", clock)
    monkeypatch.setattr(sequencing, "time", clock)
    return clock


def cold() -> None:
    """The platform starts new containers."""
    for function in (
        sequencing.sequencer,
        publishing.publisher,
        ingest.acceptor,
        ingest.token_claims,
    ):
        function.cache_clear()


def check_chain(world: World) -> list[bytes]:
    """Follow all blocks; give the commitments in order. The index is what the blocks say."""
    head, commitments, indexed = EMPTY, [], set()
    for block in BlocksTable(world.dynamodb, f"{NAME}-blocks", ORIGIN).since(0):
        body, head, _ = follow(block, head)
        for item in body.items:
            entry = decode_entry(item.entry)
            if isinstance(entry, EventEntry):
                commitments.append(entry.commitment)
                indexed.add(f"{ORIGIN}#{json.loads(item.row)['id']}")
    assert indexed == {item["key"]["S"] for item in world.items("events")}
    return commitments


class PublishedCheck:
    """Files are the stored state's, byte for byte; digests form one chain over recounted roots.

    What was checked in an earlier call is not read again: those files are locked.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._leaves: list[bytes] = []
        self._chained = {""}

    def __call__(self) -> None:
        (state,) = [i for i in self._world.items("ledgers") if i["key"]["S"].endswith("#published")]
        assert "frozen" not in state
        assert self._file("checkpoint") == bytes(state["checkpoint"]["B"])
        assert self._file("digests/latest") == bytes(state["digest"]["B"])
        table = BlocksTable(self._world.dynamodb, f"{NAME}-blocks", ORIGIN)
        for block in table.since(len(self._leaves)):
            items = decode_body(block.body).items
            self._leaves += [hashlib.sha256(b"\0" + item.entry).digest() for item in items]
        name = state["digest_name"]["S"]
        size, root = self._file("checkpoint").decode().split("\n")[1:3]
        assert int(size) == len(self._leaves)
        assert b64decode(root) == mth(self._leaves)
        while name not in self._chained:
            self._chained.add(name)
            digest = decode_digest(parse_note(self._file(name)).text)
            assert digest.root == mth(self._leaves[: digest.size_after])
            if digest.previous_name:
                previous = hashlib.sha256(self._file(digest.previous_name)).digest()
                assert previous == digest.previous_sha256
            name = digest.previous_name

    def all_digests_are_chained(self) -> None:
        """No digest beside the chain was ever published."""
        published = {n for n in self._world.published() if n.startswith("digests/2")}
        assert published == self._chained - {""}

    def _file(self, path: str) -> bytes:
        key = {"Bucket": f"{NAME}-published", "Key": f"{LEDGER}/{path}"}
        return bytes(self._world.s3.get_object(**key)["Body"].read())


def every_call(faults: Faults, calls: int) -> list[tuple[int, When]]:
    """Each call of a run that made so many, before and after."""
    return [(at, when) for at in range(calls) for when in get_args(When)]


def attempt(run: Callable[[], Any]) -> Any:
    """Run a function that may die."""
    try:
        return run()
    except (*AwsError, LedgerError):
        return None


def test_a_sequencer_that_dies_at_any_call_loses_and_doubles_nothing(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two blocks a batch; redelivered to the same container, then to a new one."""
    monkeypatch.setattr(append, "MAX_ENTRIES", 4)
    faults = injected(monkeypatch)
    cold()
    sequencing.handler({"Records": [message(sealed_record())]}, CONTEXT)
    batch = [message(*[sealed_record() for _ in range(6)])]
    faults.arm(-1, "before")
    sequencing.handler({"Records": batch}, CONTEXT)
    calls, expected = len(faults.calls), check_chain(world)
    assert calls == 9  # BatchGet, and twice: GetItem, Sign, PutItem, BatchWrite
    for at, when in every_call(faults, calls):
        records = [sealed_record() for _ in range(6)]
        batch = [message(*records)]
        faults.arm(at, when)
        answer = sequencing.handler({"Records": batch}, CONTEXT)
        faults.disarm()
        if at % 2:
            cold()
        if answer["batchItemFailures"]:
            again = sequencing.handler({"Records": batch}, CONTEXT)
            assert again == {"batchItemFailures": []}
        expected += [record.commitment for record in records]
        assert check_chain(world) == expected, f"call {at} failed {when}"


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
def test_a_publisher_that_dies_at_any_call_is_repaired_by_the_next(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch, warm: bool
) -> None:
    """Growth across a tile's edge each time, so that tiles fill and partial ones go."""
    monkeypatch.setattr(EventIndex, "write", lambda *_: None)  # publishing does not look at it
    faults = injected(monkeypatch)
    cold()
    sequencing.handler({"Records": [message(sealed_record())]}, CONTEXT)
    publishing.handler({}, CONTEXT)

    def grow(count: int) -> None:
        records = [sealed_record() for _ in range(count)]
        sequencing.handler({"Records": [message(*records)]}, CONTEXT)
        clock.now += 60

    grow(255)
    if not warm:
        publishing.publisher.cache_clear()
    faults.arm(-1, "before")
    publishing.handler({}, CONTEXT)
    calls = len(faults.calls)
    check_published = PublishedCheck(world)
    check_published()
    assert calls > 10
    died: set[str] = set()
    for at, when in every_call(faults, calls):
        grow(128)
        if not warm:
            publishing.publisher.cache_clear()
        faults.arm(at, when)
        attempt(lambda: publishing.handler({}, CONTEXT))
        if at < len(faults.calls):
            died.add(faults.calls[at])
        faults.disarm()
        if at % 2:
            publishing.publisher.cache_clear()
        clock.now += 60
        publishing.handler({}, CONTEXT)
        check_published()
    check_published.all_digests_are_chained()
    assert {"dynamodb.PutItem", "s3.PutObject", "kms.Sign"} <= died


def test_an_ingest_that_dies_at_any_call_lets_its_portal_try_again(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was answered: with a key, each event is in the ledger once."""
    faults = injected(monkeypatch)
    cold()
    faults.arm(-1, "before")
    ingest.handler(post("/AuditEvent", BODY, idempotency_key="first"), CONTEXT)
    calls = len(faults.calls)
    assert calls > 4
    keys = 1
    for at, when in every_call(faults, calls):
        cold()
        request = post("/AuditEvent", BODY, idempotency_key=f"key-{at}-{when}")
        faults.arm(at, when)
        answer = ingest.handler(request, CONTEXT)
        faults.disarm()
        assert answer is not None
        assert answer["statusCode"] in (201, 503)
        if answer["statusCode"] == 503:
            again = ingest.handler(request, CONTEXT)
            assert again is not None
            assert again["statusCode"] == 201
        keys += 1
    assert sequencing.handler({"Records": world.messages()}, CONTEXT) == {"batchItemFailures": []}
    assert len(opened(world)) == keys
