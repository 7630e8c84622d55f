"""No event exhausts time or memory, and refusals are cheap.

Work is counted in instructions of the interpreter, memory in allocated bytes.
"""

import json
import tracemalloc
from typing import Any

import pytest

from audit_ledger.events import RejectedEventError, parse_audit_event, parse_bundle
from audit_ledger.events.limits import MAX_CONTAINED, MAX_EVENT_BYTES
from tests.builders.audit_event import patient_entity, r4
from tests.counted_work import instructions

PER_BYTE = 200
"""Instructions: a word or an element has two to five bytes, and each is visited."""


def compact(document: Any) -> bytes:
    """Return JSON without white space."""
    return json.dumps(document, separators=(",", ":")).encode()


def patients(count: int, prefix: str = "p") -> list[dict[str, Any]]:
    """Return the entities of so many patients."""
    return [{"what": {"reference": f"Patient/{prefix}{n}"}} for n in range(count)]


def test_many_patients_with_very_many_empty_agents_are_refused() -> None:
    """240 × 70,000 in 256 KB (3 KB compressed): each record would have 70,000 agents."""
    body = compact(r4(entity=patients(240), agent=[{}] * 70_000))
    assert len(body) < MAX_EVENT_BYTES
    with pytest.raises(RejectedEventError) as refused:
        parse_audit_event(body)
    assert (refused.value.status, refused.value.expression) == (413, "AuditEvent.agent")
    assert refused.value.expectation == "at most 256 agents, not 70,000"


def test_names_with_common_prefixes_cost_no_search_each() -> None:
    """200 patients whose names repeat one letter, and a text of that letter."""
    named = [patient_entity(f"Patient/{n}", name="a" * n) for n in range(4, 204)]
    body = compact(r4(entity=named, outcomeDesc="a" * 170_000))

    def attack() -> None:
        with pytest.raises(RejectedEventError, match="at most 4 MB"):
            parse_audit_event(body)

    assert instructions(attack) < PER_BYTE * len(body)


def test_words_with_common_prefixes_cost_no_search_each() -> None:
    """The same with a space after each letter; these records are small enough."""
    named = [patient_entity(f"Patient/{n}", name="a " * n) for n in range(4, 204)]
    body = compact(r4(entity=named, outcomeDesc="a " * 10_000))
    assert instructions(lambda: parse_audit_event(body)) < PER_BYTE * len(body)


def test_contained_resources_and_references_cost_linear_work() -> None:
    """As many as are accepted, in an event of two patients; 7,000 are refused."""
    many = [{"id": str(n)} for n in range(7_000)]
    with pytest.raises(RejectedEventError, match="at most 512 contained resources, not 7,000"):
        parse_audit_event(compact(r4(entity=patients(2), contained=many, x=["#1"] * 20_000)))
    references = [f"#{n}" for n in range(5_000)]
    event = r4(entity=patients(2), contained=many[:MAX_CONTAINED], x=references)
    body = compact(event)
    assert len(body) < MAX_EVENT_BYTES
    assert instructions(lambda: parse_audit_event(body)) < PER_BYTE * len(body)


def test_a_bundle_of_large_shared_parts_is_refused_in_32_mb() -> None:
    """2.1 MB of 2,304 records of 200 KB each, which would take 1.57 GB."""
    entries = [
        {"resource": r4(entity=patients(256, f"{n}-"), outcomeDesc="x y " * 55_000)}
        for n in range(9)
    ]
    body = compact({"resourceType": "Bundle", "type": "collection", "entry": entries})
    assert 2_000_000 < len(body) < 2_200_000
    tracemalloc.start()
    try:
        with pytest.raises(RejectedEventError, match="at most 8 MB") as refused:
            parse_bundle(body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert refused.value.status == 413
    assert peak < 32_000_000
