"""The query strings of a searchset's links: what was applied, as the parser reads it again.

    patient=Patient/1&date=ge2026-11&own-use=exclude&_sort=-date&_count=50&_cursor=…

Criteria are in the order of the request, without what was ignored; `own-use`, `_sort` and `_count`
are always there, since the server may have chosen them. Percent-encoded as RFC 3986, Section 2.1
has it.
"""

from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote

import msgspec

from audit_ledger.search.criteria import Search

_LEGIBLE: Final = "/:,"  # allowed in a query (RFC 3986, Section 3.4), and frequent there


def self_query(search: Search) -> str:
    """Return the query string of the link self: this page of what was applied."""
    return _spell(_pairs(search))


def next_query(search: Search, cursor: str) -> str:
    """Return the query string of the link next: the same search from `cursor` on.

    Without `_total`: matches are counted once, for the first page.
    """
    return self_query(msgspec.structs.replace(search, cursor=cursor, total=None))


def matching_query(search: Search) -> str:
    """Return the part of the query string that determines the events and their order."""
    return _spell((*_criteria(search), ("_sort", search.sort)))


def _pairs(search: Search) -> Iterator[tuple[str, str]]:
    yield from _criteria(search)
    yield "_sort", search.sort
    yield "_count", str(search.count)
    if search.format is not None:
        yield "_format", search.format
    if search.total is not None:
        yield "_total", search.total
    if search.counts_only:
        yield "_summary", "count"
    if search.elements:
        yield "_elements", ",".join(search.elements)
    if search.cursor is not None:
        yield "_cursor", search.cursor


def _criteria(search: Search) -> Iterator[tuple[str, str]]:
    for criterion in search.criteria:
        modifier = f":{criterion.modifier}" if criterion.modifier else ""
        yield criterion.parameter + modifier, ",".join(map(str, criterion.values))
    yield "own-use", search.own_use


def _spell(pairs: Iterable[tuple[str, str]]) -> str:
    return "&".join(
        f"{quote(name, safe=_LEGIBLE)}={quote(value, safe=_LEGIBLE)}" for name, value in pairs
    )
