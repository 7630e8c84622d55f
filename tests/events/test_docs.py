"""docs/events.md agrees with the code."""

import json
import re
from pathlib import Path

import audit_ledger.events
from audit_ledger.events import (
    MAX_ENTRIES,
    MAX_EVENT_BYTES,
    PatientReference,
    limits,
    parse_cloudevent_structured,
)
from audit_ledger.events.agents import MAX_INDEXED_AGENTS
from audit_ledger.events.balp_profiles import PROFILES
from audit_ledger.events.batch import MAX_EVENTS, MAX_PATIENTS_PER_REQUEST
from audit_ledger.events.bundle import MAX_AROUND_BYTES
from audit_ledger.events.flags import FLAGS
from audit_ledger.events.limits import MAX_PATIENTS
from audit_ledger.events.patient_mentions import MAX_WORD_DISTANCE
from audit_ledger.events.patient_names import MIN_LENGTH, MIN_NAME_LENGTH
from audit_ledger.events.record_event import ACTION_OF_WORD
from audit_ledger.events.strict_json import MAX_DEPTH
from audit_ledger.sequence_gaps.sequence_number import (
    FIRST_NUMBER,
    LAST_NUMBER,
    SEQUENCE_URL,
    read_number,
)
from tests.builders.audit_event import encoded, r4
from tests.builders.opened_event import opened
from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "events.md").read_text()


def test_the_tables_list_exactly_the_flags_of_the_code() -> None:
    """Those in the source, and those of BALP's slices."""
    folders = (Path(audit_ledger.events.__path__[0]), REPOSITORY / "functions" / "ingest")
    files = [p for folder in folders for p in folder.glob("*.py") if p.name != "flags.py"]
    source = "".join(p.read_text() for p in files)
    flag = r"(?:fhir|agent|patient|cloudevents|record|balp)\.[a-z][a-z0-9-]+"
    in_source = set(re.findall(rf'"({flag})"', source)) - {"record.created"}
    for profile in PROFILES.values():
        in_source |= {f"balp.no-{agent.name}" for agent in profile.agents if agent.min_count}
        in_source |= {f"balp.no-{entity.name}" for entity in profile.entities if entity.min_count}
    assert set(re.findall(rf"`({flag})`", PAGE)) == in_source
    assert set(FLAGS) == in_source


def test_each_flag_has_a_sentence_of_its_own() -> None:
    """Each is complete, and no two flags share one."""
    assert all(re.fullmatch(r"[A-Z].*\.", text) for text in FLAGS.values())
    assert len(set(FLAGS.values())) == len(FLAGS)


def test_the_limits_are_those_of_the_code() -> None:
    """Depth, sizes and counts."""
    assert f"at most {MAX_DEPTH} levels" in PAGE
    assert f"more than {MAX_EVENT_BYTES // 1024} KB an event" in PAGE
    assert f"at most {MAX_ENTRIES:,} entries" in PAGE
    assert f"batch of at most {MAX_EVENTS:,}" in PAGE
    assert f"(at most {MAX_PATIENTS})" in PAGE
    assert f"{MAX_PATIENTS} patients an event, or {MAX_PATIENTS_PER_REQUEST:,} in all" in PAGE
    assert f"first {MAX_INDEXED_AGENTS} agents" in PAGE
    assert f"{limits.MAX_AGENTS} agents, {limits.MAX_ENTITIES:,} entities" in PAGE
    assert f"{limits.MAX_CONTAINED} contained resources, {limits.MAX_VALUES:,} JSON" in PAGE
    assert f"{limits.MAX_IDENTIFIERS} identifiers (contained: " in PAGE
    assert f"{limits.MAX_CONTAINED_IDENTIFIER_BYTES >> 10} KB together" in PAGE
    assert f"{limits.MAX_NAMES} names" in PAGE
    assert f"{limits.MAX_EVENT_PART_BYTES >> 20} MB in its records together: each" in PAGE
    assert f"{limits.MAX_REQUEST_PART_BYTES >> 20} MB in its records together;" in PAGE
    assert f"{MAX_AROUND_BYTES >> 10} KB beside its resource" in PAGE
    assert f"fewer than {MIN_LENGTH} characters" in PAGE
    assert f"at most {MAX_WORD_DISTANCE - 1} other words" in PAGE
    assert f"of {MIN_NAME_LENGTH} letters or more" in PAGE


def test_the_example_of_a_record_event_is_accepted_without_a_flag() -> None:
    """As the data of a CloudEvent."""
    example, *_ = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    envelope = {"specversion": "1.0", "id": "1", "source": "s", "type": "record.created"}
    envelope |= {"time": "2026-11-22T05:59:00Z", "data": json.loads(example)}
    event = parse_cloudevent_structured(encoded(envelope))
    assert event.flags == ()
    assert event.parts[0].patient == PatientReference("Patient/1", (("urn:mrn", "7"),))


def test_the_example_of_a_numbered_event_is_counted_as_documented() -> None:
    """By its number, in the stream of its observer."""
    *_, example = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    numbered = read_number(opened({**r4(), **json.loads(example)}))
    assert numbered is not None
    assert (numbered.counter, numbered.number) == ("fhir-observer", 42)
    assert f"from {FIRST_NUMBER} to {LAST_NUMBER}" in PAGE
    assert SEQUENCE_URL in PAGE


def test_the_words_for_actions_are_those_of_the_code() -> None:
    """`created, added, … (C); …`"""
    listed = {
        word: action
        for words, action in re.findall(r"((?:\w+,\s+)*\w+)\s+\(([CRUD])\)", PAGE)
        for word in re.split(r",\s+", words)
    }
    assert listed == ACTION_OF_WORD
