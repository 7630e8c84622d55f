"""A document as JSON and CSV: forms of the same facts and tables as the page of `html`.

JSON: one object. `report` (the kind), `title`, every fact by its key, every table by its key as an
array of flat objects, `notes` and `verify`. Instants as RFC 3339 in the document's zone, days as
`2026-11-22`, missing values as null.

CSV: RFC 4180 (CRLF, quotes doubled), a header row of the column keys and a last column `zone`. If
something may be missing, a row below the header states it in its first cell, `Warning: …`. A cell
that a spreadsheet might take for a formula starts with an apostrophe, and so does, to be
reversible, a cell that starts with an apostrophe: without the first one, it is the original.
"""

import csv
import re
from collections.abc import Iterable
from datetime import date
from io import StringIO
from typing import Final

import msgspec

from audit_ledger.errors import FormatError
from audit_ledger.reports.document import Cell, Document, Instant, Table
from audit_ledger.reports.time_zone import Zone, as_rfc3339, format_in_zone

FORMULA_STARTS: Final = tuple("=+-@\t\r\n\0＝＋－＠")
"""OWASP, CSV injection: the beginnings of formulas, also after white space, and in full width."""

# Some spreadsheets split cells at `;`, and lines if a quotation mark does not begin a cell. What
# may precede a formula is matched with or without one, so that no character is read twice.
_INSIDE: Final = re.compile(r"([;,\s\"]++)(['=+\-@\0＝＋－＠])?")
_PARTS_CELLS: Final = re.compile(r"[;,\t\r\n]")


def to_json(document: Document) -> bytes:
    """Return a document for machines: UTF-8 JSON, indented by one."""
    values: dict[str, object] = {"report": document.kind, "title": document.title}
    values |= {fact.key: _json_cell(fact.value, document.zone) for fact in document.facts}
    for table in document.tables:
        values[table.key] = [
            {key: _json_cell(cell, document.zone) for key, cell in row.items()}
            for row in table.rows
        ]
    values |= {"notes": document.notes, "verify": document.verify}
    return msgspec.json.format(msgspec.json.encode(values), indent=1)


def to_csv(document: Document, table: str | None = None, warnings: Iterable[str] = ()) -> bytes:
    """Return one table of a document, by default the first, in UTF-8.

    Raise FormatError if there is no such table. `warnings`: what may be missing, because a CSV file
    has no notes.
    """
    chosen = document.tables[0] if table is None else _table(document, table)
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([*(column.key for column in chosen.columns), "zone"])
    blank = [""] * len(chosen.columns)
    writer.writerows([f"Warning: {each}", *blank] for each in warnings)
    for row in chosen.rows:
        cells = (cell_text(row[column.key], document.zone) for column in chosen.columns)
        writer.writerow([*map(guard_formulas, cells), guard_formulas(document.zone.name)])
    return text.getvalue().encode(errors="replace")


def cell_text(cell: Cell, zone: Zone) -> str:
    """Return a cell for people; empty if it is None."""
    match cell:
        case None:
            return ""
        case bool():
            return "yes" if cell else "no"
        case Instant():
            return format_in_zone(cell.ms, zone)
        case date():
            return cell.isoformat()
        case _:
            return str(cell)


def guard_formulas(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula, even if it splits the text."""
    text = _INSIDE.sub(_guard_inside, text)
    starts = text.startswith((*FORMULA_STARTS, "'")) or text.lstrip().startswith(FORMULA_STARTS)
    return f"'{text}" if starts else text


def _guard_inside(match: re.Match[str]) -> str:
    """Insert `'` after each separator of cells that only white space separates from a formula."""
    before, formula = match[1], match[2]
    if formula is None:
        return before
    start = max(before.rfind(";"), before.rfind(","), 0)
    return before[:start] + _PARTS_CELLS.sub(r"\g<0>'", before[start:]) + formula


def _json_cell(cell: Cell, zone: Zone) -> str | int | bool | None:
    if isinstance(cell, Instant):
        return as_rfc3339(cell.ms, zone)
    return cell.isoformat() if isinstance(cell, date) else cell


def _table(document: Document, key: str) -> Table:
    for table in document.tables:
        if table.key == key:
            return table
    keys = ", ".join(table.key for table in document.tables)
    raise FormatError(f"table: no such table; there are {keys}")
