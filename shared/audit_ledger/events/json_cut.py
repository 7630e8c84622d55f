"""Cut members and elements out of JSON bytes; all other bytes stay, including white space.

    {"a": [1, {"b": 2}, 3], "c": 4}   without a[1]   {"a": [1, 3], "c": 4}
                                      without a[0]   {"a": [{"b": 2}, 3], "c": 4}
                                      without c      {"a": [1, {"b": 2}, 3]}

Arrays and objects that a cut leaves empty are cut too: FHIR has none.
"""

import re
from typing import Final

import msgspec

Path = tuple[str | int, ...]  # names of members and indices of elements, from the root down

_SPACE: Final = re.compile(rb"[ \t\n\r]*+")
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_read_name: Final = msgspec.json.Decoder(str).decode
_SCALAR: Final = re.compile(rb"[^ \t\n\r,\]}]++")


def spell_path(path: Path) -> str:
    """Return a path in FHIRPath: `AuditEvent.entity[2].what`."""
    return "".join(f"[{n}]" if isinstance(n, int) else f".{n}" for n in path).lstrip(".")


class Cuts(msgspec.Struct):
    """A tree of cuts for several readers at once: reader `i` is the bit `1 << i`.

    `gone`: the readers for whom this element is cut entirely; `below`: the cuts inside it.
    """

    gone: int = 0
    below: "dict[str | int, Cuts]" = {}

    def add(self, path: Path, readers: int) -> None:
        """Cut the element at `path` for `readers`."""
        at = self
        for name in path:
            below = at.below.get(name)
            if below is None:
                below = at.below[name] = Cuts()
            at = below
        at.gone |= readers


class Span(msgspec.Struct):
    """The range of a member or element: from `start` (its name's quote, or its value) to `end`."""

    name: str | int
    start: int
    end: int
    children: "list[Span]"


def scan_spans(body: bytes) -> Span:
    """Return the spans of all members and elements of `body`, which must be valid JSON."""
    return _value(body, _skip(body, 0), "")


def _skip(body: bytes, position: int) -> int:
    found = _SPACE.match(body, position)
    return found.end() if found else position


def _end_of(token: re.Pattern[bytes], body: bytes, position: int) -> int:
    found = token.match(body, position)
    if found is None:
        raise ValueError("scanned bytes are not JSON")
    return found.end()


def _value(body: bytes, start: int, name: str | int) -> Span:
    opening = body[start : start + 1]
    if opening == b'"':
        return Span(name, start, _end_of(_STRING, body, start), [])
    if opening not in (b"{", b"["):
        return Span(name, start, _end_of(_SCALAR, body, start), [])
    children: list[Span] = []
    position = _skip(body, start + 1)
    while body[position : position + 1] not in (b"}", b"]"):
        if opening == b"{":
            key_end = _end_of(_STRING, body, position)
            colon = _skip(body, key_end)
            child = _value(body, _skip(body, colon + 1), _read_name(body[position:key_end]))
            child.start = position
        else:
            child = _value(body, position, len(children))
        children.append(child)
        position = _skip(body, child.end)
        if body[position : position + 1] == b",":
            position = _skip(body, position + 1)
    return Span(name, start, position + 1, children)


def cut_spans(
    body: bytes, root: Span, cuts: Cuts, reader: int = 1
) -> tuple[bytes, tuple[Path, ...]]:
    """Return `body` without the cuts of a reader, and the paths of those cuts, in order.

    The work is proportional to the result: elements inside a cut are not visited.
    """
    holes: list[tuple[int, int]] = []
    paths: list[Path] = []
    if not _punch(root, cuts, reader, (), holes, paths):
        holes = [(root.children[0].start, root.children[-1].end)]
    rest = []
    position = 0
    for start, end in sorted(holes):
        rest.append(body[position:start])
        position = end
    rest.append(body[position:])
    return b"".join(rest), tuple(paths)


def _punch(
    span: Span,
    cuts: Cuts,
    reader: int,
    path: Path,
    holes: list[tuple[int, int]],
    paths: list[Path],
) -> bool:
    """Add the holes that `cuts` makes in a span; return False if nothing of it would remain.

    Cut a comma with the element after it; if all elements before are cut, with the one before it.
    """
    inner: list[tuple[int, int]] = []
    last_left: Span | None = None
    run_start: int | None = None
    run_end = 0
    for child in span.children:
        inside = cuts.below.get(child.name)
        if inside is None:
            remains = True
        elif inside.gone & reader:
            paths.append((*path, child.name))
            remains = False
        else:
            remains = not inside.below or _punch(
                child, inside, reader, (*path, child.name), inner, paths
            )
        if not remains:
            if run_start is None:
                run_start = child.start if last_left is None else last_left.end
            run_end = child.end
            continue
        if run_start is not None:
            inner.append((run_start, child.start if last_left is None else run_end))
            run_start = None
        last_left = child
    if last_left is None and span.children:
        return False
    if run_start is not None:
        inner.append((run_start, run_end))
    holes += inner
    return True
