"""A suspended recipient is recognized in every part of an event."""

import re
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.reports.suspension import Suspension
from functions.query.withholding import names_recipient, requests_recipient
from tests.builders.cloudevent import with_json
from tests.builders.opened_event import opened
from tests.query.report_api import AGENCY, access_of, disclosure_of

SYSTEM = "https://agencies.example"
SUSPENSION = Suspension(
    agency="case 17",
    recipients=frozenset({f"reference|{AGENCY}", f"identifier|{SYSTEM}|7", "display|The Bureau"}),
    from_ms=0,
    until_ms=1,
)

Json = dict[str, Any]


def with_query(text: str) -> Callable[[Json], Any]:
    """Return a change that adds a recorded query."""
    return lambda e: e["entity"].append({"query": b64encode(text.encode()).decode()})


def contained(event: Json) -> None:
    """Add a contained organisation with the recipient's identifier."""
    event["contained"] = [
        {
            "resourceType": "Organization",
            "id": "o",
            "identifier": [{"system": SYSTEM, "value": "7"}],
        }
    ]


REVEALING: list[Callable[[Json], Any]] = [
    lambda e: e["agent"].append({"who": {"reference": AGENCY}}),
    lambda e: e["agent"].append({"who": {"display": "the bureau"}}),
    lambda e: e["agent"].append({"who": {"identifier": {"system": SYSTEM, "value": "7"}}}),
    lambda e: e["entity"].append({"what": {"reference": AGENCY}}),
    lambda e: e["entity"].append({"description": f"sent to {AGENCY}."}),
    lambda e: e["source"].update(observer={"reference": AGENCY}),
    lambda e: e.update(outcomeDesc="THE BUREAU has it"),
    contained,
    with_query(f"GET /AuditEvent?agent={AGENCY}"),
    with_query("GET /AuditEvent?patient=rose&agent=Organization%2Fbureau&_count=5"),
    with_query("GET /AuditEvent?agent=court,bureau"),
    with_query("GET /reports/privacy?user=bureau"),
    with_query(f"GET /AuditEvent?agent.identifier={SYSTEM}%7C7"),
]
HARMLESS: list[Callable[[Json], Any]] = [
    lambda e: None,
    lambda e: e["agent"].append({"who": {"reference": f"{AGENCY}-2"}}),
    lambda e: e["agent"].append({"who": {"identifier": {"system": SYSTEM, "value": "77"}}}),
    lambda e: e["agent"].append({"who": {"identifier": {"system": "urn:other", "value": "7"}}}),
    lambda e: e["entity"].append({"description": "bureaucracy"}),
    with_query("GET /AuditEvent?_count=7&agent=court"),
    with_query("GET /AuditEvent?agent=bureau-2"),
    lambda e: e["entity"].append({"query": "not base64 at all"}),
]


@pytest.mark.parametrize("change", REVEALING)
def test_an_event_that_names_the_recipient_is_recognized(change: Callable[[Json], Any]) -> None:
    """In agents, entities, narratives, contained resources, and recorded requests."""
    event = access_of("rose")
    change(event)
    assert names_recipient(opened(event), [SUSPENSION])
    assert not names_recipient(opened(event), [])


@pytest.mark.parametrize("change", HARMLESS)
def test_an_event_with_a_similar_name_is_not_withheld(change: Callable[[Json], Any]) -> None:
    """Names with the same beginning, identifiers of another system."""
    event = access_of("rose")
    change(event)
    assert not names_recipient(opened(event), [SUSPENSION])


def test_the_recipient_is_recognized_in_a_cloudevent() -> None:
    """Which carries the AuditEvent as JSON or in base64."""
    event = disclosure_of("rose", AGENCY)
    for is_base64 in (False, True):
        assert names_recipient(opened(with_json(event, is_base64=is_base64)), [SUSPENSION])
    harmless = with_json(disclosure_of("rose", "Organization/court"))
    assert not names_recipient(opened(harmless), [SUSPENSION])


QUERIES = st.lists(
    st.sampled_from(["agent", "user", ".", ":", "=", "&", ",", "x1", "X1", "-", "y", " ", "?"]),
    max_size=12,
)


@given(QUERIES.map("".join))
def test_requested_agents_are_those_of_a_simple_regular_expression(text: str) -> None:
    """Its time is quadratic in the length of the text."""
    plain = re.search(r"(?<![\w-])(agent|user)[.:\w]*=([^&]*,)?x1(?![\w-])", text, re.IGNORECASE)
    assert requests_recipient(text, ("x1",)) == bool(plain)
