"""Mutations of valid examples: what an attacker who knows the format would try first."""

import re
from collections.abc import Callable, Sequence
from random import Random

NUMBERS = [
    b"0", b"-0", b"00", b"-1", b"1", b"255", b"256", b"65535", b"65536", b"4294967296",
    b"9223372036854775807", b"9223372036854775808", b"18446744073709551616", b"9" * 400,
    b"9" * 5000, b"1e400", b"1.0", b"0x10", b"1_0", "٣".encode(), b"+1", b" 1", b"NaN", b"Infinity",
]  # fmt: skip
TEXTS = [
    b"\0", b"\n", b"\r\n", b"\n\n", b"\t", b" ", b"\xff", b"\xc3\x28", b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    "\u2028".encode(), "—".encode(), "\U0010ffff".encode(), "e\u0301".encode(), b"\x7f", b"\x1b[2J",
    b"=", b"==", b"+", b"/", b"-", b"_", b"%00", b"%", b"\\", b"\\u0000", b"\\ud800", b'"', b"{}",
    b"[]", b"null", b"true", b'""', b"[[[[[[[[", b'{"a":' * 70, b"[" * 2000, b",", b":", b"A" * 300,
]  # fmt: skip

Mutation = Callable[[Random, bytes, Sequence[bytes]], bytes]
"""Mutate the second argument; the third are all examples of the format."""

_DIGITS = re.compile(rb"[0-9]+")
_JSON_VALUE = re.compile(rb'"[^"]*"|\{\}|\[\]|-?[0-9.]+|true|false|null')


def _place(random: Random, data: bytes) -> int:
    return random.randint(0, len(data))


def _span(random: Random, data: bytes) -> tuple[int, int]:
    start = _place(random, data)
    return start, min(len(data), start + random.randint(0, 80))


def flip(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    """Change a byte."""
    if not data:
        return data
    at = random.randint(0, len(data) - 1)
    return data[:at] + bytes([data[at] ^ random.randint(1, 255)]) + data[at + 1 :]


def cut(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    """Delete some bytes."""
    start, end = _span(random, data)
    return data[:start] + data[end:]


def end(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    """Truncate at a random offset."""
    return data[: _place(random, data)]


def splice(random: Random, data: bytes, all_: Sequence[bytes]) -> bytes:
    """Continue with the end of another example."""
    other = random.choice(all_)
    return data[: _place(random, data)] + other[_place(random, other) :]


def repeat(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    """Repeat some bytes."""
    start, stop = _span(random, data)
    return data[:stop] + data[start:stop] * random.choice([1, 2, 100, 300]) + data[stop:]


def swap_lines(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    """Exchange two lines."""
    lines = data.split(b"\n")
    one, other = (random.randint(0, len(lines) - 1) for _ in range(2))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def repeat_line(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    """Write a line twice, or a hundred times."""
    lines = data.split(b"\n")
    at = random.randint(0, len(lines) - 1)
    return b"\n".join(lines[:at] + [lines[at]] * random.choice([2, 101]) + lines[at + 1 :])


def renumber(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    """Replace a number by another."""
    return _replace(random, data, _DIGITS, NUMBERS)


def revalue(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    """Replace a JSON value by another."""
    return _replace(random, data, _JSON_VALUE, [*NUMBERS, *TEXTS])


def insert(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    """Insert a text that parsers often mishandle."""
    at = _place(random, data)
    return data[:at] + random.choice(TEXTS) + data[at:]


def noise(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    """Insert a few random bytes."""
    at = _place(random, data)
    return data[:at] + random.randbytes(random.randint(1, 12)) + data[at:]


def _replace(random: Random, data: bytes, pattern: re.Pattern[bytes], by: Sequence[bytes]) -> bytes:
    matches = list(pattern.finditer(data))
    if not matches:
        return data
    match = random.choice(matches)
    return data[: match.start()] + random.choice(by) + data[match.end() :]


MUTATIONS: tuple[Mutation, ...] = (
    flip, cut, end, splice, repeat, swap_lines, repeat_line, renumber, revalue, insert, noise,
)  # fmt: skip


def mutated(random: Random, seeds: Sequence[bytes]) -> bytes:
    """Return an example with up to three mutations."""
    data = random.choice(seeds)
    for _ in range(random.randint(0, 3)):
        data = random.choice(MUTATIONS)(random, data, seeds)
    return data
