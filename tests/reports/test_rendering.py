"""JSON and CSV, parsed with the standard library, contain what was written."""

import csv
import json
import re
from datetime import date
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.errors import FormatError
from audit_ledger.reports.document import Cell, Column, Document, Fact, Instant, Table
from audit_ledger.reports.rendering import guard_formulas, to_csv, to_json
from audit_ledger.reports.time_zone import read_zone
from tests.builders.opened_event import ms

TEXT = st.text()
STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", "'", "＝", "\u00a0", " ", "\0"]
WITHIN = ['"', ",", ";", "cmd|' /C calc'!A0"]
HOSTILE = st.one_of(
    TEXT, st.builds("".join, st.lists(st.sampled_from(STARTS + WITHIN), max_size=12))
)


def document(rows: list[dict[str, Cell]], columns: tuple[str, ...] = ("a", "b")) -> Document:
    """Return a document of one table with rows, and one without."""
    return Document(
        kind="example",
        title="Example",
        zone=read_zone("+01:00"),
        facts=(Fact("about", "About", "x"),),
        tables=(
            Table("rows", "Rows", tuple(Column(c, c.upper()) for c in columns), tuple(rows), "-"),
            Table("none", "None", (Column("c", "C"),), (), "-"),
        ),
        notes=("note",),
        verify=("verify",),
    )


def read_csv(data: bytes) -> list[list[str]]:
    """Return the rows as Python's csv module reads RFC 4180."""
    return list(csv.reader(StringIO(data.decode(), newline=""), strict=True))


def unguarded(cell: str) -> str:
    """Return a cell without the apostrophes, which are documented."""
    return re.sub(r"([;,\t\r\n])'(?=[\s\"]*['=+\-@\0＝＋－＠])", r"\1", cell.removeprefix("'"))


@given(st.lists(st.tuples(HOSTILE, HOSTILE)))
def test_csv_reads_back_and_no_cell_is_a_formula(rows: list[tuple[str, str]]) -> None:
    """Any text; no cell begins with a character that OWASP names, also after white space."""
    header, *cells = read_csv(to_csv(document([{"a": one, "b": other} for one, other in rows])))
    assert header == ["a", "b", "zone"]
    assert [(unguarded(a), unguarded(b)) for a, b, _ in cells] == rows
    assert all(unguarded(zone) == "+01:00" for _, _, zone in cells)
    for cell in (cell for row in cells for cell in row):
        assert not cell.strip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
        assert not cell.startswith(("\t", "\r", "\n", "\0"))
        for inner in re.split(r"[;,\t\r\n]", cell)[1:]:
            assert not inner.strip(' "').startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        (" @x", "' @x"),
        ("'quoted", "''quoted"),
        ("a=b", "a=b"),
        ("done; =1+1", "done;' =1+1"),
        ("a;=1,+2\n@x", "a;'=1,'+2\n'@x"),
        ("a;'b", "a;''b"),
        ("", ""),
    ],
)
def test_guards_only_what_could_be_a_formula(text: str, expected: str) -> None:
    """Examples."""
    assert guard_formulas(text) == expected


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1))
def test_csv_conforms_to_rfc_4180(rows: list[tuple[str, str]]) -> None:
    """Records end with CRLF, quotes are doubled, and cells are quoted only if necessary."""
    plain = "".join(
        ",".join(
            f'"{cell.replace(chr(34), chr(34) * 2)}"' if any(c in cell for c in '",\r\n') else cell
            for cell in (guard_formulas(one), guard_formulas(other), "'+01:00")
        )
        + "\r\n"
        for one, other in rows
    )
    data = to_csv(document([{"a": one, "b": other} for one, other in rows]))
    assert data.decode() == "a,b,zone\r\n" + plain


VALUES: dict[str, tuple[Cell, object, str]] = {
    "nothing": (None, None, ""),
    "yes": (True, True, "yes"),
    "no": (False, False, "no"),
    "number": (7, 7, "7"),
    "day": (date(2026, 11, 22), "2026-11-22", "2026-11-22"),
    "instant": (
        Instant(ms("2026-11-22T05:59:00.123Z")),
        "2026-11-22T06:59:00.123+01:00",
        "2026-11-22 06:59:00.123 +01:00",
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_writes_each_kind_of_cell_as_documented(name: str) -> None:
    """JSON has types, CSV has text."""
    cell, in_json, in_csv = VALUES[name]
    one_row = document([{"a": cell, "b": "x"}])
    assert json.loads(to_json(one_row))["rows"] == [{"a": in_json, "b": "x"}]
    assert read_csv(to_csv(one_row))[1] == [in_csv, "x", "'+01:00"]


@given(st.lists(st.tuples(HOSTILE, HOSTILE)))
def test_json_reads_back(rows: list[tuple[str, str]]) -> None:
    """One flat object per row; facts, notes and instructions beside the tables."""
    values = json.loads(to_json(document([{"a": one, "b": other} for one, other in rows])))
    assert values == {
        "report": "example",
        "title": "Example",
        "about": "x",
        "rows": [{"a": one, "b": other} for one, other in rows],
        "none": [],
        "notes": ["note"],
        "verify": ["verify"],
    }


def test_writes_the_table_with_the_requested_key() -> None:
    """An unknown key is an error that lists the known ones."""
    empty = document([])
    assert to_csv(empty, "none") == b"c,zone\r\n"
    assert to_csv(empty, "none", ["some, not all"]) == b'c,zone\r\n"Warning: some, not all",\r\n'
    with pytest.raises(FormatError, match=r"^table: no such table; there are rows, none$"):
        to_csv(empty, "secret")
