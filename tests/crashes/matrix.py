"""The matrix: every call of a function × every fault, and the outcome of each, by name."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from tests.conftest import REPOSITORY
from tests.crashes.faults import Fault, faults_of
from tests.crashes.forks import in_forks
from tests.crashes.runs import Recovery, Trial, TrialResult

Cell = tuple[int, Fault]
Named = Mapping[str, tuple[str, str]]
"""Outcome of a run, as its trial reports it → its sign in the table, and its name."""


def calls_of(trial: Trial) -> tuple[str, ...]:
    """Return the calls of a run without a fault."""
    ((_, tried),) = in_forks([partial(trial, {}, Recovery.SAME)])
    return tried.calls


def run_in_forks(
    trial: Trial, tries: Sequence[tuple[dict[int, Fault], Recovery]]
) -> list[TrialResult]:
    """Try each set of faults from the same start; return the results in order."""
    found = dict(in_forks(partial(_run_named, trial, *one) for one in tries))
    return [found[number] for number in range(len(tries))]


def _run_named(trial: Trial, faults: dict[int, Fault], recovery: Recovery) -> TrialResult:
    """Run a trial; add its faults to an error."""
    try:
        return trial(faults, recovery)
    except AssertionError as error:
        what = ", ".join(f"call {at} {fault.value}" for at, fault in faults.items())
        error.add_note(f"{what}; {recovery.value}")
        raise


def every_cell(
    trial: Trial, calls: Sequence[str], faults: Iterable[Fault] = Fault
) -> dict[Cell, str]:
    """Try every call × every fault that it can have, each with one of the two recoveries."""
    cells = [
        (at, fault) for at, call in enumerate(calls) for fault in faults if fault in faults_of(call)
    ]
    order = list(Fault)
    recoveries = [list(Recovery)[(at + order.index(fault)) % 2] for at, fault in cells]
    tries = [({at: fault}, r) for (at, fault), r in zip(cells, recoveries, strict=True)]
    tried = run_in_forks(trial, tries)
    for cell, one in zip(cells, tried, strict=True):
        assert one.occurred == {cell[0]}, f"{cell}: the fault did not happen"
    return {cell: one.outcome for cell, one in zip(cells, tried, strict=True)}


def table(title: str, calls: Sequence[str], cells: Mapping[Cell, str], named: Named) -> str:
    """Return the matrix: a line per call, a column per fault; below it the outcomes.

    An outcome without a name is an error.
    """
    unexplained = {cell: outcome for cell, outcome in cells.items() if outcome not in named}
    assert not unexplained, f"unexplained: {unexplained}"
    columns = [fault for fault in Fault if any(f is fault for _, f in cells)]
    width = max(map(len, calls))
    lines = [title, ""]
    for number, fault in enumerate(columns):
        lines.append(f"{'':{width + 6}}{'│ ' * number}{fault.value}")
    for at, call in enumerate(calls):
        signs = [named[cells[at, f]][0] if (at, f) in cells else "·" for f in columns]
        lines.append(f"{at:3}  {call:{width}} {' '.join(signs)}")
    lines.append("")
    times = Counter(cells.values())
    for outcome, (sign, name) in named.items():
        if times[outcome]:
            lines.append(f"  {sign}  {times[outcome]:3} × {name}")
    return "\n".join(lines) + "\n"


def write_matrix(name: str, text: str) -> None:
    """Print a matrix (`pytest -rP` shows it) and store it as `build/crashes/<name>.txt`."""
    print(text)
    folder = REPOSITORY / "build" / "crashes"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.txt").write_text(text)
