"""A document as a page to print: a single HTML file without script or external content.

All text of events is escaped. A Content-Security-Policy in the page forbids everything but its
own style, as a second line of defence.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from html import escape
from typing import Final

from audit_ledger.reports.document import Cell, Column, Document, Instant, Table
from audit_ledger.reports.rendering import cell_text
from audit_ledger.reports.time_zone import Zone, as_rfc3339, format_to_the_second

_NOT_IN_HTML: Final = re.compile(
    "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_LINE_MAY_END: Final = re.compile(r"[/.:;|@_](?=\w)|[^\s/.:;|@_]{20}(?=\S{4})")
_STYLE: Final = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 15px/1.45 system-ui, sans-serif; color: #1a1a1a; background: #fff;
       max-width: 72rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.6rem; margin: 0 0 1rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
dl { display: grid; grid-template-columns: fit-content(45%) 1fr; gap: .15rem 1.5rem; margin: 0; }
dt { color: #555; }
dd { margin: 0; overflow-wrap: anywhere; white-space: pre-line; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .5rem;
         border-bottom: 1px solid #ccc; }
th { border-bottom: 2px solid #1a1a1a; }
td { overflow-wrap: break-word; min-width: 4.5rem; white-space: pre-line; }
td small { display: block; color: #555; font-size: .85em; }
td.number { text-align: right; min-width: 0; font-variant-numeric: tabular-nums; }
th.number { text-align: right; }
td > time { white-space: nowrap; }
time { font-variant-numeric: tabular-nums; }
footer { margin-top: 2rem; border-top: 1px solid #ccc; font-size: .85rem; color: #333; }
@page { size: A4 landscape; margin: 14mm 12mm 16mm;
        @bottom-right { content: counter(page) " / " counter(pages); font-size: 9pt; } }
@media print {
  body { font-size: 10pt; max-width: none; padding: 0; }
  .scroll { overflow: visible; }
  table { font-size: 8pt; }
  td { min-width: 3rem; }
  thead { display: table-header-group; }
  tr, dt, dd { break-inside: avoid; }
  h2 { break-after: avoid; }
}
"""


def to_html(document: Document) -> bytes:
    """Return a document as a page, in UTF-8."""
    return "\n".join(_lines(document)).encode()


def escape_text(text: str) -> str:
    """Escape text for an element or attribute; characters that HTML excludes become U+FFFD."""
    return escape(_in_html(text), quote=True)


def _lines(document: Document) -> Iterator[str]:
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield f"<title>{escape_text(_title(document))}</title>"
    yield f"<style>{_STYLE}</style>"
    yield "</head>"
    yield "<body>"
    yield "<header>"
    yield f"<h1>{escape_text(document.title)}</h1>"
    yield "<dl>"
    for fact in document.facts:
        yield f"<dt>{escape_text(fact.label)}</dt><dd>{_cell(fact.value, document.zone)}</dd>"
    yield "</dl>"
    yield "</header>"
    yield "<main>"
    for table in document.tables:
        yield from _table(table, document.zone)
    yield "</main>"
    yield "<footer>"
    for note in document.notes:
        yield f"<p>{escape_text(note)}</p>"
    yield "<h2>How to verify</h2>"
    for paragraph in document.verify:
        yield f"<p>{escape_text(paragraph)}</p>"
    yield "</footer>"
    yield "</body>"
    yield "</html>"
    yield ""


def _title(document: Document) -> str:
    about = (cell_text(f.value, document.zone) for f in document.facts if f.key == "about")
    return ": ".join((document.title, *about))


def _table(table: Table, zone: Zone) -> Iterator[str]:
    yield f'<section id="{escape_text(table.key)}">'
    yield f"<h2>{escape_text(table.title)}</h2>"
    if not table.rows:
        yield f"<p>{escape_text(table.empty)}</p>"
        yield "</section>"
        return
    columns = [column for column in table.columns if column.under is None]
    above = {column.under for column in table.columns}
    numbers = {
        column.key
        for column in columns
        if column.key not in above and all(_is_number(row[column.key]) for row in table.rows)
    }
    yield '<div class="scroll"><table>'
    heads = (
        f'<th scope="col"{_class(column.key in numbers)}>{escape_text(column.label)}</th>'
        for column in columns
    )
    yield f"<thead><tr>{''.join(heads)}</tr></thead>"
    yield "<tbody>"
    for row in table.rows:
        cells = (
            f"<td{_class(column.key in numbers)}>{_cell(row[column.key], zone)}"
            f"{''.join(_under(column, table, row, zone))}</td>"
            for column in columns
        )
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table></div>"
    yield "</section>"


def _under(column: Column, table: Table, row: Mapping[str, Cell], zone: Zone) -> Iterator[str]:
    """Yield the lines below a column's cell: recorded values, and the label alone if true."""
    for below in table.columns:
        cell = row[below.key]
        if below.under == column.key and cell is not None and cell is not False:
            value = "" if cell is True else f": {_cell(cell, zone)}"
            yield f"<small>{escape_text(below.label)}{value}</small>"


def _class(number: bool) -> str:
    return ' class="number"' if number else ""


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, int) and not isinstance(cell, bool)


def _cell(cell: Cell, zone: Zone) -> str:
    if isinstance(cell, Instant):
        time, text = as_rfc3339(cell.ms, zone), format_to_the_second(cell.ms, zone)
        return f'<time datetime="{time}">{text}</time>'
    if isinstance(cell, date):
        return f'<time datetime="{cell.isoformat()}">{cell.isoformat()}</time>'
    return _breakable(cell_text(cell, zone))


def _breakable(text: str) -> str:
    """Escape a text, and mark where its lines may break: identifiers have no white space."""
    pieces = _LINE_MAY_END.sub(r"\g<0>\0", _in_html(text)).split("\0")
    return "<wbr>".join(escape(piece, quote=True) for piece in pieces)


def _in_html(text: str) -> str:
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return _NOT_IN_HTML.sub("\ufffd", plain)
