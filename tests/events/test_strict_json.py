"""JSON is read strictly, and other input raises RejectedEventError only."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.events.errors import RejectedEventError
from audit_ledger.events.strict_json import (
    MAX_DEPTH,
    read_json,
    slice_elements,
    slice_members,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.text(alphabet=':"\\u03aA{}é', max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(":ab\\", max_size=3), inner)
    ),
    max_leaves=20,
)

NOT_JSON = {
    "nothing": b"",
    "white space": b" \n",
    "text": b"hello",
    "XML": b"<AuditEvent/>",
    "a truncated object": b'{"a": 1',
    "two values": b"{} {}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "invalid UTF-8 in a value": b'{"a": "\xff"}',
    "invalid UTF-8 in a name": b'{"\xff": 1}',
    "an encoded surrogate": b'{"a": "\xed\xa0\x80"}',
    "a lone surrogate": rb'{"a": "\ud800"}',
    "a lone low surrogate": rb'{"a": "\udc00x"}',
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "a number beyond a double": b'{"a": 1e400}',
    "an integer of 5,000 digits": b'{"a": ' + b"9" * 5000 + b"}",
    "a leading zero": b'{"a": 01}',
    "single quotes": b"{'a': 1}",
    "a trailing comma": b'{"a": 1,}',
    "a comment": b'{"a": 1} // x',
    "a raw control character": b'{"a": "\x01"}',
    "100,000 open brackets": b"[" * 100_000,
    "100,000 levels": b"[" * 100_000 + b"]" * 100_000,
    "100,000 levels of objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "one level too many": b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
}

REPEATED = {
    "at the top": b'{"a": 1, "a": 2}',
    "equal values": b'{"a": 1, "a": 1}',
    "deep": b'[{"x": [{"a": {}, "b": 1, "a": {}}]}]',
    "spelled with an escape": rb'{"a": 1, "\u0061": 2}',
    "with colons in strings": rb'{"a": ":::", "a": "\u003a"}',
    "a colon as its name": rb'{":": 1, "\u003A": 2}',
    "three times": b'{"a":1,"a":2,"a":3}',
    "with space before the colon": b'{"a" :1,"a"\n:2}',
}


@pytest.mark.parametrize("case", NOT_JSON)
def test_input_that_is_not_strict_json_is_rejected(case: str) -> None:
    """With 400 and the place."""
    with pytest.raises(RejectedEventError) as caught:
        read_json(NOT_JSON[case], "AuditEvent")
    assert (caught.value.status, caught.value.expression) == (400, "AuditEvent")


@pytest.mark.parametrize("case", REPEATED)
def test_a_repeated_name_in_an_object_is_rejected(case: str) -> None:
    """Two readers could take different values."""
    with pytest.raises(RejectedEventError, match="without repeated names"):
        read_json(REPEATED[case], "AuditEvent")


@pytest.mark.parametrize(
    "body",
    [
        rb'{"a": "\u003a", "b": ":", "c": "\\u003a", "d": "\\\u003A"}',
        rb'{"\u003a": "x:y", "a\":": ":", "\\": "\":"}',
        b'{"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 1}]}',
        b"[" * MAX_DEPTH + b"]" * MAX_DEPTH,
        b'{"a": "' + b"[{" * 200 + b'"}',
    ],
)
def test_json_that_only_resembles_a_fault_is_read(body: bytes) -> None:
    """Colons and braces in strings, names repeated at other levels, the maximum depth."""
    assert read_json(body, "x") == json.loads(body)


@given(JSON, st.sampled_from([None, 1]), st.booleans())
def test_json_of_another_encoder_is_read(
    document: Any, indent: int | None, ascii_only: bool
) -> None:
    """Python's encoder never repeats a name."""
    body = json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode()
    assert read_json(body, "x") == document


@given(st.lists(st.tuples(st.sampled_from([":", "a", "\\", '":']), JSON), max_size=5))
def test_a_repeated_name_is_always_detected(pairs: list[tuple[str, Any]]) -> None:
    """The encoded names are counted independently."""
    body = "{" + ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in pairs) + "}"
    if len(dict(pairs)) == len(pairs):
        assert read_json(body.encode(), "x") == dict(pairs)
    else:
        with pytest.raises(RejectedEventError):
            read_json(body.encode(), "x")


def test_slices_are_the_submitted_bytes() -> None:
    """White space within a value stays, white space around it is removed."""
    body = b'{ "a" : [ 1 , 2.0 ],\n"b": {"c" :"\\u0041"} }'
    assert slice_members(body, "x") == {"a": b"[ 1 , 2.0 ]", "b": b'{"c" :"\\u0041"}'}
    assert slice_elements(b'[ {"a" : 1.50}, "x" ]', "x", 2, "elements") == [b'{"a" : 1.50}', b'"x"']


@pytest.mark.parametrize("body", [b"", b"[", b"{}", b'"x"', b"[" * 100_000, b"[1,]", b"null"])
def test_slicing_elements_of_other_input_is_rejected(body: bytes) -> None:
    """The status is 400."""
    with pytest.raises(RejectedEventError) as caught:
        slice_elements(body, "x", 2, "elements")
    assert caught.value.status == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"a":1,"a":1}', b'{"a":' * 50_000, b"null"])
def test_slicing_members_of_other_input_is_rejected(body: bytes) -> None:
    """The status is 400."""
    with pytest.raises(RejectedEventError) as caught:
        slice_members(body, "x")
    assert caught.value.status == 400


PLACES = {
    "a wrong character": (b'{"a": tru}', 1, 7, 6, "expecting value"),
    "on another line": (b'{\n "a": 1,\n "b": x}', 3, 7, 17, "expecting value"),
    "after other letters": ('{"é": x}'.encode(), 1, 7, 7, "expecting value"),
    "two values": (b"{} {}", 1, 4, 3, "extra data"),
    "the end": (b'{"a": 1', 1, 8, 7, "expecting ',' delimiter"),
    "NaN": (b'{"a": NaN}', 1, 7, 6, "invalid character"),
    "a control character": (b'{"a": "x\n"}', 1, 9, 8, "invalid control character"),
    "nothing": (b"", 1, 1, 0, "expecting value"),
    "not UTF-8": (b'{"a": 1, "b": "x\xff"}', 1, 17, 16, "not UTF-8"),
    "a lone surrogate": (
        rb'{"a": "\\ud800", "b": "\ud83d\ude00\ud800"}',
        1,
        36,
        35,
        "an unpaired surrogate",
    ),
    "1e400": (b'{"a": "1e400", "b": 1e308, "c": 1e400}', 1, 33, 32, "a number outside"),
    "-1e400": (b"[-0.0, -1e400]", 1, 8, 7, "a number outside"),
    "an integer of 5,000 digits": (b"[1, " + b"9" * 5000 + b"]", 1, 5, 4, "a number outside"),
    "a name twice": (b'{"a": {"b": 1},\n "b": 2, "a": 3}', 2, 10, 25, "a repeated name"),
    "a name twice, escaped": (rb'{"a": 1, "\u0061": 2}', 1, 10, 9, "a repeated name"),
    "a name twice, deep": (b'[{"x": ["{", {"y:": 1, "y:": 2}]}]', 1, 24, 23, "a repeated name"),
}


@pytest.mark.parametrize("case", PLACES)
def test_a_fault_is_located_by_line_column_and_byte(case: str) -> None:
    """Lines and columns from 1, as editors count; the byte from 0. Counted by hand."""
    body, line, column, byte, reason = PLACES[case]
    with pytest.raises(RejectedEventError) as caught:
        read_json(body, "AuditEvent")
    where = f"at line {line}, column {column} (byte {byte}, from 0) of it: {reason}"
    assert where in caught.value.expectation


def test_a_number_outside_the_range_of_a_double_has_its_own_message(shared_dir: Path) -> None:
    """Another reader of the record would have Infinity, or an error."""
    body = (shared_dir / "cases" / "fhir" / "08-decimal-1e400.json").read_bytes()
    with pytest.raises(RejectedEventError) as caught:
        read_json(body, "AuditEvent")
    assert caught.value.status == 400
    byte = body.index(b"1e400")
    assert caught.value.expectation == (
        "JSON in UTF-8, without byte order mark; found at line 1, "
        f"column {byte + 1} (byte {byte}, from 0) of it: "
        "a number outside the range of a double, ±1.8e308"
    )


@pytest.mark.parametrize("case", NOT_JSON)
def test_the_message_of_a_fault_quotes_nothing(case: str) -> None:
    """It is ASCII but for the plus-minus sign, and short."""
    with pytest.raises(RejectedEventError) as caught:
        read_json(NOT_JSON[case], "AuditEvent")
    message = caught.value.expectation.replace("±", "")
    assert message.isascii()
    assert len(message) < 200
