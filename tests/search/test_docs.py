"""docs/search.md states what the code does."""

import re

from audit_ledger.http.request import MAX_FIELDS
from audit_ledger.ledger.index import LATE_MS
from audit_ledger.reading.search import MAX_BLOCKS, MAX_OPENED
from audit_ledger.reading.snapshot import YOUNG_SECONDS
from audit_ledger.search.parameter_docs import OF_THE_ANSWER, PARAMETERS
from audit_ledger.search.parameters import MAX_QUERY_BYTES, MAX_VALUES
from audit_ledger.search.values import _PREFIXES
from functions.query.routes.audit_event_search import MAX_BYTES
from infra.constructs.query import SECONDS
from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "search.md").read_text()


def test_the_table_describes_every_parameter() -> None:
    """In the words of the CapabilityStatement and OpenAPI; a bar is escaped."""
    rows = re.findall(r"^\| `([\w.-]+)` \| (\w*) ?\| (.+) \|$", PAGE, re.MULTILINE)
    expected = [
        *((each.name, each.type, each.looks_at) for each in PARAMETERS),
        *((name, "", words) for name, words in OF_THE_ANSWER.items()),
    ]
    assert rows == [(name, type_, words.replace("|", r"\|")) for name, type_, words in expected]


def test_the_stated_limits_are_those_of_the_code() -> None:
    """Limits of a query, of a page, and of time."""
    assert (
        f"{MAX_QUERY_BYTES:,} bytes decoded, {MAX_FIELDS} parameters, {MAX_VALUES} values" in PAGE
    )
    assert f"| time | {SECONDS} seconds |" in PAGE
    words = " ".join(PAGE.split())
    assert f"contains {MAX_BYTES / 1e6:g} MB of events" in words
    assert f"has opened {MAX_OPENED:,} records or has read {MAX_BLOCKS} blocks" in words
    assert (LATE_MS, YOUNG_SECONDS) == (2 * 60_000, 10)
    assert "more than two minutes late" in words
    assert "The newest ten seconds" in words


def test_the_stated_prefixes_are_those_of_the_code() -> None:
    """All of them, in one sentence."""
    listed = re.search(r"with the prefixes ((?:`\w\w`,?\s*)+)\.", PAGE)
    assert listed is not None
    assert set(re.findall(r"`(\w\w)`", listed[1])) == set(_PREFIXES)
