"""The attacked ledger: created once by ingest, sequencer and publisher, and restored for each row.

Published at 300, 520 and 600 entries, a minute apart, and an hour later once more at 600 (the
heartbeat). Two blocks of five entries each are committed since: 600 to 604 and 605 to 609. Its
tiles: tile/0/000 and 001 (full), 002.p/88, tile/1/000.p/2; and, left from earlier checkpoints,
tile/0/002.p/8 and tile/1/000.p/1. Ten minutes after the heartbeat it is attacked.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from audit_ledger.aws import published_source
from audit_ledger.aws.blocks_table import BlocksTable
from audit_ledger.ledger.block import Block
from audit_ledger.tlog.policy import Policy
from audit_ledger.verify.policy_file import policy_for
from functions.ingest import handler as ingest
from functions.publisher import handler as publishing
from functions.publisher.signing import Signer
from functions.sequencer import handler as sequencing
from tests.functions.pipeline import Context
from tests.functions.publishing import Clock
from tests.functions.requests import post
from tests.moto_state import MotoState, published_files
from tests.world import LEDGER, NAME, ORIGIN, World, made_world

CONTEXT: Any = Context()
MINUTE, HOUR = 60, 3600
SIZE, COMMITTED = 600, 610

D300 = "digests/2026/11/23/20261123T021320Z-300"
D520 = "digests/2026/11/23/20261123T021420Z-520"
D600 = "digests/2026/11/23/20261123T021520Z-600"
HEARTBEAT = "digests/2026/11/23/20261123T031520Z-600"
LATEST, CHECKPOINT = "digests/latest", "checkpoint"
B0, B1, B2 = "tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"
T0, T1, T2, UP = "tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"
OLD_B2, OLD_T2 = "tile/entries/002.p/8", "tile/0/002.p/8"


@dataclass(repr=False)
class AttackedLedger:
    """The ledger in its world, and the writes of an attacker.

    `files`: the published files by path. `earlier`: the state after the ledger was published at a
    size, 0: before its first entry; `whole`: the state when a row begins, at the time `now`.
    """

    world: World
    clock: Clock
    policy: Policy
    signer: Signer
    files: dict[str, bytes]
    earlier: dict[int, MotoState]
    whole: MotoState
    now: int = 0

    def restore(self) -> None:
        """Restore the ledger as it was when it was whole, with new containers."""
        self.whole.load()
        self.clock.now = self.now
        memory = publishing.publisher().memory
        memory.head, memory.tile_writer, memory.finished_version = None, None, 0
        sequencing.sequencer.cache_clear()

    def write(self, path: str, data: bytes) -> None:
        """Put a published file."""
        self.world.s3.put_object(Bucket=f"{NAME}-published", Key=f"{LEDGER}/{path}", Body=data)

    def remove(self, *paths: str) -> None:
        """Delete published files."""
        for path in paths:
            self.world.s3.delete_object(Bucket=f"{NAME}-published", Key=f"{LEDGER}/{path}")

    def publish_instead(self, files: dict[str, bytes]) -> None:
        """Make these the published files, and no others."""
        self.remove(*(path for path in self.files if path not in files))
        for path, data in files.items():
            if self.files.get(path) != data:
                self.write(path, data)

    def item(self, table: str, **key: dict[str, str]) -> dict[str, Any]:
        """Read an item."""
        found = self.world.dynamodb.get_item(TableName=f"{NAME}-{table}", Key=key)["Item"]
        assert isinstance(found, dict)
        return found

    def put_item(self, table: str, item: dict[str, Any]) -> None:
        """Put an item, whatever is there."""
        self.world.dynamodb.put_item(TableName=f"{NAME}-{table}", Item=item)

    def delete_item(self, table: str, **key: dict[str, str]) -> None:
        """Delete an item."""
        self.world.dynamodb.delete_item(TableName=f"{NAME}-{table}", Key=key)

    def block(self, first_seq: int) -> Block:
        """Read the block that begins at an entry."""
        table = BlocksTable(self.world.dynamodb, f"{NAME}-blocks", ORIGIN)
        return next(table.since(first_seq))

    def put_block(self, block: Block) -> None:
        """Put a block, whatever is there, as only an administrator can."""
        self.put_item(
            "blocks",
            {
                **block_key(block.first_seq),
                "count": {"N": str(block.count)},
                "head": {"B": block.head},
                "signature": {"B": block.signature},
                "body": {"B": block.body},
            },
        )

    def sequencer_signs(self, message: bytes) -> bytes:
        """Sign with the sequencer's key, as an attacker who may use it."""
        answer = self.world.kms.sign(
            KeyId=f"alias/{NAME}/{LEDGER}/sequencer",
            Message=message,
            MessageType="RAW",
            SigningAlgorithm="ED25519_SHA_512",
        )
        return bytes(answer["Signature"])

    def append(self, *counts: int) -> None:
        """Accept and commit events, so many in each batch."""
        for count in counts:
            answer = ingest.handler(post("/", _bundle(count)), CONTEXT)
            assert answer is not None
            assert answer["statusCode"] == 200
            sequenced = sequencing.handler({"Records": self.world.messages()}, CONTEXT)
            assert sequenced == {"batchItemFailures": []}

    def publish(self) -> None:
        """Run the publisher."""
        publishing.handler({}, CONTEXT)


def block_key(first_seq: int) -> dict[str, dict[str, str]]:
    """Return the key of a block."""
    return {"origin": {"S": ORIGIN}, "first_seq": {"N": str(first_seq)}}


@contextmanager
def made_ledger() -> Iterator[AttackedLedger]:
    """Create the ledger in a world of its own."""
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch, made_world(patch) as world:
        patch.setattr(publishing, "time", clock)
        patch.setattr(sequencing, "time", clock)
        _cold()
        signer = publishing.publisher().signer
        policy = policy_for(ORIGIN, [signer.ed25519_key], [signer.mldsa44_key])
        start = MotoState.save()
        ledger = AttackedLedger(world, clock, policy, signer, {}, {0: start}, start)
        for size, count, seconds in ((300, 299, 0), (520, 220, MINUTE), (600, 80, MINUTE)):
            clock.now += seconds
            ledger.append(count)
            ledger.publish()
            ledger.earlier[size] = MotoState.save()
        clock.now += HOUR
        ledger.publish()
        ledger.append(5, 5)
        clock.now += 10 * MINUTE
        ledger.now = clock.now
        ledger.files = published_files(LEDGER)
        ledger.whole = MotoState.save()
        yield ledger
        _cold()


def _cold() -> None:
    """Start new containers."""
    for function in (
        publishing.publisher,
        sequencing.sequencer,
        ingest.acceptor,
        ingest.environment,
        published_source._client,
    ):
        function.cache_clear()


def _bundle(count: int) -> bytes:
    request = {"method": "POST", "url": "AuditEvent"}
    entries = [{"resource": _event(n), "request": request} for n in range(count)]
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()


def _event(number: int) -> dict[str, Any]:
    return {
        "resourceType": "AuditEvent",
        "type": {"code": "rest"},
        "recorded": "2026-11-23T02:00:00.000Z",
        "agent": [{"who": {"reference": f"Practitioner/{number % 7}"}, "requestor": True}],
        "source": {"observer": {"display": "ehr"}},
        "entity": [{"what": {"reference": f"Patient/{number % 5}"}}],
    }
