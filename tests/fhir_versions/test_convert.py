"""An event is the same after there and back, and of the release that it is said to be."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from audit_ledger.errors import FormatError
from audit_ledger.events.fhir_version import Release
from audit_ledger.fhir_versions import convert
from audit_ledger.fhir_versions.to_r4 import to_r4
from audit_ledger.fhir_versions.to_r5 import to_r5
from tests.builders.audit_event import audit_event_samples
from tests.conftest import REPOSITORY
from tests.fhir_versions.profile import Profile

OTHER: dict[str, Release] = {"R4": "fhir-r5", "R5": "fhir-r4"}
SHARED = REPOSITORY.parent / "shared"


def release_of(event: dict[str, Any]) -> str:
    return "R5" if "code" in event else "R4"


def converted(event: dict[str, Any]) -> dict[str, Any]:
    """As the other release has it, without the tag."""
    made: dict[str, Any] = to_r5(event) if release_of(event) == "R4" else to_r4(event)
    return made


def test_every_sample_is_the_same_after_there_and_back(
    shared_dir: Path, profiles: dict[str, Profile]
) -> None:
    """The real ones; and what they are in between is of the other release."""
    seen = set()
    for path in audit_event_samples(shared_dir):
        event = json.loads(path.read_bytes())
        release = release_of(event)
        seen.add(release)
        other = converted(event)
        target = "R5" if release == "R4" else "R4"
        before = profiles[release].faults(event)
        if not before:
            assert profiles[target].faults(other) == [], path.name
        assert release_of(other) == target
        assert converted(other) == event, path.name
    assert seen == {"R4", "R5"}


@pytest.mark.parametrize("release", ["R4", "R5"])
def test_whatever_the_release_allows_is_the_same_after_there_and_back(
    profiles: dict[str, Profile], release: str
) -> None:
    """Made of HL7's own definition, element by element, there or not."""
    target = "R5" if release == "R4" else "R4"
    for seed in range(1_500):
        event = profiles[release].make(Random(seed))
        assert profiles[release].faults(event) == [], seed
        other = converted(event)
        assert profiles[target].faults(other) == [], seed
        assert converted(other) == event, seed


PAIRS = [
    ("AuditEvent-example.json", "auditevent-example.json"),
    ("AuditEvent-example-search.json", "audit-event-example-search.json"),
    ("AuditEvent-example-login.json", "audit-event-example-login.json"),
    ("AuditEvent-example-logout.json", "audit-event-example-logout.json"),
]


@pytest.mark.parametrize(("r4", "r5"), PAIRS)
def test_hl7s_own_examples_say_the_same_in_both(shared_dir: Path, r4: str, r5: str) -> None:
    """HL7 wrote these examples in both releases, and meant the same (not so with others)."""
    older = json.loads((shared_dir / "samples" / "r4" / r4).read_bytes())
    newer = json.loads((shared_dir / "samples" / "r5" / r5).read_bytes())
    made = to_r5(older)
    for element in ("action", "recorded"):
        assert made[element] == newer[element]
    assert _codes(made["category"]) == _codes(newer["category"])
    assert _codes(made["code"]) == _codes(newer["code"])
    assert _codes(made["outcome"]["code"]) == _codes(newer["outcome"]["code"])
    assert len(made["agent"]) == len(newer["agent"])
    assert _codes(made["source"].get("type")) == _codes(newer["source"].get("type"))
    for ours, theirs in zip(made.get("entity", []), newer.get("entity", []), strict=True):
        assert _codes(ours.get("role")) == _codes(theirs.get("role"))
        assert ours.get("query") == theirs.get("query")
    back = to_r4(newer)
    assert back["type"]["code"] == older["type"]["code"]
    assert back["outcome"] == older["outcome"]
    assert _codes(back["subtype"]) == _codes(older["subtype"])


def _codes(value: Any) -> list[str]:
    """Every code below a value, in order."""
    if isinstance(value, list):
        return [code for one in value for code in _codes(one)]
    if not isinstance(value, dict):
        return []
    own = [value["code"]] if isinstance(value.get("code"), str) else []
    return own + _codes(value.get("coding"))


def test_bytes_keep_their_decimals_and_say_that_they_were_converted() -> None:
    """Digits of a decimal mean something in FHIR; the tag is for who reads it."""
    event = {
        "resourceType": "AuditEvent",
        "meta": {"tag": [{"code": "own"}]},
        "type": {"code": "rest"},
        "recorded": "2026-11-26T05:59:00Z",
        "agent": [{"who": {"display": "A"}, "requestor": True}],
        "source": {"observer": {"display": "B"}},
    }
    text = json.dumps(event).replace(
        '"type"', '"extension": [{"url": "urn:x", "valueDecimal": 1.10}], "type"', 1
    )
    made = convert(text.encode(), "fhir-r5")
    assert b'"valueDecimal":1.10' in made
    assert [tag["code"] for tag in json.loads(made)["meta"]["tag"]] == ["own", "converted"]
    back = json.loads(convert(made, "fhir-r4"))
    assert back["type"] == {"code": "rest"}


@pytest.mark.parametrize("release", ["R4", "R5"])
def test_extensions_that_mean_nothing_to_a_conversion_stay(
    profiles: dict[str, Profile], release: str
) -> None:
    """HL7's for other elements, for elsewhere, and the second of what there is one of."""
    version = "5.0" if release == "R4" else "4.0"
    url = f"http://hl7.org/fhir/{version}/StructureDefinition/extension-AuditEvent."
    odd: list[dict[str, Any]] = [
        {"url": f"{url}{path}", "valueString": f"odd-{number}"}
        for number, path in enumerate(
            ("foo", "agent.foo", "entity.what", "source.observer", "agent.requestor.foo", "")
        )
    ]
    twice: list[dict[str, Any]] = [
        {"url": f"{url}{path}", "valueCoding": {"code": f"{path}-{number}"}}
        for path in ("severity", "agent.media", "entity.role", "entity.type")
        for number in range(2)
    ]
    event = profiles[release].make(Random(5))
    event |= {"agent": [{"requestor": True}], "entity": [{}], "source": {"observer": {}}}
    for holder in (event, event["agent"][0], event["entity"][0], event["source"]):
        holder["extension"] = [*odd, *twice]
    other = json.dumps(converted(event))
    for carried in (*odd, *twice):
        word = carried.get("valueString") or carried["valueCoding"]["code"]
        assert other.count(f'"{word}"') == 4, word


def test_the_patient_of_r5_is_an_entity_of_r4_and_back() -> None:
    """Role 1 (Patient), as R4 clients look for it; and R5's `patient` of R4's only one."""
    role = {"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": "1"}
    patient = {"reference": "Patient/rose", "identifier": {"system": "urn:mrn", "value": "7"}}
    newer = {
        "resourceType": "AuditEvent",
        "code": {"coding": [{"code": "read"}]},
        "recorded": "2026-11-26T05:59:00Z",
        "patient": patient,
        "agent": [{"who": {"display": "A"}}],
        "source": {"observer": {"display": "B"}},
    }
    for entities in ([], [{"what": {"reference": "Observation/1"}}]):
        event = {**newer, **({"entity": entities} if entities else {})}
        made = json.loads(convert(json.dumps(event).encode(), "fhir-r4"))
        assert len(made["entity"]) == len(entities) + 1
        assert made["entity"][-1]["what"] == patient
        assert {n: made["entity"][-1]["role"][n] for n in role} == role
        assert made["entity"][-1]["type"]["code"] == "1"
        assert "patient" not in made
        assert to_r5(to_r4(event)) == event
    older = {
        "resourceType": "AuditEvent",
        "type": {"code": "rest"},
        "recorded": "2026-11-26T05:59:00Z",
        "agent": [{"who": {"display": "A"}, "requestor": True}],
        "source": {"observer": {"display": "B"}},
        "entity": [{"what": patient, "role": role}, {"what": {"reference": "Observation/1"}}],
    }
    made = json.loads(convert(json.dumps(older).encode(), "fhir-r5"))
    assert {n: made["patient"][n] for n in patient} == patient
    assert to_r4(to_r5(older)) == older
    two = [*older["entity"], {"what": {"reference": "Patient/donna"}, "role": role}]
    assert "patient" not in to_r5({**older, "entity": two})


ODD: tuple[Any, ...] = ("odd-text", 7, [], {}, ["odd-text"], [{"odd": "odd-text"}], None)


@pytest.mark.parametrize("release", ["R4", "R5"])
def test_what_has_another_shape_is_refused_nowhere_and_lost_nowhere(
    profiles: dict[str, Profile], release: str
) -> None:
    """Senders mix releases up: each element in turn is something else."""
    for seed in range(60):
        event = profiles[release].make(Random(seed))
        for name in event:
            if name in ("resourceType", "code", "type"):
                continue
            for odd in ODD:
                spoilt = {**event, name: odd}
                try:
                    other = converted(spoilt)
                except FormatError:
                    continue  # shown as it was submitted
                if "odd-text" in str(odd):
                    assert "odd-text" in str(other), (seed, name, odd)
