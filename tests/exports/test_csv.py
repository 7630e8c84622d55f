"""CSV: one row per event, parsed by Python's csv module, harmless in a spreadsheet."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.exports.csv import CSV_HEADER, csv_line, harmless
from audit_ledger.records.opened_event import OpenedEvent
from tests.builders.audit_event import r4
from tests.builders.cloudevent import with_json
from tests.builders.opened_event import opened, opened_samples
from tests.events.test_event_details import codes_in


def row_of(event: OpenedEvent) -> dict[str, str]:
    """Return an event's row, by the names in the header."""
    file, line = csv_line(event)
    assert file == "events.csv"
    (row,) = csv.DictReader(io.StringIO((CSV_HEADER + line).decode(), newline=""), strict=True)
    assert None not in row
    return row


def items(cell: str) -> list[str]:
    """Return the items of a cell, which are joined as the module documents."""
    result = [""]
    characters = iter(cell)
    for character in characters:
        if character == "\\":
            result[-1] += next(characters)
        elif character == ";":
            assert next(characters) == " "
            result.append("")
        else:
            result[-1] += character
    return result if cell else []


def test_rows_of_samples_agree_with_their_json(shared_dir: Path) -> None:
    """Counted and looked up in the JSON of each sample."""
    for event in opened_samples(shared_dir):
        document = json.loads(event.resource)
        row = row_of(event)
        assert row["entry"] == str(event.seq)
        assert row["time_as_sent"] == document["recorded"]
        assert row["action"] == document.get("action", "")
        kinds = document.get("category", []) if "code" in document else document["type"]
        assert len(items(row["types"])) == len(codes_in(kinds))
        assert all(code in row["types"] for code in codes_in(kinds))
        agents = document["agent"]
        assert items(row["agent_requestors"]) == [
            str(agent.get("requestor", False)).lower() for agent in agents
        ]
        for agent in agents:
            address = (agent.get("network") or {}).get("address") or agent.get("networkString")
            assert address is None or address in items(row["agent_addresses"])
            name = agent.get("name") or agent.get("who", {}).get("display")
            assert name is None or name in items(row["agent_names"])
        for entity in document.get("entity", []):
            assert entity.get("query", "") in [*items(row["entity_queries"]), ""]
            reference = entity.get("what", {}).get("reference", "").partition("/_history/")[0]
            assert reference in row["entity_ids"] or reference.startswith("#")
        assert len(items(row["entity_roles"])) in (0, len(document.get("entity", [])))


def test_writes_every_column_of_a_full_event() -> None:
    """Against a row written by hand."""
    event = opened(
        r4(
            subtype=[{"code": "read"}, {"system": "urn:s", "code": "x", "display": "An; x"}],
            outcome="4",
            outcomeDesc="not\r\nfound",
            purposeOfEvent=[{"coding": [{"code": "TREAT"}]}],
            agent=[
                {
                    "who": {"reference": "Practitioner/1", "identifier": {"value": "95"}},
                    "altId": "alt",
                    "name": 'Dr "One"',
                    "requestor": True,
                    "role": [{"coding": [{"code": "a"}]}, {"coding": [{"code": "b"}]}],
                    "network": {"address": "10.0.0.1"},
                    "purposeOfUse": [{"coding": [{"code": "ETREAT"}]}],
                },
                {
                    "who": {"display": "App, Inc"},
                    "type": {"text": "a client"},
                    "requestor": False,
                },
            ],
            source={"site": "North", "observer": {"reference": "Device/1", "display": "ehr"}},
            entity=[
                {
                    "what": {"reference": "Patient/1", "identifier": {"system": "u", "value": "7"}},
                    "role": {"code": "1"},
                    "description": "d",
                    "query": "cXVlcnk=",
                }
            ],
        ),
        seq=41,
        flags=("agent.display-only", "fhir.no-source"),
        conflict=True,
        cut=("AuditEvent.entity[1]",),
    )
    assert row_of(event) == {
        "entry": "41",
        "event_id": f"{41:064x}",
        "time": "2026-11-22T05:59:00.123Z",
        "time_as_sent": "2026-11-22T05:59:00.123Z",
        "received": "2026-11-26T05:59:00.456Z",
        "entry_time": "2026-11-22T05:59:02Z",
        "portal": "ehr",
        "format": "fhir-r4",
        "action": "R",
        "outcome": "4",
        "outcome_text": "not found",
        "types": "http://terminology.hl7.org/CodeSystem/audit-event-type|rest",
        "subtypes": r"read; urn:s|x (An\; x)",
        "purposes": "TREAT",
        "patients": "Patient/1 | u|7",
        "agent_names": 'Dr "One"; App, Inc',
        "agent_ids": "Practitioner/1 | 95 | alt; ",
        "agent_requestors": "true; false",
        "agent_roles": "a | b; ",
        "agent_role_texts": "; a client",
        "agent_addresses": "10.0.0.1; ",
        "agent_purposes": "ETREAT; ",
        "entity_names": "",
        "entity_ids": "Patient/1 | u|7",
        "entity_types": "",
        "entity_roles": "1",
        "entity_descriptions": "d",
        "entity_queries": "cXVlcnk=",
        "entity_digests": "",
        "source": "Device/1",
        "source_name": "ehr",
        "site": "North",
        "flags": "agent.display-only; fhir.no-source",
        "conflict": "true",
        "cut": "AuditEvent.entity[1]",
    }


@given(st.lists(st.text("ab\\; |", min_size=1, max_size=6).map(str.strip), max_size=3))
def test_items_of_a_cell_read_back(names: list[str]) -> None:
    """Whatever semicolons and backslashes they contain."""
    agents = [{"who": {"reference": "Device/1"}, "name": name} for name in names]
    row = row_of(opened(r4(agent=agents)))
    assert items(row["agent_names"]) == (names if names != [""] else [])


def test_row_of_a_record_event_contains_the_digest_of_its_document() -> None:
    """In hex, as sha256sum prints it."""
    digest = "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk"
    data = {"document": {"reference": "DocumentReference/3", "digest": digest}}
    row = row_of(opened(with_json(data, type="record.note.signed")))
    assert row["entity_digests"] == (
        "7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069"
    )
    assert row["types"] == "record.note.signed"


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "\x00=1", '"=1']


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_an_event_is_a_formula(text: str) -> None:
    """Wherever the event contains the text: every cell with text of a portal is checked."""
    who = {"reference": text, "identifier": {"system": text, "value": text}, "display": text}
    coded: Any = {"system": text, "code": text, "display": text}
    agent = {"who": who, "name": text, "altId": text, "network": {"address": text}}
    concept = [{"coding": [coded], "text": text}]
    event = opened(
        r4(
            type=coded,
            subtype=[coded],
            outcome=text,
            outcomeDesc=text,
            purposeOfEvent=concept,
            agent=[{**agent, "role": concept, "type": concept[0], "purposeOfUse": concept}] * 2,
            source={"site": text, "observer": who},
            entity=[
                {
                    "what": who,
                    "type": coded,
                    "role": {"code": "1"},
                    "name": text,
                    "description": text,
                    "query": text,
                }
            ],
        ),
        portal=text,
    )
    for name, cell in row_of(event).items():
        for start in (cell, *re.split("[;,]", cell)):
            assert not re.match(r"[\s\"]*[=+\-@＝＋－＠]", start), name


@given(st.text(max_size=20) | st.text("=+-@;, '\"\t\r\nab", max_size=12))
def test_harmless_text_begins_no_formula_and_no_line(text: str) -> None:
    """In a spreadsheet with any usual separator; nothing but `'` is inserted."""
    guarded = harmless(text)
    assert not re.search(r"[\r\n\t\x00]", guarded)
    for cell in [guarded, *re.split("[;,]", guarded)]:
        assert not re.match(r"[\s\"]*[=+\-@＝＋－＠]", cell)
    plain = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text)
    assert guarded.replace("'", "") == plain.replace("'", "")


def test_row_is_one_line_that_ends_with_cr_lf(shared_dir: Path) -> None:
    """RFC 4180: CR LF at the end and nowhere else."""
    assert CSV_HEADER.endswith(b"\r\n")
    for event in opened_samples(shared_dir):
        _, line = csv_line(event)
        assert line.endswith(b"\r\n")
        assert line.count(b"\n") == line.count(b"\r") == 1
