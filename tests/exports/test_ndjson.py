"""FHIR NDJSON: one event per line, as submitted except for white space and `id`."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from audit_ledger.errors import FormatError
from audit_ledger.events.resource_id import with_id
from audit_ledger.exports.ndjson import fhir_line, without_white_space
from tests.builders.audit_event import r4, r5
from tests.builders.cloudevent import with_json
from tests.builders.opened_event import opened, opened_samples


def tokens(text: str) -> list[str]:
    """Return the tokens of JSON (RFC 8259, Section 2), character by character."""
    result: list[str] = []
    position = 0
    while position < len(text):
        start = position
        character = text[position]
        position += 1
        if character in " \t\n\r":
            continue
        if character == '"':
            while text[position] != '"':
                position += 2 if text[position] == "\\" else 1
            position += 1
        elif character not in "{}[]:,":
            while position < len(text) and text[position] not in '{}[]:," \t\n\r':
                position += 1
        result.append(text[start:position])
    return result


NUMBERS = st.sampled_from(["0", "-0", "1.50", "1e5", "1E+05", "-0.0", "12345678901234567890.10"])
STRINGS = st.text('ab \t\n"\\/:,[]{} é😀\x7f', max_size=6).map(json.dumps) | st.sampled_from(
    [r'"\u00e9"', r'"\/"', r'"\\"', r'"\" , \\\""', '"é  é"', r'"\u0022 \u005C"', '""', '" "']
)
SPACE = st.text(" \t\n\r", max_size=3)
SCALARS = NUMBERS | STRINGS | st.sampled_from(["true", "false", "null"])


def spelled(draw: st.DrawFn, depth: int) -> list[str]:
    """Return random JSON as a list of tokens."""
    kind = draw(st.integers(0, 2 if depth else 0))
    if kind == 0:
        return [draw(SCALARS)]
    inside: list[str] = []
    for number in range(draw(st.integers(0, 4))):
        inside += [","] if number else []
        inside += [draw(STRINGS), ":"] if kind == 1 else []
        inside += spelled(draw, depth - 1)
    return ["{", *inside, "}"] if kind == 1 else ["[", *inside, "]"]


@st.composite
def spaced_json(draw: st.DrawFn) -> tuple[list[str], str]:
    """Return the tokens of random JSON, and the JSON with random white space around them."""
    parts = spelled(draw, 3)
    return parts, draw(SPACE) + "".join(part + draw(SPACE) for part in parts)


@given(spaced_json())
def test_removes_only_white_space_between_tokens(case: tuple[list[str], str]) -> None:
    """Of any JSON: the tokens stay, byte for byte and in order."""
    parts, spaced = case
    assert without_white_space(spaced.encode()).decode() == "".join(parts)
    assert tokens(spaced) == parts


def test_lines_of_samples_contain_every_token(shared_dir: Path) -> None:
    """By an independent tokenizer: numbers and escapes stay as written."""
    events = opened_samples(shared_dir)
    assert len(events) == 64
    for event in events:
        file, line = fhir_line(event)
        assert file == f"AuditEvent-{event.format[-2:]}.ndjson"
        assert line.count(b"\n") == 1
        assert line.endswith(b"\n")
        resource = with_id(event.resource, event.event_id)
        assert "".join(tokens(resource.decode())) == line[:-1].decode()
        assert json.loads(line)["id"] == event.event_id


def test_numbers_stay_as_written() -> None:
    """FHIR distinguishes 1.50 from 1.5; json.loads would hide the difference."""
    body = (
        b'{ "resourceType" : "AuditEvent" ,\r\n "x" : [ 1.50 , 1E+2 ,\t-0.0 ] , "y" : "\\u00e9 " }'
    )
    _, line = fhir_line(opened(body))
    start = b'{"id":"' + b"0" * 63 + b'1","resourceType":"AuditEvent",'
    assert line == start + b'"x":[1.50,1E+2,-0.0],"y":"\\u00e9 "}\n'
    document = json.loads(line, parse_float=str, parse_int=str)
    assert document["x"] == ["1.50", "1E+2", "-0.0"]


@pytest.mark.parametrize("base64", [False, True])
@pytest.mark.parametrize(
    ("document", "file"),
    [(r4(), "AuditEvent-r4.ndjson"), (r5(), "AuditEvent-r5.ndjson")],
)
def test_audit_event_in_a_cloudevent_is_exported_alone(
    document: Any, file: str, base64: bool
) -> None:
    """With its own bytes, in the file of its release, from JSON and from base64."""
    event = opened(with_json(document, is_base64=base64))
    assert fhir_line(event) == (
        file,
        json.dumps({"id": event.event_id, **document}, separators=(",", ":")).encode() + b"\n",
    )


@pytest.mark.parametrize(
    "event",
    [
        with_json({"patient": {"reference": "Patient/1"}}, type="record.note.signed"),
        with_json({"resourceType": "Observation"}),
        with_json("text", datacontenttype="text/plain"),
        {"specversion": "1.0", "id": "1", "source": "urn:ehr", "type": "org.example.happened"},
    ],
)
def test_other_cloudevents_are_exported_with_their_envelope(event: Any) -> None:
    """In a file of their own."""
    file, line = fhir_line(opened(event))
    assert file == "CloudEvent.ndjson"
    assert line == json.dumps(event, separators=(",", ":")).encode() + b"\n"


@pytest.mark.parametrize("format_", ["fhir-r4", "cloudevents"])
def test_rejects_a_resource_that_is_not_json(format_: Any) -> None:
    """A line break in a string would make two lines of an event; the message does not quote it."""
    event = structs.replace(opened(r4(), seq=7), resource=b'{"data": "Mr\nSecret"}', format=format_)
    with pytest.raises(FormatError, match=r"^entry 7: the resource is not JSON") as caught:
        fhir_line(event)
    assert "Secret" not in str(caught.value)
