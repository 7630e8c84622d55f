"""Covers contain each entry once, and a digest binds one of them for each key."""

import pytest

from audit_ledger.errors import FormatError
from audit_ledger.runs.cover import (
    CoveredRun,
    cover_hash,
    encode_cover,
    index_hash,
    next_merge,
    parse_cover,
    plan_cover,
)
from audit_ledger.runs.run_id import Coverage, entries_of_level
from tests.runs.rows import ORIGIN


def _merged_up_to(size: int) -> set[Coverage]:
    merged: set[Coverage] = set()
    while (run := next_merge(size, merged)) is not None:
        merged.add(run)
    return merged


def _encoded(size: int, merged: set[Coverage]) -> bytes:
    runs = plan_cover(size, merged)
    return encode_cover([CoveredRun(run, bytes([run.level]) * 32) for run in runs])


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 255, 256, 4095, 4096, 70_001])
def test_a_cover_contains_each_entry_once(size: int) -> None:
    """The entries of its runs, one behind the other, are those from 0 to the size."""
    merged = _merged_up_to(size)
    for finished in (set[Coverage](), {run for run in merged if run.level == 1}, merged):
        covered = [n for run in plan_cover(size, finished) for n in range(run.first, run.end)]
        assert covered == list(range(size))
        assert parse_cover(_encoded(size, finished), size)[-1:] == tuple(
            CoveredRun(run, bytes([run.level]) * 32) for run in plan_cover(size, finished)[-1:]
        )


@pytest.mark.parametrize("size", [4096, 70_001])
def test_a_complete_cover_has_as_few_runs_as_the_size_has_digits(size: int) -> None:
    """Where all merges are done, the runs of a level are a hexadecimal digit of the size."""
    runs = plan_cover(size, _merged_up_to(size))
    digits = [size // entries_of_level(level) % (16 if level < 3 else 10**9) for level in range(4)]
    assert [sum(r.level == level and not r.is_partial for r in runs) for level in range(4)] == (
        digits
    )


def _changed(runs: list[CoveredRun], change: str) -> list[CoveredRun]:
    first, second = runs[0], runs[1]
    return {
        "a gap": runs[1:],
        "a gap within": [first, *runs[2:]],
        "an overlap": [first, first, *runs[1:]],
        "another order": [second, first, *runs[2:]],
        "an older size": runs[:-1],
    }[change]


@pytest.mark.parametrize(
    "change", ["a gap", "a gap within", "an overlap", "another order", "an older size"]
)
def test_another_selection_of_runs_is_no_cover(change: str) -> None:
    """The message states which entry was expected."""
    runs = list(parse_cover(_encoded(300, set()), 300))
    with pytest.raises(FormatError, match=r"cover: (a run begins|ends) at entry \d+, expected \d+"):
        parse_cover(encode_cover(_changed(runs, change)), 300)


@pytest.mark.parametrize(
    ("level", "n", "end"), [(4, 0, 16), (0, 0, 0), (0, 0, 17), (1, 0, 255), (0, 2, 32), (0, 1, 15)]
)
def test_a_run_of_other_entries_is_refused(level: int, n: int, end: int) -> None:
    """Only whole runs, and partial ones of level 0."""
    with pytest.raises(FormatError, match="run: "):
        Coverage(level, n, end)


def test_covers_of_another_key_ledger_or_order_have_another_hash() -> None:
    """So no cover is shown in the place of another."""
    cover = _encoded(300, set())
    hashes = {cover_hash(o, k, cover) for o in (ORIGIN, "x") for k in ("patient", "agent", "time")}
    assert len(hashes) == 6
    one, two, three = (bytes([n]) * 32 for n in range(3))
    assert index_hash({"patient": one, "agent": two, "time": three}) != index_hash(
        {"patient": two, "agent": one, "time": three}
    )
