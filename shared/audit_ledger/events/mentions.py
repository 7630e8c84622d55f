"""Where an event of several patients mentions one of them, in whatever way it is spelled.

What a patient is known by in this event (references, identifiers, names) is looked for in every
string and number: without regard to case, percent-encoded, or in base64. A hit must stand free, as
`12345` does in `MRN12345` and in `Patient?id=12345`, but not in `512345`; what has fewer than
SHORTEST characters would be found everywhere and must be all of a value, id or name.
"""

import re
from base64 import b64decode
from binascii import Error
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import unquote

from audit_ledger.events.event import PatientReference
from audit_ledger.events.json_document import JsonObject
from audit_ledger.events.json_spans import Path

SHORTEST: Final = 4

_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4}){2,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_SEPARATOR: Final = "\0"
_VALUES: Final = ("value", "id", "name", "display", "text", "valueString", "reference")


def normal(text: str) -> str:
    """Give text as it is compared: case folded, white space as single spaces."""
    return " ".join(text.casefold().split())


def known_by(patient: PatientReference) -> set[str]:
    """Give what a patient is known by, from references and identifiers."""
    found = {normal(value) for _, value in patient.identifiers}
    for _, value in patient.identifiers:
        found.add(normal(value.partition("^^^")[0]))
    if patient.reference is not None:
        found.add(normal(patient.reference))
        found.add(normal(re.split("[/:]", patient.reference)[-1]))
    return found - {""}


def name_spellings(name: str) -> set[str]:
    """Give a name as submitted, and turned round: `Jane Roe` is `Roe, Jane` and `Roe Jane`."""
    text = normal(name)
    last, comma, first = text.partition(", ")
    if not comma:
        first, _, last = text.rpartition(" ")
    if not (first and last):
        return {text} - {""}
    return {text, f"{first} {last}", f"{last}, {first}", f"{last} {first}"}


def names_in(resource: JsonObject) -> set[str]:
    """Give the names of a contained Patient (HumanName: text, or given and family)."""
    found: set[str] = set()
    names = resource.get("name")
    for name in names if isinstance(names, list) else []:
        if not isinstance(name, dict):
            continue
        given, family, text = name.get("given"), name.get("family"), name.get("text")
        first = [part for part in given if isinstance(part, str)] if isinstance(given, list) else []
        if isinstance(family, str):
            found |= name_spellings(family)
            found |= name_spellings(f"{family}, {' '.join(first)}")
            found |= name_spellings(f"{family}, {' '.join(first[:1])}")
        if isinstance(text, str):
            found |= name_spellings(text)
    return found


def leaves(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Give every string and whole number at and below `value`, with its path."""
    waiting = [(path, value)]
    while waiting:
        at, item = waiting.pop()
        if isinstance(item, dict):
            waiting += [((*at, name), member) for name, member in item.items()]
        elif isinstance(item, list):
            waiting += [((*at, index), member) for index, member in enumerate(item)]
        elif isinstance(item, str):
            yield at, item
        elif type(item) is int:
            yield at, str(item)


class Finder:
    """Finds who is mentioned. `known[i]` is what patient `i` is known by, in normal form."""

    def __init__(self, known: Sequence[set[str]]) -> None:
        owners: dict[str, set[int]] = {}
        for number, tokens in enumerate(known):
            for token in tokens:
                owners.setdefault(token, set()).add(number)
        self._owners = {token: frozenset(numbers) for token, numbers in owners.items()}

    def find(self, texts: Sequence[tuple[Path, str]]) -> dict[Path, set[frozenset[int]]]:
        """Give the paths whose text mentions patients: for each thing mentioned, whose it is."""
        found: dict[Path, set[frozenset[int]]] = {}
        starts: list[int] = []
        paths: list[Path] = []
        spelled: list[str] = []
        position = 0
        for path, text in texts:
            for spelling in _spellings(text):
                if spelling in self._owners and path[-1] in _VALUES:
                    found.setdefault(path, set()).add(self._owners[spelling])
                starts.append(position)
                paths.append(path)
                spelled.append(spelling)
                position += len(spelling) + 1
        everything = _SEPARATOR.join(spelled)
        for token, owners in self._owners.items():
            if len(token) < SHORTEST:
                continue
            for start in _free_standing(token, everything):
                path = paths[bisect_right(starts, start) - 1]
                found.setdefault(path, set()).add(owners)
        return found


def _spellings(text: str) -> set[str]:
    spellings = {normal(text)}
    if "%" in text or "+" in text:
        spellings.add(normal(unquote(text.replace("+", " "))))
        spellings.add(normal(unquote(text)))
    packed = "".join(text.split())
    if _BASE64.fullmatch(packed):
        try:
            inside = b64decode(packed, validate=True)
        except Error:
            return spellings
        spellings.add(normal(inside.decode("utf-8", "replace")))
        spellings.add(normal(unquote(inside.decode("latin-1"))))
        utf16 = inside.removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
        spellings.add(normal(utf16.replace(b"\0", b"").decode("latin-1")))
    return {spelling.replace(_SEPARATOR, " ") for spelling in spellings}


def _free_standing(token: str, text: str) -> Iterator[int]:
    start = text.find(token)
    while start >= 0:
        end = start + len(token)
        if not (
            _run_on(text[start - 1 : start], token[0]) or _run_on(token[-1], text[end : end + 1])
        ):
            yield start
        start = text.find(token, start + 1)


def _run_on(left: str, right: str) -> bool:
    return (left.isdigit() and right.isdigit()) or (left.isalpha() and right.isalpha())
