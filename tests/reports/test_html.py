"""Pages, parsed again: they contain what was written, and nothing else."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.reports.accounting import (
    AccountingSettings,
    account_disclosures,
    accounting_document,
)
from audit_ledger.reports.document import Cell, Column, Cover, Document, Fact, Instant, Table
from audit_ledger.reports.html import to_html
from audit_ledger.reports.patient_view import ViewPolicy, patient_view, patient_view_document
from audit_ledger.reports.privacy import privacy_document, privacy_report
from audit_ledger.reports.time_zone import UTC_ZONE
from tests.builders.audit_event import disclosure
from tests.builders.opened_event import ms, opened
from tests.builders.random_day import random_day
from tests.reports.covers import EVER, ORIGIN, cover
from tests.reports.pages import ReadPage

EVENTS = [opened(event, seq) for seq, event in enumerate(random_day(2, 40))]
EVENTS.append(opened(disclosure(), 40))
NASTY = [
    "<script>alert(1)</script>", "</td></tr></table>", "&lt;", "&amp;amp;", '"><img src=x>', "'",
    "<!--", "]]>", "javascript:alert(1)", "</style>", "\x00", "\x1b[31m", "\u202e", "ﷺ", "\r\n",
]  # fmt: skip
HOSTILE = st.one_of(
    st.text(),
    st.builds("".join, st.lists(st.sampled_from(NASTY))),
    st.text(alphabet="abcdef0123456789/.:@_", min_size=30, max_size=90),
)


def accounting(about: Cover) -> Document:
    """Return an accounting of random events."""
    result, _ = account_disclosures(
        EVENTS,
        AccountingSettings(),
        period=about.period,
        requested_ms=about.made_ms,
        made_ms=about.made_ms,
        zone=about.zone,
    )
    return accounting_document(result, about)


def view(about: Cover) -> Document:
    """Return a patient's view of them."""
    result, _ = patient_view(
        EVENTS, ViewPolicy(), period=EVER, made_ms=about.made_ms, zone=about.zone
    )
    return patient_view_document(result, about)


def privacy(about: Cover) -> Document:
    """Return a privacy report of them."""
    return privacy_document(privacy_report(EVENTS, period=EVER, zone=about.zone), about)


REPORTS = pytest.mark.parametrize("report", [accounting, view, privacy])


@REPORTS
def test_page_is_one_file_without_script_or_external_content(
    report: Callable[[Cover], Document],
) -> None:
    """No element or attribute loads, runs or links anything, and a policy forbids it."""
    page = to_html(report(cover()))
    read = ReadPage(page)
    tags = {tag for tag, _ in read.tags}
    assert tags <= {
        "html", "head", "meta", "title", "style", "body", "header", "h1", "dl", "dt", "dd", "main",
        "section", "h2", "p", "div", "table", "thead", "tbody", "tr", "th", "td", "time", "small",
        "footer", "wbr",
    }  # fmt: skip
    attributes = {name for _, own in read.tags for name in own}
    assert attributes <= {
        "lang", "charset", "name", "content", "http-equiv", "id", "class", "scope", "datetime",
    }  # fmt: skip
    text = page.decode()
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'; style-src 'unsafe-inline'" in [
        own.get("content") for tag, own in read.tags if tag == "meta"
    ]


@REPORTS
def test_page_states_its_subject_and_origin(report: Callable[[Cover], Document]) -> None:
    """Language, title, ledger, patient, period, zone, time of creation, number of entries."""
    about = cover("Ada Example, born 1970-01-01", "Europe/Berlin")
    page = ReadPage(to_html(report(about)))
    assert page.tags[0] == ("html", {"lang": "en"})
    assert page.texts["title"] == [f"{page.texts['h1'][0]}: Ada Example, born 1970-01-01"]
    facts = dict(zip(page.texts["dt"], page.texts["dd"], strict=True))
    assert facts["Ledger"] == ORIGIN
    assert facts["From"] == "2026-11-01 01:00:00 +01:00"
    assert facts["To (not included)"] == "2026-12-01 01:00:00 +01:00"
    assert facts["Times are given in"] == "Europe/Berlin"
    assert facts["Made"] == "2027-01-02 04:04:05 +01:00"
    assert facts["Made from entries"] == "41"
    assert "Ada Example, born 1970-01-01" in facts.values()
    assert "How to verify" in page.texts["h2"]
    assert any("ledger receipt verify" in text for text in page.texts["p"])


@REPORTS
def test_page_can_be_printed(report: Callable[[Cover], Document]) -> None:
    """Paper repeats the head of a table, cells have a scope, and rows are not split."""
    page = to_html(report(cover())).decode()
    read = ReadPage(page.encode())
    heads = [own for tag, own in read.tags if tag == "th"]
    assert heads
    assert all(head["scope"] == "col" for head in heads)
    assert page.count("<thead>") == page.count("<table>") == page.count("<tbody>")
    printed = page.partition("@media print")[2]
    assert "thead { display: table-header-group; }" in printed
    assert "break-inside: avoid" in printed
    for key, rows in read.tables.items():
        assert all(len(row) == len(read.heads[key]) for row in rows)


def html_has(text: str) -> str:
    """Return a text with U+FFFD for the characters that the HTML standard excludes."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        "\ufffd"
        if (ord(c) < 32 and c not in "\t\n")
        or 0x7F <= ord(c) <= 0x9F
        or 0xFDD0 <= ord(c) <= 0xFDEF
        or ord(c) in (0xFFFE, 0xFFFF)
        else c
        for c in plain
    )


def page_of(text: str) -> ReadPage:
    """Return a page with a text in every place for text."""
    row: dict[str, Cell] = {"a": text, "b": 1, "c": Instant(ms("2026-11-22T05:59:00Z"))}
    document = Document(
        kind="example",
        title=text,
        zone=UTC_ZONE,
        facts=(Fact("about", text, text),),
        tables=(
            Table("t", text, (Column("a", text), Column("b", "B"), Column("c", "C")), (row,), ""),
            Table("e", "E", (), (), text),
        ),
        notes=(text,),
        verify=(text,),
    )
    return ReadPage(to_html(document))


@given(HOSTILE)
def test_text_cannot_add_markup(text: str) -> None:
    """In title, facts, heads, cells and notes: the same text, and no further tag."""
    read, harmless = page_of(text), page_of("x")
    expected = html_has(text)
    assert read.texts["h1"] == [expected]
    assert read.texts["title"] == [f"{expected}: {expected}"]
    assert (read.texts["dt"], read.texts["dd"]) == ([expected], [expected])
    assert read.heads["t"] == [expected, "B", "C"]
    assert read.tables["t"] == [[expected, "1", "2026-11-22 05:59:00 +00:00"]]
    assert read.texts["p"] == [expected] * 3
    tags = [(tag, own) for tag, own in read.tags if tag != "wbr"]
    assert tags == harmless.tags


def test_long_identifiers_may_be_broken() -> None:
    """After at most 24 characters, so that a table fits on paper."""
    identifier = "0123456789abcdef" * 4
    document = Document("k", "T", UTC_ZONE, (), (
        Table("t", "T", (Column("a", "A"),), ({"a": identifier},), ""),
    ), (), ())  # fmt: skip
    page = to_html(document).decode()
    cell = page.partition("<td>")[2].partition("</td>")[0]
    assert cell.replace("<wbr>", "") == identifier
    assert max(map(len, cell.split("<wbr>"))) <= 24
