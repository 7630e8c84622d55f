"""What tells of a suspended recipient, in whatever part of an event; and what does not."""

import json
import re
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.reports.suspension import Suspension
from functions.query.withholding import names_recipient, requests_recipient
from tests.builders.opened_event import opened
from tests.query.report_api import AGENCY, disclosure_of, read_of

SYSTEM = "https://agencies.example"
SUSPENSION = Suspension(
    agency="case 17",
    recipients=frozenset({f"reference|{AGENCY}", f"identifier|{SYSTEM}|7", "display|The Bureau"}),
    from_ms=0,
    until_ms=1,
)

Json = dict[str, Any]


def query(text: str) -> Callable[[Json], Any]:
    return lambda e: e["entity"].append({"query": b64encode(text.encode()).decode()})


def contained(event: Json) -> None:
    event["contained"] = [
        {
            "resourceType": "Organization",
            "id": "o",
            "identifier": [{"system": SYSTEM, "value": "7"}],
        }
    ]


TELLING: list[Callable[[Json], Any]] = [
    lambda e: e["agent"].append({"who": {"reference": AGENCY}}),
    lambda e: e["agent"].append({"who": {"display": "the bureau"}}),
    lambda e: e["agent"].append({"who": {"identifier": {"system": SYSTEM, "value": "7"}}}),
    lambda e: e["entity"].append({"what": {"reference": AGENCY}}),
    lambda e: e["entity"].append({"description": f"sent to {AGENCY}."}),
    lambda e: e["source"].update(observer={"reference": AGENCY}),
    lambda e: e.update(outcomeDesc="THE BUREAU has it"),
    contained,
    query(f"GET /AuditEvent?agent={AGENCY}"),
    query("GET /AuditEvent?patient=rose&agent=Organization%2Fbureau&_count=5"),
    query("GET /AuditEvent?agent=court,bureau"),
    query("GET /reports/privacy?user=bureau"),
    query(f"GET /AuditEvent?agent.identifier={SYSTEM}%7C7"),
]
NOT_TELLING: list[Callable[[Json], Any]] = [
    lambda e: None,
    lambda e: e["agent"].append({"who": {"reference": f"{AGENCY}-2"}}),
    lambda e: e["agent"].append({"who": {"identifier": {"system": SYSTEM, "value": "77"}}}),
    lambda e: e["agent"].append({"who": {"identifier": {"system": "urn:other", "value": "7"}}}),
    lambda e: e["entity"].append({"description": "bureaucracy"}),
    query("GET /AuditEvent?_count=7&agent=court"),
    query("GET /AuditEvent?agent=bureau-2"),
    lambda e: e["entity"].append({"query": "not base64 at all"}),
]


@pytest.mark.parametrize("change", TELLING)
def test_what_tells_is_withheld(change: Callable[[Json], Any]) -> None:
    """Agents, entities, narratives, contained resources, and recorded questions."""
    event = read_of("rose")
    change(event)
    assert names_recipient(opened(event), [SUSPENSION])
    assert not names_recipient(opened(event), [])


@pytest.mark.parametrize("change", NOT_TELLING)
def test_what_does_not_tell_is_shown(change: Callable[[Json], Any]) -> None:
    """Names that begin alike, numbers of another system."""
    event = read_of("rose")
    change(event)
    assert not names_recipient(opened(event), [SUSPENSION])


def test_also_in_a_cloudevent() -> None:
    """Carried as JSON or packed."""
    event = disclosure_of("rose", AGENCY)
    packed = b64encode(json.dumps(event).encode()).decode()
    envelope = {
        "specversion": "1.0",
        "id": "1",
        "source": "urn:lab",
        "type": "audit",
        "datacontenttype": "application/json",
        "recorded": event["recorded"],
    }
    for carried in ({"data": event}, {"data_base64": packed}):
        assert names_recipient(opened({**envelope, **carried}), [SUSPENSION])
    harmless = disclosure_of("rose", "Organization/court")
    assert not names_recipient(opened({**envelope, "data": harmless}), [SUSPENSION])


QUESTION = st.lists(
    st.sampled_from(["agent", "user", ".", ":", "=", "&", ",", "x1", "X1", "-", "y", " ", "?"]),
    max_size=12,
)


@given(QUESTION.map("".join))
def test_whom_a_question_asks_for_is_what_a_search_from_each_character_finds(text: str) -> None:
    """By a regular expression that says it in one line, and reads a long text once a character."""
    plain = re.search(r"(?<![\w-])(agent|user)[.:\w]*=([^&]*,)?x1(?![\w-])", text, re.IGNORECASE)
    assert requests_recipient(text, ("x1",)) == bool(plain)
