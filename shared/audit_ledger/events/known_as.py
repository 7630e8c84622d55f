"""What a patient is known by in an event: references and identifiers, and names."""

import re
from collections.abc import Iterable
from typing import Any, Final
from unicodedata import normalize

import msgspec

from audit_ledger.events.event import PatientReference
from audit_ledger.events.folding import fold, is_unspaced, runs_of, words_of
from audit_ledger.events.json_document import JsonObject

SHORTEST: Final = 4
"""Characters of an identifier. A shorter one stands everywhere: it must be all of a value."""
SHORTEST_NAME: Final = 3
LONGEST_NAME: Final = 256
MOST_WORDS: Final = 12
"""Of a name. What is longer is no name, and is looked for as it is written."""

Words = tuple[str, ...]


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


# What belongs to nobody in particular: titles, suffixes, particles.
_TITLES: Final = _listed(
    "mr mrs ms miss mx dr prof sir dame rev jr sr ii iii iv esq md phd med dipl ing mag herr frau"
    " hr fr mme mlle sig sra srta dhr mevr van von der den de del della di da do dos das du la le"
    " les el al bin ibn bint abu y e und and zu zur zum ter ten op af av"
)
# Words of invented and missing names, which say nothing alone.
_PLACEHOLDERS: Final = _listed(
    "patient patients test tester demo example sample unknown anonymous unidentified baby boy girl"
    " male female newborn infant twin person name the for not was with"
)
_TRANSLITERATED: Final = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "Ä": "ae", "Ö": "oe", "Ü": "ue"}
    | {"Å": "aa", "Ø": "oe"}
)
_DIGRAPH: Final = re.compile("(?<=[aou])e")
_AUTHORITY: Final = re.compile(r"[\^&|]")


class KnownAs(msgspec.Struct, gc=False):
    """What one patient is known by.

    `sequences`: words that mention the patient where they stand in a row; `values`: what must be
    all of a value; `words`: of names, two of which mention the patient where they stand together;
    `alone`: those of them that do so alone.
    """

    sequences: set[Words]
    values: set[Words]
    words: set[str]
    alone: set[str]

    def __repr__(self) -> str:
        """Show nothing of it."""
        return "KnownAs()"


def known_as(patient: PatientReference, names: Iterable[str]) -> KnownAs:
    """Give what a patient is known by, from references, identifiers and names as submitted."""
    known = KnownAs(set(), set(), set(), set())
    for _, value in patient.identifiers:
        _add_identifier(known, value)
        for repetition in value.split("~") if "^" in value or "~" in value else ():
            _add_identifier(known, _AUTHORITY.split(repetition, maxsplit=1)[0])  # HL7 CX
    if patient.reference is not None:
        _add_identifier(known, patient.reference)
        _add_identifier(known, re.split("[/:]", patient.reference)[-1])
    for name in names:
        _add_name(known, name)
    return known


def names_in(resource: JsonObject) -> list[str]:
    """Give the names of a contained Patient (HumanName: text, or given and family)."""
    found: list[str] = []
    names = resource.get("name")
    for name in names if isinstance(names, list) else []:
        if not isinstance(name, dict):
            continue
        parts: list[Any] = [name.get("family")]
        given = name.get("given")
        parts += given if isinstance(given, list) else [given]
        found.append(" ".join(part for part in parts if isinstance(part, str)))
        if isinstance(name.get("text"), str):
            found.append(name["text"])
    return found


def _add_identifier(known: KnownAs, text: str) -> None:
    words = tuple(words_of(fold(text)))
    if not words:
        return
    long = sum(map(len, words)) >= SHORTEST
    (known.sequences if long else known.values).add(words)
    if long and len(words) > 1 and all(word.isdigit() for word in words):
        known.sequences.add(("".join(words),))  # 943-476-5919 is 9434765919


def _add_name(known: KnownAs, name: str) -> None:
    folded = fold(name)
    sequence = tuple(words_of(folded))
    if not sequence:
        return
    known.values.add(sequence)
    if sum(map(len, sequence)) >= SHORTEST and len(sequence) > 1:
        known.sequences.add(sequence)
    if len(name) > LONGEST_NAME or len(sequence) > MOST_WORDS:
        return
    spelled = {folded, fold(normalize("NFC", name).translate(_TRANSLITERATED))}
    spelled.add(_DIGRAPH.sub("", folded))  # Mueller is Müller
    for spelling in spelled:
        _add_spelling(known, runs_of(spelling))


def _add_spelling(known: KnownAs, runs: list[str]) -> None:
    """Add the words of a name, and what becomes of them where they are not parted."""
    unspaced = [run for run in runs if is_unspaced(run)]
    for run in (*unspaced, "".join(unspaced), "".join(reversed(unspaced))):
        known.sequences |= {tuple(part) for part in (run, run[:2], run[-2:]) if len(part) > 1}
    written = [run for run in runs if not is_unspaced(run)]
    words = [word for word in written if word not in _TITLES] or written
    known.words |= set(words)
    known.alone |= {
        word for word in words if len(word) >= SHORTEST_NAME and word not in _PLACEHOLDERS
    }
    joined = {"".join(written[i : i + n]) for n in (2, 3) for i in range(len(written) - n + 1)}
    joined |= {after + before for before in words for after in words if after != before}
    known.alone |= {word for word in joined if len(word) > SHORTEST and word.isalpha()}
