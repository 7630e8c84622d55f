"""Runs contain exactly the committed rows, however they were made, and hash as specified."""

from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit_ledger.errors import FormatError
from audit_ledger.records.index_row import IndexRow
from audit_ledger.runs.keyed_run import KeyedRun
from audit_ledger.runs.run_id import KEYS, Coverage, RunId
from audit_ledger.runs.run_row import parse_located_row, parse_row, row_bytes
from audit_ledger.runs.time_run import TimeRun
from tests.runs import specified
from tests.runs.rows import ORIGIN, PSEUDONYMS, index_rows, locator, make_runs, reader

ledgers = st.lists(index_rows(), max_size=70).flatmap(
    lambda rows: st.integers(1, 9).map(lambda times: (rows * times)[:600])
)
periods = st.tuples(st.integers(-5, 25), st.integers(-5, 25))
small = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@small
@given(rows=ledgers, merges=st.integers(0, 3))
def test_roots_are_those_of_the_specification(rows: list[IndexRow | None], merges: int) -> None:
    """Roots of built and merged runs equal a recount from the rows, by the text of the design."""
    runs = make_runs(rows, merges)
    for (key, coverage), root in runs.roots.items():
        place = (coverage.level, coverage.n, coverage.first, coverage.end)
        if key == "time":
            assert root == specified.time_root(rows, ORIGIN, *place)
        else:
            assert root == specified.keyed_root(rows, ORIGIN, key, *place)


@small
@given(rows=ledgers, merges=st.integers(0, 3), period=periods, newest_first=st.booleans())
def test_lookups_find_what_a_filter_finds(
    rows: list[IndexRow | None], merges: int, period: tuple[int, int], newest_first: bool
) -> None:
    """Each person's rows within a period, in order and with their locators, from every run."""
    runs = make_runs(rows, merges)
    first, last = period
    ends = (row_bytes(first, 0), row_bytes(last, 2**64 - 1))
    for key in ("patient", "agent"):
        for run in runs.cover(key):
            coverage = run.coverage
            expected = specified.rows_by_pseudonym(rows, coverage.first, coverage.end, key)
            for person in PSEUDONYMS:
                found = runs.keyed(key, coverage).rows(person, *ends, newest_first=newest_first)
                located = [parse_located_row(row) for row in found]
                assert [(row.time_ms, row.seq) for row in located] == sorted(
                    (place for place in expected.get(person, []) if first <= place[0] <= last),
                    reverse=newest_first,
                )
                assert all(row.locator == locator(row.seq) for row in located)


@small
@given(rows=ledgers, merges=st.integers(0, 3), period=periods, newest_first=st.booleans())
def test_periods_contain_what_a_filter_finds(
    rows: list[IndexRow | None], merges: int, period: tuple[int, int], newest_first: bool
) -> None:
    """All events of a period by own time, in order, from every run of the cover."""
    runs = make_runs(rows, merges)
    first, last = period
    ends = (row_bytes(first, 0), row_bytes(last, 2**64 - 1))
    for run in runs.cover("time"):
        coverage = run.coverage
        found = TimeRun(reader(runs.objects["time", coverage]))
        assert [
            parse_row(row[:16]) for row in found.rows(*ends, newest_first=newest_first)
        ] == sorted(
            (
                (row.time_ms, seq)
                for seq in range(coverage.first, coverage.end)
                if (row := rows[seq]) is not None and first <= row.time_ms <= last
            ),
            reverse=newest_first,
        )


@small
@given(rows=st.lists(index_rows(), min_size=256, max_size=300))
def test_a_merge_makes_the_bytes_that_a_rebuild_makes(rows: list[IndexRow | None]) -> None:
    """A run depends on its rows alone: not on the partial runs that were there before."""
    grown = make_runs(rows, 1)
    again = make_runs(rows[:256], 1)
    for key in KEYS:
        merged = Coverage(1, 0, 256)
        assert grown.objects[key, merged] == again.objects[key, merged]


@small
@given(
    rows=st.lists(index_rows(), min_size=1, max_size=40),
    at=st.floats(0, 1, exclude_max=True),
    bits=st.integers(1, 255),
    cut=st.booleans(),
)
def test_a_damaged_object_is_a_format_error(
    rows: list[IndexRow | None], at: float, bits: int, cut: bool
) -> None:
    """A reader of a cut or altered object returns something or raises FormatError, nothing else."""
    runs = make_runs(rows, 0)
    for (key, coverage), data in runs.objects.items():
        place = int(at * len(data))
        damaged = data[:place] + (b"" if cut else bytes([data[place] ^ bits]) + data[place + 1 :])
        with suppress(FormatError):
            if key == "time":
                list(TimeRun(reader(damaged)).rows(bytes(16), b"\xff" * 16, newest_first=False))
            else:
                run = KeyedRun(RunId(ORIGIN, key, coverage), reader(damaged))
                list(run.buckets())
                for person in PSEUDONYMS:
                    list(run.rows(person, bytes(16), b"\xff" * 16, newest_first=True))
                    run.prove(person)
