"""A patient is found wherever mentioned, in any spelling, and only that element is cut."""

import json
from base64 import b64encode
from typing import Any

import pytest

from tests.events.made import MRN, r4
from tests.events.two_people import ADA, BOB, parts

BOB_SPELLED = [
    "Bob Roe",
    "roe, BOB",
    "Roe  Bob",
    "Patient/bob-1903",
    "https://x/Patient/bob-1903/_history/1",
    "id=bob-1903&x=1",
    "Patient%2Fbob-1903",
    "Bob+Roe",
    b64encode(b"patient=bob-1903").decode(),
    b64encode("Bob Roe".encode("utf-16")).decode(),
    "MRN:81726354",
    "MRN81726354",
    "81726354^^^&1.2.3&ISO",
]


@pytest.mark.parametrize("spelled", BOB_SPELLED)
@pytest.mark.parametrize(
    ("elements", "where"),
    [
        ({"outcomeDesc": "…"}, "AuditEvent.outcomeDesc"),
        ({"id": "…"}, "AuditEvent.id"),
        ({"meta": {"tag": [{"display": "…"}]}}, "AuditEvent.meta.tag[0]"),
        ({"purposeOfEvent": [{"text": "x"}, {"text": "…"}]}, "AuditEvent.purposeOfEvent[1]"),
        ({"extension": [{"url": "u", "valueString": "…"}]}, "AuditEvent.extension[0]"),
        (
            {"agent": [{"who": {"display": "Dr"}, "policy": ["p", "…"]}]},
            "AuditEvent.agent[0].policy[1]",
        ),
        (
            {"agent": [{"who": {"display": "Dr"}, "location": {"display": "…"}}]},
            "AuditEvent.agent[0].location.display",
        ),
        ({"source": {"site": "…", "observer": {"display": "d"}}}, "AuditEvent.source.site"),
        (
            {"entity": [{"what": {"identifier": {"system": "s", "value": "…"}}}]},
            "AuditEvent.entity[2]",
        ),
        ({"entity": [{"what": {"reference": "…", "type": "List"}}]}, "AuditEvent.entity[2]"),
        (
            {"entity": [{"what": {"reference": "List/1"}, "securityLabel": [{"display": "…"}]}]},
            "AuditEvent.entity[2].securityLabel[0]",
        ),
    ],
)
def test_whatever_else_mentions_another_patient_is_cut(
    elements: dict[str, Any], where: str, spelled: str
) -> None:
    """However it is spelled, wherever it stands; the smallest element that makes sense goes."""
    filled = json.loads(json.dumps(elements).replace("\\u2026", spelled))
    extra = filled.pop("entity", [])
    bob = {**BOB, "identifier": {"system": MRN, "value": "81726354"}}
    first, second = parts(r4(entity=[{"what": ADA}, {"what": bob}, *extra], **filled))
    assert where in first.cut
    assert where not in second.cut
    assert "roe" not in first.resource.decode().casefold()
    assert b"1903" not in first.resource
    assert b"81726354" not in first.resource
