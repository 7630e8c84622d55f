"""Milestones: positions that a search has reached without candidates."""

import pytest

from audit_ledger.ledger.block import Body
from audit_ledger.ledger.index import LATE_MS, PositionRange
from audit_ledger.reading import candidates
from audit_ledger.reading.candidates import MILESTONE, by_period
from audit_ledger.reading.snapshot import StoredBlock

HOUR = 3600
START = 1_795_000_000


class EmptyBlocks:
    """A log of empty blocks, one an hour, that counts those that are read."""

    def __init__(self, blocks: int) -> None:
        self.size = blocks
        self.blocks = [
            StoredBlock(number, number + 1, Body((), (), START + number * HOUR))
            for number in range(blocks)
        ]
        self.read = 0

    def first_after(self, time: int) -> int:
        return next((b.first_seq for b in self.blocks if b.time > time), self.size)

    def newest_first(self, seq: int) -> object:
        for block in reversed(self.blocks[:seq]):
            self.read += 1
            yield block

    def oldest_first(self, seq: int) -> object:
        for block in self.blocks[seq:]:
            self.read += 1
            yield block


class EmptyIndex:
    """An index without rows."""

    def late(self, *_: object, **__: object) -> object:
        return iter(())


@pytest.mark.parametrize("newest_first", [True, False])
def test_a_milestone_follows_every_ten_blocks(
    monkeypatch: pytest.MonkeyPatch, *, newest_first: bool
) -> None:
    """Everything before it was searched, except events within two minutes of it."""
    monkeypatch.setattr(candidates, "BLOCKS_PER_MILESTONE", 10)
    monkeypatch.setattr(StoredBlock, "entries", lambda _: iter(()))
    log = EmptyBlocks(100)
    window = PositionRange(START * 1000, (START + 100 * HOUR) * 1000)
    positions = by_period(EmptyIndex(), log, window, [], newest_first=newest_first)  # type: ignore[arg-type]
    first = next(positions)
    assert (first.first_seq, log.read) == (MILESTONE, 10)
    time = START + (90 if newest_first else 9) * HOUR
    assert first.time_ms == time * 1000 + (LATE_MS if newest_first else -LATE_MS)
    rest = list(positions)
    assert log.read == 100
    times = [position.time_ms for position in (first, *rest)]
    assert times == sorted(times, reverse=newest_first)
    assert len(rest) == 9
