"""Parsing of a query string; refusals name the parameter and what is expected, never a value."""

import pytest

from audit_ledger.events.strict_json import JsonObject
from audit_ledger.search.criteria import DateCondition, NamedResource, Search, Text, Token
from audit_ledger.search.errors import RejectedSearchError
from audit_ledger.search.parameters import parse_search

DATE = ("date", "2026-11-22")

BASE = "https://a.example/fhir"


def parse(*pairs: tuple[str, str], is_strict: bool = True) -> Search:
    """Parse a search that is bounded by a date."""
    return parse_search([*pairs, DATE], is_strict=is_strict)


def only_value(name: str, text: str) -> object:
    """Return the parsed value of a parameter."""
    criterion = parse((name, text)).criteria[0]
    assert criterion.parameter == name
    (value,) = criterion.values
    return value


DAY = 86_400_000
NOVEMBER_22 = 1_795_305_600_000  # 2026-11-22T00:00:00Z, by `date -d 2026-11-22T00:00Z +%s`
START, END = -62_135_596_800_000, 253_402_300_800_000


@pytest.mark.parametrize(
    ("text", "from_ms", "to_ms"),
    [
        ("2026", NOVEMBER_22 - 325 * DAY, NOVEMBER_22 + 40 * DAY),
        ("2026-11", NOVEMBER_22 - 21 * DAY, NOVEMBER_22 + 9 * DAY),
        ("2026-12", NOVEMBER_22 + 9 * DAY, NOVEMBER_22 + 40 * DAY),
        ("2024-02", NOVEMBER_22 - 1025 * DAY, NOVEMBER_22 - 996 * DAY),
        ("2026-11-22", NOVEMBER_22, NOVEMBER_22 + DAY),
        ("2026-11-22T05:59", NOVEMBER_22 + 21_540_000, NOVEMBER_22 + 21_600_000),
        ("2026-11-22T05:59Z", NOVEMBER_22 + 21_540_000, NOVEMBER_22 + 21_600_000),
        ("2026-11-22T05:59:01Z", NOVEMBER_22 + 21_541_000, NOVEMBER_22 + 21_542_000),
        ("2026-11-22T05:59:01.2Z", NOVEMBER_22 + 21_541_200, NOVEMBER_22 + 21_541_300),
        ("2026-11-22T05:59:01.25Z", NOVEMBER_22 + 21_541_250, NOVEMBER_22 + 21_541_260),
        ("2026-11-22T05:59:01.2509999Z", NOVEMBER_22 + 21_541_250, NOVEMBER_22 + 21_541_251),
        ("2026-11-22T06:59+01:00", NOVEMBER_22 + 21_540_000, NOVEMBER_22 + 21_600_000),
        ("2026-11-22T06:59 01:00", NOVEMBER_22 + 21_540_000, NOVEMBER_22 + 21_600_000),
        ("2026-11-22T04:29-01:30", NOVEMBER_22 + 21_540_000, NOVEMBER_22 + 21_600_000),
        ("eq2026-11-22", NOVEMBER_22, NOVEMBER_22 + DAY),
        ("ge2026-11-22", NOVEMBER_22, END),
        ("gt2026-11-22", NOVEMBER_22 + DAY, END),
        ("sa2026-11-22", NOVEMBER_22 + DAY, END),
        ("le2026-11-22", START, NOVEMBER_22 + DAY),
        ("lt2026-11-22", START, NOVEMBER_22),
        ("eb2026-11-22", START, NOVEMBER_22),
        ("0001", START, START + 365 * DAY),
        ("9999-12", END - 31 * DAY, END),
        ("9999", END - 365 * DAY, END),
    ],
)
def test_a_date_is_an_interval(text: str, from_ms: int, to_ms: int) -> None:
    """As long as its precision; in UTC without a zone; cut to milliseconds."""
    for name in ("date", "_lastUpdated"):
        value = only_value(name, text)
        assert isinstance(value, DateCondition)
        assert (value.from_ms, value.to_ms) == (from_ms, to_ms)


@pytest.mark.parametrize(
    ("text", "system", "code"),
    [
        ("95", None, "95"),
        ("|95", "", "95"),
        ("urn:a|95", "urn:a", "95"),
        ("urn:a|", "urn:a", None),
        (r"urn:a\|b|9\,5\$\\", "urn:a|b", "9,5$\\"),
        ("id^^^&1.2.3&ISO", None, "id^^^&1.2.3&ISO"),
        ("a$b", None, "a$b"),
    ],
)
def test_a_token_has_four_forms(text: str, system: str | None, code: str | None) -> None:
    """And FHIR's escapes."""
    value = only_value("entity.identifier", text)
    assert isinstance(value, Token)
    assert (value.system, value.code) == (system, code)


@pytest.mark.parametrize(
    ("name", "text", "reference", "has_type"),
    [
        ("patient", "1", "Patient/1", True),
        ("patient", "Patient/1", "Patient/1", True),
        ("patient", "Patient/1/_history/2", "Patient/1", True),
        ("patient", "https://A.example:443/fhir/Patient/1/_history/2", f"{BASE}/Patient/1", True),
        ("patient", "https://a.example/fhir/Patient/1/", f"{BASE}/Patient/1", True),
        ("patient", "urn:uuid:ABC", "urn:uuid:abc", True),
        ("agent", "1", "1", False),
        ("agent", "Device/1", "Device/1", True),
        ("agent", "http://a.example/Practitioner/1", "Practitioner/1", True),
        ("agent", "https://a.example/users/7", "https://a.example/users/7", True),
        ("agent", r"Device/1\,2", "Device/1,2", True),
    ],
)
def test_a_reference_has_one_form(name: str, text: str, reference: str, has_type: bool) -> None:
    """Without version; an id alone is a Patient, or an agent of any type.

    A patient keeps the server: the same id is somebody else there.
    """
    assert only_value(name, text) == NamedResource(reference, has_type)


def test_a_string_has_a_text_and_a_modifier() -> None:
    """`address`, `:exact`, `:contains`."""
    for modifier in ("", "exact", "contains"):
        name = f"address:{modifier}" if modifier else "address"
        criterion = parse((name, r"a\,b|c")).criteria[0]
        assert (criterion.parameter, criterion.modifier) == ("address", modifier)
        assert criterion.values == (Text("a,b|c"),)


def test_a_comma_is_or_and_repetition_is_and() -> None:
    """Two criteria, the first of two values."""
    first, second = parse(("action", "C,R"), ("action", "U")).criteria[:2]
    assert [str(value) for value in first.values] == ["C", "R"]
    assert [str(value) for value in second.values] == ["U"]


def test_parameters_of_the_response_have_defaults() -> None:
    """Count (at most 100), order, format and cursor."""
    search = parse()
    assert (search.count, search.sort, search.format, search.cursor) == (50, "-date", None, None)
    search = parse(("_count", "7"), ("_sort", "date"), ("_format", "json"), ("_cursor", "abc"))
    assert (search.count, search.sort, search.format, search.cursor) == (7, "date", "json", "abc")
    for text in ("100", "101", "1000000000000", "0100"):
        assert parse(("_count", text)).count == 100
    for text in ("application/fhir+json", "application/fhir json", "application/json"):
        assert parse(("_format", text)).format == "json"


INVALID: dict[tuple[str, int, str], list[str]] = {
    ("date", 400, "value"): [
        "", "2026,", "2026-13", "2026-1", "2026-02-30", "0000", "2026-11-22T05",
        "2026-11-22T24:00Z", "2026-11-22T05:59:61Z", "2026-11-22T05:59:00.Z", "2026-11-22t05:59z",
        "2026-11-22T05:59+1:00", "2026-11-22Z", " 2026", "\u0662\u0660\u0662\u0666",
        "9999-12-31T23:59-01:00", "ge",
    ],
    ("date", 400, "not-supported"): ["ne2026", "ap2026", "xx2026"],
    ("_lastUpdated", 400, "value"): ["yesterday"],
    ("_id", 400, "value"): ["a|b", "a/b", "a" * 65],
    ("action", 400, "value"): ["", "C,,R"],
    ("type", 400, "value"): ["|", "a|b|c", "a\\b", "a\\"],
    ("patient", 400, "value"): [
        "Practitioner/1", "#p1", "Patient/", "Patient?identifier=1", "https://a.example/users/1",
        "a b",
    ],
    ("agent", 400, "value"): ["#p1", "practitioner/1", "Practitioner?identifier=1", "a b"],
    ("_total", 400, "value"): ["some"],
    ("_elements", 400, "value"): ["type,jane"],
    ("own-use", 400, "value"): ["yes"],
    ("_count", 400, "value"): ["-1", "1.5", "\u0661", ""],
    ("_sort", 400, "not-supported"): ["action", ""],
    ("_format", 406, "not-supported"): ["xml", "application/fhir+xml"],
    ("_cursor", 400, "value"): [""],
}  # fmt: skip
"""Invalid values by parameter, status and code of the refusal."""


@pytest.mark.parametrize(
    ("name", "status", "code", "text"),
    [(*refusal, text) for refusal, texts in INVALID.items() for text in texts],
)
def test_an_invalid_value_is_refused(name: str, status: int, code: str, text: str) -> None:
    """In strict and lenient handling, by the name of the parameter."""
    for is_strict in (True, False):
        with pytest.raises(RejectedSearchError) as refused:
            parse((name, text), is_strict=is_strict)
        assert (refused.value.status, refused.value.code) == (status, code)
        assert refused.value.parameter == name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("date", "jane"), ("date", "2026-jane"), ("date", "zz2026-11-22T05:59"),
        ("_lastUpdated", "jane"), ("_id", "jane|doe"), ("patient", "Practitioner/jane"),
        ("patient", "jane doe"), ("agent", "jane doe"), ("agent", "#jane"), ("type", "jane|a|b"),
        ("address", "jane\\doe"), ("action", "jane,,"), ("_count", "jane"), ("_sort", "jane"),
        ("_format", "jane"), ("address:jane", "jane"), ("patient:jane", "jane"),
    ],
)  # fmt: skip
def test_no_refusal_repeats_a_value(name: str, text: str) -> None:
    """Neither message, OperationOutcome, cause nor context."""
    with pytest.raises(RejectedSearchError) as refused:
        parse((name, text))
    texts = f"{refused.value!r} {refused.value} {refused.value.operation_outcome()}"
    texts += repr(refused.value.__cause__) + repr(refused.value.__context__)
    assert "jane" not in texts
    assert "zz" not in texts


@pytest.mark.parametrize(
    "name",
    [
        "date:missing", "patient:Practitioner", "type:identifier", "address:not", "type:in",
        "_id:exact", "_id:missing", "_lastUpdated:not", "address:", "_count:exact", "patient:",
        "type:exact", "agent:practitioner", "agent:Practitioner.identifier", "policy:below",
    ],
)  # fmt: skip
def test_a_modifier_that_is_not_supported_is_refused(name: str) -> None:
    """In lenient handling too: without it, the search has another meaning."""
    for is_strict in (True, False):
        with pytest.raises(RejectedSearchError) as refused:
            parse((name, "1"), is_strict=is_strict)
        assert (refused.value.status, refused.value.code) == (400, "not-supported")
        assert refused.value.parameter == name.partition(":")[0]


@pytest.mark.parametrize(
    "name", ["foo", "_include", "Date", "encounter", "patient.name", "foo:bar"]
)
def test_an_unknown_parameter_is_an_error_only_in_strict_handling(name: str) -> None:
    """Lenient handling leaves it out, and names it."""
    with pytest.raises(RejectedSearchError) as refused:
        parse((name, "private"))
    assert (refused.value.status, refused.value.code) == (400, "not-supported")
    assert refused.value.parameter == name
    assert "private" not in str(refused.value)
    lenient = parse((name, "private"), (name, "again"), is_strict=False)
    assert lenient.ignored == (name,)
    assert lenient.criteria == parse().criteria


@pytest.mark.parametrize("text", ["true", "text", "data", "jane"])
def test_a_summary_other_than_a_count_is_not_supported(text: str) -> None:
    """In lenient handling it is left out, and named."""
    with pytest.raises(RejectedSearchError):
        parse(("_summary", text))
    lenient = parse(("_summary", text), is_strict=False)
    assert lenient.ignored == ("_summary",)
    assert not lenient.counts_only
    assert not parse(("_summary", "false")).counts_only


@pytest.mark.parametrize("pair", [("_summary", "count"), ("_count", "0"), ("_count", "00")])
def test_the_number_of_matches_is_requested_in_two_ways(pair: tuple[str, str]) -> None:
    """FHIR defines them as the same."""
    assert parse(pair).counts_only
    assert not parse(("_count", "1")).counts_only


@pytest.mark.parametrize(
    ("pair", "same"),
    [
        (("patient:Patient.identifier", "urn:s|1"), ("patient.identifier", "urn:s|1")),
        (("patient:identifier", "urn:s|1"), ("patient.identifier", "urn:s|1")),
        (("patient:Patient", "1,2"), ("patient", "Patient/1,Patient/2")),
        (("agent:Practitioner", "1"), ("agent", "Practitioner/1")),
        (("entity:identifier", "1"), ("entity.identifier", "1")),
        (("source:Device", "1"), ("source", "Device/1")),
    ],
)
def test_references_have_several_spellings(pair: tuple[str, str], same: tuple[str, str]) -> None:
    """Each is parsed to the same search."""
    assert parse(pair) == parse(same)
    with pytest.raises(RejectedSearchError):
        parse(("agent:Practitioner", "Practitioner/1"))


@pytest.mark.parametrize("pair", [("patient:missing", "false"), ("agent:missing", "true")])
def test_missing_and_not_bound_no_search(pair: tuple[str, str]) -> None:
    """Every record would have to be opened."""
    with pytest.raises(RejectedSearchError) as refused:
        parse_search([pair], is_strict=True)
    assert refused.value.parameter == "date"
    with pytest.raises(RejectedSearchError):
        parse_search([("agent.identifier:not", "urn:s|1")], is_strict=True)
    with pytest.raises(RejectedSearchError):
        parse((pair[0], "maybe"))


def test_a_malformed_name_of_a_parameter_is_not_repeated() -> None:
    """It may be a person's: `?Jane Doe`."""
    assert parse(("Jane Doe", ""), is_strict=False).ignored == ("(no name of a parameter)",)
    with pytest.raises(RejectedSearchError) as refused:
        parse(("Jane Doe", ""))
    assert "Jane" not in str(refused.value)


@pytest.mark.parametrize("name", ["_count", "_sort", "_format", "_cursor"])
def test_a_parameter_of_the_response_may_not_be_repeated(name: str) -> None:
    """Two counts would contradict each other."""
    text = {"_count": "1", "_sort": "date", "_format": "json", "_cursor": "a"}[name]
    with pytest.raises(RejectedSearchError) as refused:
        parse((name, text), (name, text))
    assert (refused.value.code, refused.value.parameter) == ("invalid", name)


def test_a_search_has_at_most_100_values() -> None:
    """In one parameter or in many."""
    ninety_nine = ("action", ",".join("C" * 99))
    assert len(parse(ninety_nine).criteria) == 2
    for more in ([ninety_nine, ("action", "C")], [("action", "C")] * 100):
        with pytest.raises(RejectedSearchError) as refused:
            parse(*more)
        assert (refused.value.status, refused.value.code) == (400, "too-costly")


def test_a_query_string_has_at_most_4_kb() -> None:
    """Of `name=value&`, decoded, including what is ignored."""
    fits = 4096 - len("date=2026-11-22&") - len("x=&")
    assert parse(("x", "a" * fits), is_strict=False).ignored == ("x",)
    for text in ("a" * (fits + 1), "\u00e9" * (fits // 2 + 1)):
        with pytest.raises(RejectedSearchError) as refused:
            parse(("x", text), is_strict=False)
        assert (refused.value.status, refused.value.code) == (414, "too-long")


def test_a_lone_surrogate_is_refused() -> None:
    """It has no form in UTF-8."""
    with pytest.raises(RejectedSearchError) as refused:
        parse(("address", "\ud800"))
    assert refused.value.status == 400


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [("action", "C")],
        [("_lastUpdated", "ge2026")],
        [("agent", "1")],
        [("agent", "Device/1")],
        [("agent", "Practitioner/1,1")],
        [("agent.identifier", "95")],
        [("agent.identifier", "|95")],
        [("patient.identifier", "7")],
        [("patient.identifier", "urn:mrn|")],
        [("patient.identifier", "urn:mrn|7,8")],
        [("entity.identifier", "urn:mrn|7")],
    ],
)
def test_an_unbounded_search_is_refused(pairs: list[tuple[str, str]]) -> None:
    """A criterion that cannot be looked up needs a date beside it."""
    with pytest.raises(RejectedSearchError) as refused:
        parse_search(pairs, is_strict=False)
    assert (refused.value.status, refused.value.code) == (400, "required")
    assert refused.value.parameter == "date"
    assert parse_search([*pairs, DATE], is_strict=True).criteria


@pytest.mark.parametrize(
    "pair",
    [
        ("date", "lt2026"),
        ("_id", "abc"),
        ("patient", "1"),
        ("patient.identifier", "urn:mrn|7"),
        ("agent", "Practitioner/1"),
        ("agent.identifier", "urn:staff|95"),
    ],
)
def test_one_bound_is_enough(pair: tuple[str, str]) -> None:
    """A date, an id, a patient, an agent."""
    assert len(parse_search([pair], is_strict=True).criteria) == 1


def test_no_repr_shows_the_values_of_a_search() -> None:
    """It may be logged by mistake."""
    search = parse(
        ("patient", "jane"),
        ("agent.identifier", "urn:s|jane"),
        ("address", "jane"),
        ("agent", "jane"),
    )
    assert "jane" not in repr(search)


def test_the_operation_outcome_of_a_refusal_names_the_parameter() -> None:
    """The whole resource."""
    with pytest.raises(RejectedSearchError) as refused:
        parse(("_sort", "x"))
    expected: JsonObject = {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "not-supported",
                "diagnostics": "_sort: expected date or -date",
            }
        ],
    }
    assert refused.value.operation_outcome() == expected
