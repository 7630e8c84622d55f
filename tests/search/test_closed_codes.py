"""Codes that no event can have are refused: an empty page would look like a result."""

import pytest

from audit_ledger.search.errors import RejectedSearchError
from audit_ledger.search.parameters import parse_search

ACTION = "http://hl7.org/fhir/audit-event-action"
R4 = "http://terminology.hl7.org/CodeSystem/audit-event-outcome"
R5 = "http://hl7.org/fhir/issue-severity"


def parse(name: str, value: str) -> None:
    """Parse a search with this value."""
    parse_search([("date", "2026"), (name, value)], is_strict=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("action", action) for action in "CRUDE"),
        ("action", "R,C"),
        ("action", f"{ACTION}|R"),
        ("action", f"{ACTION}|"),
        ("action", "|R"),
        ("action:not", "R"),
        ("action:missing", "true"),
        *(("outcome", code) for code in ("0", "4", "8", "12")),
        *(("outcome", code) for code in ("success", "information", "warning", "error", "fatal")),
        ("outcome", "4,8,12"),
        ("outcome", f"{R4}|8"),
        ("outcome", f"{R5}|fatal"),
        ("outcome", "urn:own|denied"),
        ("outcome:not", "0"),
    ],
)
def test_codes_of_events_are_accepted(name: str, value: str) -> None:
    """FHIR's, with their system or without; R5 allows codes of other systems."""
    parse(name, value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("action", "read", "R (read)"),
        ("action", "r", "R (read)"),
        ("action", "R,read", "R (read)"),
        ("action:not", "read", "R (read)"),
        ("action", f"{R4}|R", "R (read)"),
        ("action", "X", "R (read)"),
        ("outcome", "failure", "0, 4, 8 or 12"),
        ("outcome", "Success", "success"),
        ("outcome", "3", "0, 4, 8 or 12"),
        ("outcome", "|denied", "0, 4, 8 or 12"),
        ("outcome", f"{R4}|success", "0, 4, 8 or 12"),
        ("outcome", f"{R5}|8", "0, 4, 8 or 12"),
        ("outcome:not", "failure", "0, 4, 8 or 12"),
    ],
)
def test_codes_that_no_event_can_have_are_refused(name: str, value: str, expected: str) -> None:
    """With 400 and the valid codes."""
    with pytest.raises(RejectedSearchError) as refused:
        parse(name, value)
    assert (refused.value.status, refused.value.code) == (400, "value")
    assert expected in refused.value.expectation
