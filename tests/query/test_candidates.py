"""Milestones: how far a search is where nothing is found for long."""

import pytest

from audit_ledger.ledger.block import Body
from audit_ledger.ledger.index import LATE_MS, PositionRange
from audit_ledger.reading import candidates
from audit_ledger.reading.candidates import MILESTONE, by_period
from audit_ledger.reading.snapshot import StoredBlock

HOUR = 3600
BEGAN = 1_795_000_000


class Silence:
    """A log of empty blocks, one an hour, that counts how many are read."""

    def __init__(self, blocks: int) -> None:
        self.size = blocks
        self.blocks = [
            StoredBlock(number, number + 1, Body((), (), BEGAN + number * HOUR))
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


class Nowhere:
    """No index has anything."""

    def late(self, *_: object, **__: object) -> object:
        return iter(())


@pytest.mark.parametrize("newest_first", [True, False])
def test_a_milestone_comes_after_so_many_blocks(
    monkeypatch: pytest.MonkeyPatch, *, newest_first: bool
) -> None:
    """What is behind it has been looked through, but for events up to two minutes beside it."""
    monkeypatch.setattr(candidates, "BLOCKS_PER_MILESTONE", 10)
    monkeypatch.setattr(StoredBlock, "entries", lambda _: iter(()))
    log = Silence(100)
    window = PositionRange(BEGAN * 1000, (BEGAN + 100 * HOUR) * 1000)
    places = by_period(Nowhere(), log, window, [], newest_first=newest_first)  # type: ignore[arg-type]
    first = next(places)
    assert (first.first_seq, log.read) == (MILESTONE, 10)
    at = BEGAN + (90 if newest_first else 9) * HOUR
    assert first.time_ms == at * 1000 + (LATE_MS if newest_first else -LATE_MS)
    rest = list(places)
    assert log.read == 100
    times = [place.time_ms for place in (first, *rest)]
    assert times == sorted(times, reverse=newest_first)
    assert len(rest) == 9
