"""Events in files: AuditEvents, Bundles and CloudEvents in JSON, or one a line (NDJSON).

Their bytes are sent as they are in the file, without the white space around them. The server judges
them; the client determines only the kind of each, and thus its request.
"""

import os
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, Literal

import msgspec

from audit_ledger.client.files import NOT_JSON, standard_input
from audit_ledger.errors import RefusedError
from audit_ledger.events.strict_json import slice_elements, slice_members

EventKind = Literal["audit-event", "cloudevent", "batch", "collection", "whole"]
"""`batch` and `collection` are entries of such Bundles; `whole` is a Bundle sent as it is."""

STDIN: Final = "-"
MAX_FILE_BYTES: Final = 64 << 20
_SUFFIXES: Final = (".json", ".ndjson", ".jsonl")
_LINES: Final = (".ndjson", ".jsonl")
_MAX_ENTRIES: Final = 1_000_000
_SPACE: Final = b" \t\r\n"


@dataclass(frozen=True)
class FoundEvent:
    """Something to send. `place`: file, and line or number in it; `end`: how far the file is read.

    `body`: an AuditEvent, a CloudEvent, a Bundle's entry, or a whole Bundle of `count` events.
    """

    place: str
    kind: EventKind
    body: bytes = field(repr=False)
    end: int = 0
    count: int = 1


@dataclass(frozen=True)
class NoEvent:
    """Something that is no event. `is_other`: well-formed, of another kind, which `what` names."""

    place: str
    what: str
    is_other: bool = False
    end: int = 0


Found = FoundEvent | NoEvent


class _Head(msgspec.Struct, frozen=True):
    """What tells kinds apart; nothing else is read."""

    resourceType: str | None = None  # noqa: N815 - FHIR's name
    type: object = None
    specversion: object = None


_KINDS: Final[dict[str, EventKind]] = {"AuditEvent": "audit-event", "Bundle": "whole"}
_DIVISIBLE: Final[dict[str, EventKind]] = {"batch": "batch", "collection": "collection"}
_head = msgspec.json.Decoder(_Head)


def files_of(argument: str) -> list[Path]:
    """Return the files that an argument names: itself, or all of a folder, in order of their names.

    Of a folder those named *.json, *.ndjson and *.jsonl, none that is hidden.
    """
    path = Path(argument)
    if not path.is_dir():
        return [path]
    found: list[Path] = []
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(folder) / name
            for name in sorted(names)
            if name.endswith(_SUFFIXES) and not name.startswith(".")
        ]
    return found


def read_events(file: Path | None) -> Iterator[Found]:
    """Return what is in a file (None: standard input), in its order."""
    name = STDIN if file is None else str(file)
    try:
        with nullcontext(standard_input()) if file is None else file.open("rb") as opened:
            if file is not None and file.suffix in _LINES:
                yield from _lines(opened, name)
                return
            data = opened.read(MAX_FILE_BYTES + 1)
            first = data.lstrip(_SPACE).partition(b"\n")[0]
            if _head_of(first) is not None and data.strip(_SPACE) != first.strip(_SPACE):
                yield from _lines(opened, name, data)
                return
    except OSError as error:
        yield NoEvent(name, error.strerror or "cannot be read")
        return
    if len(data) > MAX_FILE_BYTES:
        yield NoEvent(name, f"over {MAX_FILE_BYTES} bytes; as NDJSON it may be of any size")
        return
    yield from _document(data.strip(_SPACE), name, len(data))


def _lines(opened: IO[bytes], name: str, already_read: bytes = b"") -> Iterator[Found]:
    """Read NDJSON a line at a time; `already_read` was read before."""
    end = number = 0
    pending = [line + b"\n" for line in already_read.split(b"\n")]
    pending[-1] = pending[-1][:-1]  # what was read may end within a line
    pending.reverse()
    while True:
        line = pending.pop() if pending else b""
        if not line.endswith(b"\n"):
            line += opened.readline(MAX_FILE_BYTES)
        if not line:
            return
        number += 1
        end += len(line)
        body = line.strip(_SPACE)
        if not body:
            continue
        place = f"{name}:{number}"
        head = _head_of(body)
        kind = _kind(head)
        if kind in ("audit-event", "cloudevent"):
            yield FoundEvent(place, kind, body, end)
        elif kind == "whole":
            yield NoEvent(place, "a Bundle in a line: expected one event a line", end=end)
        else:
            yield _no_event(place, head, end)


def _document(body: bytes, name: str, end: int) -> Iterator[Found]:
    if body.startswith(b"["):
        yield from _array(body, name, end)
        return
    head = _head_of(body)
    kind = _kind(head)
    if kind in ("audit-event", "cloudevent"):
        yield FoundEvent(name, kind, body, end)
    elif kind == "whole":
        yield from _bundle(body, name, end, head.type if head else None)
    else:
        yield _no_event(name, head, end)


def _array(body: bytes, name: str, end: int) -> Iterator[Found]:
    """Return the elements of a JSON array: a batch of CloudEvents, or AuditEvents one by one."""
    try:
        elements = slice_elements(body, name, _MAX_ENTRIES, "events")
    except RefusedError as error:
        yield NoEvent(name, str(error), end=end)
        return
    for number, element in enumerate(elements):
        place, one = f"{name}: [{number}]", element.strip(_SPACE)
        head = _head_of(one)
        kind = _kind(head)
        if kind in ("audit-event", "cloudevent"):
            yield FoundEvent(place, kind, one, end)
        elif kind == "whole":
            yield NoEvent(place, "a Bundle in an array: expected one event an element", end=end)
        else:
            yield _no_event(place, head, end)


def _bundle(body: bytes, name: str, end: int, type_: object) -> Iterator[Found]:
    """Return the entries of a batch or collection; others whole: a transaction is one thing."""
    kind = _DIVISIBLE.get(str(type_))
    try:
        entries = slice_members(body, name).get("entry", b"[]")
        elements = slice_elements(entries, f"{name}: entry", _MAX_ENTRIES, "entries")
    except RefusedError as error:
        yield NoEvent(name, str(error), end=end)
        return
    if kind is None:
        yield FoundEvent(name, "whole", body, end, count=len(elements))
        return
    for number, element in enumerate(elements):
        yield FoundEvent(f"{name}: entry[{number}]", kind, element.strip(_SPACE), end)


def _head_of(body: bytes) -> _Head | None:
    """Read what tells kinds apart; None where this is no JSON object."""
    try:
        return _head.decode(body)
    except NOT_JSON:
        return None


def _kind(head: _Head | None) -> EventKind | None:
    if head is None:
        return None
    if head.resourceType is None:
        return None if head.specversion is None else "cloudevent"
    return _KINDS.get(head.resourceType)


def _no_event(place: str, head: _Head | None, end: int) -> NoEvent:
    if head is None:
        return NoEvent(place, "not a JSON object in UTF-8 without byte order mark", end=end)
    type_ = head.resourceType or ""
    return NoEvent(place, type_ if type_.isalnum() else "other JSON", is_other=True, end=end)
