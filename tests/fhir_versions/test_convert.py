"""An event is unchanged after conversion there and back, and valid in between."""

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
    """Return the event in the other release, without the tag."""
    made: dict[str, Any] = to_r5(event) if release_of(event) == "R4" else to_r4(event)
    return made


def test_every_sample_is_unchanged_after_there_and_back(
    shared_dir: Path, profiles: dict[str, Profile]
) -> None:
    """In between it conforms to the other release."""
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
def test_any_valid_event_is_unchanged_after_there_and_back(
    profiles: dict[str, Profile], release: str
) -> None:
    """Events are generated from HL7's own definitions, element by element."""
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
def test_hl7_s_examples_in_both_releases_agree(shared_dir: Path, r4: str, r5: str) -> None:
    """HL7 published these examples in both releases with the same meaning."""
    older = json.loads((shared_dir / "samples" / "r4" / r4).read_bytes())
    newer = json.loads((shared_dir / "samples" / "r5" / r5).read_bytes())
    converted_event = to_r5(older)
    for element in ("action", "recorded"):
        assert converted_event[element] == newer[element]
    assert _codes(converted_event["category"]) == _codes(newer["category"])
    assert _codes(converted_event["code"]) == _codes(newer["code"])
    assert _codes(converted_event["outcome"]["code"]) == _codes(newer["outcome"]["code"])
    assert len(converted_event["agent"]) == len(newer["agent"])
    assert _codes(converted_event["source"].get("type")) == _codes(newer["source"].get("type"))
    for actual, expected in zip(
        converted_event.get("entity", []), newer.get("entity", []), strict=True
    ):
        assert _codes(actual.get("role")) == _codes(expected.get("role"))
        assert actual.get("query") == expected.get("query")
    back = to_r4(newer)
    assert back["type"]["code"] == older["type"]["code"]
    assert back["outcome"] == older["outcome"]
    assert _codes(back["subtype"]) == _codes(older["subtype"])


def _codes(value: Any) -> list[str]:
    """Return every code below a value, in order."""
    if isinstance(value, list):
        return [code for one in value for code in _codes(one)]
    if not isinstance(value, dict):
        return []
    own = [value["code"]] if isinstance(value.get("code"), str) else []
    return own + _codes(value.get("coding"))


def test_converted_bytes_retain_decimals_and_have_a_tag() -> None:
    """Digits of a decimal are significant in FHIR; the tag informs readers."""
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
    newer = convert(text.encode(), "fhir-r5")
    assert b'"valueDecimal":1.10' in newer
    assert [tag["code"] for tag in json.loads(newer)["meta"]["tag"]] == ["own", "converted"]
    back = json.loads(convert(newer, "fhir-r4"))
    assert back["type"] == {"code": "rest"}


@pytest.mark.parametrize("release", ["R4", "R5"])
def test_extensions_without_meaning_for_a_conversion_stay(
    profiles: dict[str, Profile], release: str
) -> None:
    """HL7's for other elements or in other places, and repetitions of a single one."""
    version = "5.0" if release == "R4" else "4.0"
    url = f"http://hl7.org/fhir/{version}/StructureDefinition/extension-AuditEvent."
    misplaced: list[dict[str, Any]] = [
        {"url": f"{url}{path}", "valueString": f"misplaced-{number}"}
        for number, path in enumerate(
            ("foo", "agent.foo", "entity.what", "source.observer", "agent.requestor.foo", "")
        )
    ]
    repeated: list[dict[str, Any]] = [
        {"url": f"{url}{path}", "valueCoding": {"code": f"{path}-{number}"}}
        for path in ("severity", "agent.media", "entity.role", "entity.type")
        for number in range(2)
    ]
    event = profiles[release].make(Random(5))
    event |= {"agent": [{"requestor": True}], "entity": [{}], "source": {"observer": {}}}
    for element in (event, event["agent"][0], event["entity"][0], event["source"]):
        element["extension"] = [*misplaced, *repeated]
    other = json.dumps(converted(event))
    for extension in (*misplaced, *repeated):
        word = extension.get("valueString") or extension["valueCoding"]["code"]
        assert other.count(f'"{word}"') == 4, word


def test_the_patient_of_r5_is_an_entity_of_r4_and_back() -> None:
    """With role 1 (Patient), which R4 clients expect; R4's only patient becomes R5's `patient`."""
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
        converted_event = json.loads(convert(json.dumps(event).encode(), "fhir-r4"))
        assert len(converted_event["entity"]) == len(entities) + 1
        assert converted_event["entity"][-1]["what"] == patient
        assert {n: converted_event["entity"][-1]["role"][n] for n in role} == role
        assert converted_event["entity"][-1]["type"]["code"] == "1"
        assert "patient" not in converted_event
        assert to_r5(to_r4(event)) == event
    older = {
        "resourceType": "AuditEvent",
        "type": {"code": "rest"},
        "recorded": "2026-11-26T05:59:00Z",
        "agent": [{"who": {"display": "A"}, "requestor": True}],
        "source": {"observer": {"display": "B"}},
        "entity": [{"what": patient, "role": role}, {"what": {"reference": "Observation/1"}}],
    }
    converted_event = json.loads(convert(json.dumps(older).encode(), "fhir-r5"))
    assert {n: converted_event["patient"][n] for n in patient} == patient
    assert to_r4(to_r5(older)) == older
    two = [*older["entity"], {"what": {"reference": "Patient/donna"}, "role": role}]
    assert "patient" not in to_r5({**older, "entity": two})


SHAPES: tuple[Any, ...] = ("odd-text", 7, [], {}, ["odd-text"], [{"odd": "odd-text"}], None)


@pytest.mark.parametrize("release", ["R4", "R5"])
def test_elements_of_another_shape_are_never_lost(
    profiles: dict[str, Profile], release: str
) -> None:
    """Senders mix releases: each element in turn has another shape."""
    for seed in range(60):
        event = profiles[release].make(Random(seed))
        for name in event:
            if name in ("resourceType", "code", "type"):
                continue
            for shape in SHAPES:
                changed = {**event, name: shape}
                try:
                    other = converted(changed)
                except FormatError:
                    continue  # the event is returned as submitted
                if "odd-text" in str(shape):
                    assert "odd-text" in str(other), (seed, name, shape)
