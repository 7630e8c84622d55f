"""The matrix: all rows, and their table in docs/threat-model.md.

    python -m tests.attacks

writes the table into the document, and below it what policies refuse.
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from tests.attacks.case import Case, Found
from tests.attacks.cases_entries import ENTRY_ROWS
from tests.attacks.cases_heads import HEAD_ROWS
from tests.attacks.cases_history import HISTORY_ROWS
from tests.attacks.cases_receipts import RECEIPT_ROWS
from tests.attacks.cases_refusals import REFUSAL_ROWS, shown
from tests.attacks.cases_tables import TABLE_ROWS

ROWS: tuple[Case, ...] = (*HISTORY_ROWS, *HEAD_ROWS, *ENTRY_ROWS, *TABLE_ROWS)

DOCUMENT = Path(__file__).parents[2] / "docs" / "threat-model.md"
BEGIN, END = "<!-- matrix: python -m tests.attacks -->\n", "<!-- end of matrix -->\n"
HEADER = (
    "| what | was | `ledger verify`, first contact | … remembering | publisher | monitor |\n"
    "|---|---|---|---|---|---|\n"
)

REFUSALS, END_OF_REFUSALS = "<!-- refusals: python -m tests.attacks -->\n", "<!-- end -->\n"
REFUSALS_HEADER = "| what | to do | may | everybody else is refused by |\n|---|---|---|---|\n"

INCOMPLETE = frozenset(("missing", "unreachable", "not-witnessed", "stale", "in-progress"))


def answer_to(found: tuple[Found, ...]) -> str:
    """Return the verdict of findings (docs/verifying.md): altered fails, missing is incomplete."""
    if not found:
        return "verified"
    return "incomplete" if {code for code, _, _ in found} <= INCOMPLETE else "failed"


def written_matrix() -> str:
    """Return the table of the document: ways with the same outcome share a line."""
    return HEADER + "".join(
        f"| {target} | {'; '.join(ways)} | {' | '.join(outcome)} |\n"
        for target, outcome, ways in _lines()
    )


def written_refusals() -> str:
    """Return the table of what policies refuse."""
    return REFUSALS_HEADER + "".join(
        f"| {row.what} | {row.to_do} | {', '.join(shown(row.may)) or 'nobody'} | {row.by} |\n"
        for row in REFUSAL_ROWS
    )


def _lines() -> Iterator[tuple[str, tuple[str, ...], list[str]]]:
    lines: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for target, rows in groupby(ROWS, lambda row: row.target):
        for row in rows:
            lines.setdefault((target, _outcome(row)), []).append(row.way)
    for (target, outcome), ways in lines.items():
        yield target, outcome, ways
    ways = [row.way for row in RECEIPT_ROWS]
    yield "receipt", ("not believed, by `ledger receipt verify`", "", "", ""), ways


def _outcome(row: Case) -> tuple[str, ...]:
    publisher = "freezes" if row.publisher.startswith("frozen: ") else row.publisher
    remembering = "" if row.remembering is None else answer_to(row.remembering)
    return answer_to(row.finds), remembering, publisher, row.monitor
