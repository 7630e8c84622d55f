"""Describe where and why bytes are not strict JSON: a position and a reason, no content.

    at line 3, column 14 (byte 60, from 0) of it: invalid character

Runs in one pass, and only after a decoder has rejected the bytes.
"""

import json
import re
from typing import Final

import msgspec

_AT: Final = re.compile(r"JSON is malformed: (.*) \(byte ([0-9]+)\)")
_TOKEN: Final = re.compile(
    rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|-?[0-9]++(?:[.eE+\-]++[0-9]++)*+|[{}\[\],:]', re.DOTALL
)
_EXPONENT: Final = re.compile(rb"[.eE]")
_SURROGATE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(\\u[dD][c-fC-F][0-9a-fA-F]{2})?|\\(?:u[0-9a-fA-F]{4}|.)",
    re.DOTALL,
)
_MAX_DIGITS: Final = 4300  # of an integer that Python reads (sys.int_info)


def describe_fault(body: bytes, position: int, reason: str) -> str:
    """Return a sentence about a fault, with its line and column from 1."""
    line_start = body.rfind(b"\n", 0, position) + 1
    line = body.count(b"\n", 0, position) + 1
    column = len(body[line_start:position].decode("utf-8", "replace")) + 1
    return f"at line {line}, column {column} (byte {position}, from 0) of it: {reason}"


def syntax_fault(body: bytes, error: Exception) -> str:
    """Describe the fault of bytes that msgspec rejected with `error`."""
    if isinstance(error, UnicodeError):
        try:
            body.decode("utf-8")
        except UnicodeDecodeError as decoding:
            return describe_fault(body, decoding.start, "not UTF-8")
    if isinstance(error, msgspec.ValidationError):
        position = _number_out_of_range(body)
        if position is not None:
            return describe_fault(
                body, position, "a number outside the range of a double, ±1.8e308"
            )
        return "another type of JSON value"
    return _stdlib_fault(body) or _msgspec_fault(body, error)


def _msgspec_fault(body: bytes, error: Exception) -> str:
    form = _AT.fullmatch(str(error))
    if form:
        return describe_fault(body, int(form[2]), form[1])
    position = _lone_surrogate(body)
    if position is not None:
        return describe_fault(body, position, "an unpaired surrogate")
    return describe_fault(body, len(body), "the end, before the value ends")


def _stdlib_fault(body: bytes) -> str | None:
    """Describe the fault that Python's decoder finds, with its exact position; None if none.

    That decoder accepts more than JSON (NaN, lone surrogates), and has limits of its own.
    """
    text = body.decode("utf-8", "replace")
    try:
        json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        position = len(text[: error.pos].encode())
        return describe_fault(body, position, error.msg.removesuffix(" at").lower())
    except (ValueError, RecursionError):
        return None
    return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{len(constant)} characters that are no number of JSON")


def repeated_name(body: bytes) -> int | None:
    """Return the position of the first repeated name in an object of `body`; None if none."""
    seen: list[set[str] | None] = []
    previous: re.Match[bytes] | None = None
    for token in _TOKEN.finditer(body):
        match token[0]:
            case b"{":
                seen.append(set())
            case b"[":
                seen.append(None)
            case b"}" | b"]":
                seen.pop()
            case b":" if previous is not None and seen and (names := seen[-1]) is not None:
                name = msgspec.json.decode(previous[0], type=str)
                if name in names:
                    return previous.start()
                names.add(name)
        previous = token
    return None


def _number_out_of_range(body: bytes) -> int | None:
    for token in _TOKEN.finditer(body):
        number = token[0]
        if number[:1] not in b"-0123456789":
            continue
        if _EXPONENT.search(number):
            try:
                beyond = float(number) in (float("inf"), float("-inf"))
            except ValueError:
                continue
        else:
            beyond = len(number.lstrip(b"-0")) > _MAX_DIGITS
        if beyond:
            return token.start()
    return None


def _lone_surrogate(body: bytes) -> int | None:
    for escape in _SURROGATE.finditer(body):
        is_high = escape[0][:3] in (b"\\ud", b"\\uD") and escape[0][3:4] in b"89abAB"
        if is_high and escape[1] is None:
            return escape.start()
    return None
