"""Where and why bytes are not strict JSON: a place and a reason, and nothing of the content.

    at line 3, column 14 (byte 60, from 0) of it: invalid character

Runs only once a reader has refused the bytes, in one pass over them.
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


def spelled(body: bytes, position: int, reason: str) -> str:
    """Say where a fault is: line and column from 1."""
    line_start = body.rfind(b"\n", 0, position) + 1
    line = body.count(b"\n", 0, position) + 1
    column = len(body[line_start:position].decode("utf-8", "replace")) + 1
    return f"at line {line}, column {column} (byte {position}, from 0) of it: {reason}"


def syntax_fault(body: bytes, error: Exception) -> str:
    """Say what is wrong with bytes that msgspec did not decode: `error` is what it raised."""
    if isinstance(error, UnicodeError):
        try:
            body.decode("utf-8")
        except UnicodeDecodeError as decoding:
            return spelled(body, decoding.start, "not UTF-8")
    if isinstance(error, msgspec.ValidationError):
        position = _number_out_of_range(body)
        if position is not None:
            return spelled(body, position, "a number beyond what a double holds, ±1.8e308")
        return "another kind of JSON value"
    return _by_the_library(body) or _by_msgspec(body, error)


def _by_msgspec(body: bytes, error: Exception) -> str:
    form = _AT.fullmatch(str(error))
    if form:
        return spelled(body, int(form[2]), form[1])
    position = _lone_surrogate(body)
    if position is not None:
        return spelled(body, position, "a surrogate without the other of its pair")
    return spelled(body, len(body), "the end, before the value ends")


def _by_the_library(body: bytes) -> str | None:
    """Say what Python's own reader finds, whose positions are exact; None where it finds nothing.

    It takes more than JSON has (NaN, lone surrogates), and has limits of its own.
    """
    text = body.decode("utf-8", "replace")
    try:
        json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        position = len(text[: error.pos].encode())
        return spelled(body, position, error.msg.removesuffix(" at").lower())
    except (ValueError, RecursionError):
        return None
    return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{len(constant)} characters that are no number of JSON")


def repeated_name(body: bytes) -> int | None:
    """Return the position of the first name that an object of `body` has already had."""
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
