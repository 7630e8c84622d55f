"""Steps of the publisher's tests: move the clock, append, publish."""

import hashlib
from typing import Any

from audit_ledger.aws.blocks_table import BlocksTable
from audit_ledger.ledger.block import parse_body
from functions.publisher import handler
from functions.sequencer import handler as sequencing
from tests.functions.pipeline import Context, message, sealed_record
from tests.tlog.naive import mth
from tests.world import NAME, ORIGIN, World

CONTEXT: Any = Context()


class Clock:
    """A clock that the test moves, in whole seconds."""

    def __init__(self) -> None:
        self.now = 1_795_400_000

    def time(self) -> float:
        return float(self.now)


def append(*counts: int) -> None:
    """Append so many events in each batch."""
    for count in counts:
        records = [sealed_record() for _ in range(count)]
        assert sequencing.handler({"Records": [message(*records)]}, CONTEXT) == {
            "batchItemFailures": []
        }


def run() -> Any:
    """Run the publisher."""
    return handler.handler({}, CONTEXT)


def all_entries(world: World) -> list[bytes]:
    """Return all committed entries."""
    table = BlocksTable(world.dynamodb, f"{NAME}-blocks", ORIGIN)
    return [i.entry for b in table.since(0) for i in parse_body(b.body).items]


def root_of(world: World, size: int | None = None) -> bytes:
    """Return the root of the first `size` entries, None: of all, by the definition."""
    return mth([hashlib.sha256(b"\0" + e).digest() for e in all_entries(world)[:size]])
