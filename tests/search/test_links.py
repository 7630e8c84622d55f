"""The links of a searchset contain what was applied, and are parsed to the same search."""

from urllib.parse import parse_qsl

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.search.errors import RejectedSearchError
from audit_ledger.search.links import matching_query, next_query, self_query
from audit_ledger.search.parameters import parse_search

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


def escaped(text: str) -> str:
    """Return a text with FHIR's escapes."""
    return "".join(f"\\{c}" if c in "\\,|$" else c for c in text)


TOKENS = st.builds(
    lambda form, system, code: form.format(system=escaped(system), code=escaped(code)),
    st.sampled_from(["{code}", "|{code}", "{system}|{code}", "{system}|"]),
    TEXTS.map(lambda text: text.replace("{", "(").replace("}", ")")),
    TEXTS.map(lambda text: text.replace("{", "(").replace("}", ")")),
)
PAIRS = st.one_of(
    st.tuples(
        st.sampled_from(["type", "agent.identifier", "purpose", "entity-role", "site"]),
        st.lists(TOKENS, min_size=1, max_size=3).map(",".join),
    ),
    st.tuples(st.sampled_from(["address", "address:exact"]), TEXTS.map(escaped)),
    st.tuples(
        st.just("_lastUpdated"),
        st.sampled_from(["ge2026", "eq2026-11,lt2025", "2026-11-22T05:59 01:00"]),
    ),
    st.tuples(
        st.sampled_from(["patient", "agent"]),
        st.sampled_from(["1", r"Patient/a\$b", "https://a.example/Patient/1", "urn:uuid:A"]),
    ),
)
ANSWER = st.fixed_dictionaries(
    {},
    optional={
        "_count": st.sampled_from(["1", "500"]),
        "_sort": st.sampled_from(["date", "-date"]),
        "own-use": st.sampled_from(["include", "exclude", "only"]),
        "_format": st.just("application/fhir+json"),
        "_cursor": TEXTS,
        "_total": st.sampled_from(["none", "estimate", "accurate"]),
        "_summary": st.sampled_from(["count", "false"]),
        "_elements": st.sampled_from(["type", "agent,entity,id"]),
    },
)


@given(st.lists(PAIRS, max_size=4), ANSWER)
def test_the_self_link_round_trips(pairs: list[tuple[str, str]], answer: dict[str, str]) -> None:
    """The link is parsed to the same search, whose link is the same."""
    search = parse_search([*pairs, ("date", "gt2020"), *answer.items()], is_strict=True)
    query = self_query(search)
    again = parse_search(
        parse_qsl(query, keep_blank_values=True, strict_parsing=True), is_strict=True
    )
    assert again == search
    assert self_query(again) == query
    assert query.isascii()
    assert not set(query) & set(' "<>\\^`{|}+#')


HOSTILE = st.text(
    st.sampled_from("aP1/:?#|,\\$ .-TZ+2026\u00e9\u0663\n\x00") | st.characters(), max_size=20
)
NAMES = [
    "date", "_lastUpdated", "_id", "patient", "patient.identifier", "agent", "address",
    "address:contains", "type", "_count", "_sort", "_format", "_cursor", "_other",
]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(NAMES), HOSTILE), max_size=2), st.booleans())
def test_any_query_is_refused_or_round_trips(pairs: list[tuple[str, str]], is_strict: bool) -> None:
    """No other error than RejectedSearchError is raised; what is accepted has a link."""
    try:
        search = parse_search([*pairs, ("date", "2026")], is_strict=is_strict)
    except RejectedSearchError:
        return
    again = parse_search(
        parse_qsl(self_query(search), keep_blank_values=True, strict_parsing=True), is_strict=True
    )
    assert again == msgspec.structs.replace(search, ignored=())


def test_the_self_link_omits_ignored_parameters() -> None:
    """It contains what was applied, and what the server chose."""
    pairs = [("foo", "1"), ("date", "eq2026-11"), ("_count", "500"), ("_summary", "text")]
    search = parse_search(pairs, is_strict=False)
    assert self_query(search) == "date=2026-11&own-use=exclude&_sort=-date&_count=100"
    total = parse_search([("date", "2026"), ("_total", "accurate")], is_strict=True)
    assert "_total=accurate" in self_query(total)
    assert "_total" not in next_query(total, "c")  # it is counted once


def test_values_are_percent_encoded() -> None:
    """Escapes, bars, plus signs, and letters beyond ASCII, as in RFC 3986."""
    pairs = [
        ("agent.identifier", r"urn:s|9\,5,x+y&z=1$"),
        ("address:contains", "K\u00f6ln #1"),
        ("date", "ge2026-11-22T05:59:00+01:00"),
        ("_cursor", "a-b_"),
    ]
    assert self_query(parse_search(pairs, is_strict=True)) == (
        "agent.identifier=urn:s%7C9%5C,5,x%2By%26z%3D1%5C%24&address:contains=K%C3%B6ln%20%231"
        "&date=ge2026-11-22T05:59:00%2B01:00&own-use=exclude&_sort=-date&_count=50&_cursor=a-b_"
    )


def test_the_next_link_is_the_same_search_with_a_cursor() -> None:
    """It replaces the cursor of this page."""
    first = parse_search([("date", "2026")], is_strict=True)
    query = next_query(first, "C1")
    assert query == self_query(first) + "&_cursor=C1"
    second = parse_search(parse_qsl(query), is_strict=True)
    assert second.cursor == "C1"
    assert next_query(second, "C2") == query.replace("C1", "C2")


@pytest.mark.parametrize("pair", [("_count", "3"), ("_format", "json"), ("_cursor", "x")])
def test_count_format_and_cursor_are_no_part_of_the_matching_query(pair: tuple[str, str]) -> None:
    """Criteria and order are."""
    plain = parse_search([("date", "2026")], is_strict=True)
    assert matching_query(parse_search([("date", "2026"), pair], is_strict=True)) == (
        matching_query(plain)
    )
    for other in ([("date", "2025")], [("date", "2026"), ("_sort", "date")]):
        assert matching_query(parse_search(other, is_strict=True)) != matching_query(plain)
