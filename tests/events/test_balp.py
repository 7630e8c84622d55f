"""BALP faults: each is flagged, none rejects an event, and only claimed profiles are checked."""

import json
from pathlib import Path
from typing import Any

import pytest

from audit_ledger.events import parse_audit_event
from audit_ledger.events.balp_profiles import PROFILES
from tests.builders.audit_event import encoded, r4

BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/"


def sample(shared_dir: Path, name: str) -> dict[str, Any]:
    """Return an example of the implementation guide."""
    path = shared_dir / "samples" / "balp-1.1.4" / f"AuditEvent-ex-{name}.json"
    document: dict[str, Any] = json.loads(path.read_bytes())
    return document


def faults(document: dict[str, Any]) -> list[str]:
    """Return the BALP faults of an event."""
    return [f for f in parse_audit_event(encoded(document)).flags if f.startswith("balp.")]


def put(document: dict[str, Any], path: list[str | int], value: Any) -> None:
    """Set an element, or remove it if the value is None."""
    parent: Any = document
    for name in path[:-1]:
        parent = parent[name]
    if value is None:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value


USER_TYPE = {
    "coding": [
        {"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}
    ]
}

BROKEN: list[tuple[str, list[str | int], Any, str]] = [
    ("auditBasicReadServer", ["type", "code"], "object", "balp.type"),
    ("auditBasicReadServer", ["subtype", 0, "code"], "create", "balp.subtype"),
    ("auditBasicReadServer", ["subtype"], None, "balp.subtype"),
    ("auditBasicReadServer", ["action"], "E", "balp.action"),
    ("auditBasicReadServer", ["action"], None, "balp.action"),
    ("auditBasicReadServer", ["outcome"], "8", "balp.outcome"),
    ("auditBasicReadServer", ["outcome"], None, "balp.outcome"),
    ("auditAuthZconsent", ["outcome"], None, "balp.outcome"),
    ("auditBasicReadServer", ["source", "observer"], None, "balp.no-source-observer"),
    ("auditBasicReadServer", ["agent", 0], None, "balp.no-client"),
    ("auditBasicReadServer", ["agent", 1], None, "balp.no-server"),
    ("auditAuthZconsent", ["agent", 1], None, "balp.no-user"),
    ("auditAuthZconsent", ["agent", 2], None, "balp.no-organization"),
    ("auditAuthZconsent", ["agent", 3], None, "balp.no-authorizer"),
    ("auditPrivacyDisclosure-source", ["agent", 0], None, "balp.no-source"),
    ("auditPrivacyDisclosure-source", ["agent", 1], None, "balp.no-recipient"),
    ("auditBasicReadServer", ["agent", 2, "who"], None, "balp.no-agent-who"),
    ("auditBasicReadServer", ["agent", 0, "who"], None, "balp.no-agent-who"),
    ("auditBasicReadServer", ["agent", 0, "network"], None, "balp.no-agent-network"),
    ("auditBasicReadServer", ["agent", 2, "network"], {"address": "x"}, "balp.agent-network"),
    ("auditBasicReadServer", ["agent", 2, "requestor"], False, "balp.agent-requestor"),
    ("auditAuthZconsent", ["agent", 2, "requestor"], True, "balp.agent-requestor"),
    ("auditBasicReadServer", ["agent", 0, "type"], USER_TYPE, "balp.repeated-agent"),
    ("auditAuthZconsent", ["source", "observer"], {"display": "x"}, "balp.agent-not-observer"),
    ("auditPoke-SAML-Min", ["agent", 0, "policy"], None, "balp.no-agent-policy"),
    ("auditBasicReadOServerMin", ["agent", 0, "policy"], None, "balp.no-agent-policy"),
    ("auditPoke-SAML-Min", ["agent", 0, "who"], {"display": "x"}, "balp.no-agent-identifier"),
    ("auditBasicReadServer", ["entity", 0], None, "balp.no-data"),
    ("auditBasicReadServer", ["entity", 1], None, "balp.no-patient"),
    ("auditBasicQueryGetServer", ["entity", 0], None, "balp.no-query"),
    ("auditAuthZconsent", ["entity", 1], None, "balp.no-consent"),
    ("auditBasicReadServer", ["entity", 2, "type"], {
        "system": "http://terminology.hl7.org/CodeSystem/audit-entity-type", "code": "2",
    }, "balp.repeated-entity"),
    ("auditBasicReadServer", ["entity", 0, "role", "code"], "24", "balp.entity-role"),
    ("auditBasicReadServer", ["entity", 1, "role"], None, "balp.entity-role"),
    ("auditBasicReadServer", ["entity", 0, "what"], None, "balp.no-entity-what"),
    ("auditBasicReadServer", ["entity", 1, "what"], None, "balp.no-entity-what"),
    ("auditBasicReadServer", ["entity", 1, "what", "reference"], "Group/1", "balp.entity-what"),
    ("auditBasicQueryGetServer", ["entity", 0, "what"], {"display": "x"}, "balp.entity-what"),
    ("auditBasicQueryGetServer", ["entity", 0, "query"], None, "balp.no-query-text"),
    ("auditBasicReadServer", ["entity", 2, "what"], {"display": "x"},
     "balp.no-entity-identifier"),
    ("auditBasicReadServer", ["meta", "profile", 0], f"{BALP}IHE.BasicAudit.Fantasy",
     "balp.unknown-profile"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "path", "value", "fault"), BROKEN)
def test_each_violation_is_flagged_by_its_code(
    shared_dir: Path, name: str, path: list[str | int], value: Any, fault: str
) -> None:
    """An example of the guide with one violation is accepted and has that fault."""
    document = sample(shared_dir, name)
    assert faults(document) == []
    put(document, path, value)
    assert fault in faults(document)


def test_every_code_of_a_rule_is_tested() -> None:
    """The codes in the source are in the table above."""
    source = Path(parse_audit_event.__code__.co_filename).with_name("balp.py").read_text()
    quoted = {word for word in source.split('"') if word.startswith("balp.") and "{" not in word}
    quoted -= {"balp.", "balp.not-r4", "balp.repeated-agent", "balp.repeated-entity"}
    assert quoted <= {fault for *_, fault in BROKEN}


def test_the_samples_claim_every_profile_but_iti_71_s(shared_dir: Path) -> None:
    """IHE published a passing example of every other profile."""
    claimed = {
        url.removeprefix(BALP)
        for path in (shared_dir / "samples" / "balp-1.1.4").glob("AuditEvent-*.json")
        for url in json.loads(path.read_bytes())["meta"]["profile"]
    }
    assert set(PROFILES) - claimed == {"IHE.IUA.71"}
    assert claimed <= set(PROFILES)


def test_an_event_that_claims_no_profile_has_no_fault(shared_dir: Path) -> None:
    """The same invalid event without its claim, or with the claim of another profile."""
    document = sample(shared_dir, "auditBasicReadServer")
    del document["agent"][2]["who"]
    metas: list[Any] = [None, {}, {"profile": []}, {"profile": ["https://other.example/P"]}]
    for meta in metas:
        assert faults({**document, "meta": meta}) == []


def test_the_version_in_a_claim_is_ignored(shared_dir: Path) -> None:
    """`…|1.1.4` is the same profile."""
    document = sample(shared_dir, "auditBasicReadServer")
    document["meta"]["profile"] = [f"{BALP}IHE.BasicAudit.PatientRead|1.1.4"]
    assert faults(document) == []
    del document["agent"][2]["who"]
    assert faults(document) == ["balp.no-agent-who"]


def test_an_r5_event_that_claims_an_r4_profile_is_flagged(shared_dir: Path) -> None:
    """BALP 1.1.4 is written for R4."""
    document = sample(shared_dir, "auditBasicReadServer")
    document["code"] = {"coding": [document.pop("type")]}
    assert faults(document) == ["balp.not-r4"]


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_an_event_without_any_required_element_of_a_profile_is_accepted(profile: str) -> None:
    """Every rule handles elements that are missing, empty or of another shape."""
    meta = {"profile": [BALP + profile, 7, None]}
    rule = PROFILES[profile]
    agents: list[Any] = [{"type": {"coding": [dict(zip(("system", "code"), code, strict=True))]}}
                         for one in rule.agents for code in one.types]  # fmt: skip
    entities: list[Any] = [{"type": dict(zip(("system", "code"), one.type, strict=True))}
                           for one in rule.entities]  # fmt: skip
    for elements in (
        {},
        {"agent": None, "source": None, "type": "x", "action": None},
        {"agent": agents, "entity": entities},
        {"agent": [{**a, "who": {}, "network": "x", "policy": {}} for a in agents]},
        {"entity": [{**e, "what": {}, "role": 1, "query": []} for e in entities]},
    ):
        document = {**r4(), "meta": meta, **elements}
        assert faults(document) != []


def test_no_two_slices_of_a_profile_share_a_type() -> None:
    """A lookup by type therefore finds all rules of an element."""
    for profile in PROFILES.values():
        assert len(profile.agent_slice_of) == sum(len(one.types) for one in profile.agents)
        assert len(profile.entity_slice_of) == len(profile.entities)


@pytest.mark.parametrize("meta", [1, "x", [], {"profile": "x"}, {"profile": {"a": 1}}])
def test_a_meta_of_another_shape_claims_no_profile(meta: Any) -> None:
    """It stays in the record and is not read."""
    assert faults({**r4(), "meta": meta}) == []
