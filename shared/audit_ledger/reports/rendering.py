"""A document as JSON, CSV and a page to print: three forms of the same facts and tables.

JSON: one object. `report` (the kind), `title`, every fact by its key, every table by its key as an
array of flat objects, `notes` and `verify`. Instants as RFC 3339 in the document's zone, days as
`2026-11-22`, what is not recorded as null.

CSV: RFC 4180 (CRLF, quotes doubled), a header row of the column keys and a last column `zone`.
Where something may be missing, a row below the header states it in its first cell, `Warning: …`. A
cell that a spreadsheet might take for a formula starts with an apostrophe, and so that nothing is
lost, a cell that starts with an apostrophe gets another: take one off to have what was written.
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
"""OWASP, CSV injection: what starts a formula, also after white space, and in full width."""

# Some spreadsheets part cells at `;`, and lines where a quotation mark does not begin a cell. What
# may stand before a formula is matched with or without one, so that no character is read twice.
_INSIDE: Final = re.compile(r"([;,\s\"]++)(['=+\-@\0＝＋－＠])?")
_PARTS_CELLS: Final = re.compile(r"[;,\t\r\n]")


def to_json(document: Document) -> bytes:
    """Write a document for machines: UTF-8 JSON, indented by one."""
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
    """Write one table of a document, the first unless named, as UTF-8; FormatError: no such one.

    `warnings`: of what may be missing, which a file without notes would hide.
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
    """Write a cell for people; nothing where it is not recorded."""
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
    """Keep a spreadsheet from taking a text for a formula, also where it parts cells within it."""
    text = _INSIDE.sub(_guard_inside, text)
    starts = text.startswith((*FORMULA_STARTS, "'")) or text.lstrip().startswith(FORMULA_STARTS)
    return f"'{text}" if starts else text


def _guard_inside(found: re.Match[str]) -> str:
    """Put `'` behind all that may part cells, with only white space between it and a formula."""
    before, formula = found[1], found[2]
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
    there = ", ".join(table.key for table in document.tables)
    raise FormatError(f"table: no such table; there are {there}")
