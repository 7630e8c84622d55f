"""Collect the terms that identify a patient in an event: references, identifiers and names."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final
from unicodedata import normalize

import msgspec

from audit_ledger.events.event import PatientReference
from audit_ledger.events.references import normalize_reference
from audit_ledger.events.strict_json import JsonObject
from audit_ledger.events.text_decodings import decodings
from audit_ledger.events.text_folding import fold, is_unspaced, runs_of, words_of
from audit_ledger.events.word_sequences import WordSequences
from audit_ledger.private_repr import PrivateRepr

MIN_LENGTH: Final = 4
"""Characters of an identifier. A shorter one is too common: it must be an entire value."""
MIN_NAME_LENGTH: Final = 3
MAX_NAME_LENGTH: Final = 256
MAX_SINGLE_NAME_WORDS: Final = 3
"""A longer `name` may be a sentence about two people."""
MAX_NAME_WORDS: Final = 12
"""A longer `name` is no name and is searched for verbatim."""

Words = tuple[str, ...]


def word_set(words: str) -> frozenset[str]:
    """Return the words of a text separated by spaces."""
    return frozenset(words.split())


# Words that identify nobody: titles, suffixes, particles.
_TITLES: Final = word_set(
    "mr mrs ms miss mx dr prof sir dame rev jr sr ii iii iv esq md phd med dipl ing mag herr frau"
    " hr fr mme mlle sig sra srta dhr mevr van von der den de del della di da do dos das du la le"
    " les el al bin ibn bint abu y e und and zu zur zum ter ten op af av"
)
# Words of invented and missing names, which identify nobody alone.
_PLACEHOLDERS: Final = word_set(
    "patient patients test tester demo example sample unknown anonymous unidentified baby boy girl"
    " male female newborn infant twin person name the for not was with"
)
_TRANSLITERATED: Final = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "Ä": "ae", "Ö": "oe", "Ü": "ue"}
    | {"Å": "aa", "Ø": "oe"}
)
_DIGRAPH: Final = re.compile("(?<=[aou])e")
_NAME_LABEL: Final = re.compile(
    r"^(?:name|pn)$|(?:patient|person|subject|family|given|human|maiden)[a-z ._-]{0,20}name"
    r"|0010,?0010",
    re.IGNORECASE,
)
_AUTHORITY: Final = re.compile(r"[\^&|]")


class PatientTerms(PrivateRepr, msgspec.Struct, gc=False):
    """The terms that identify one patient.

    `sequences`: consecutive words that mention the patient; `values`: words that mention the
    patient only as an entire value; `words`: words of names, two of which close together mention
    the patient; `alone`: words of names that suffice alone.
    """

    sequences: set[Words]
    values: set[Words]
    words: set[str]
    alone: set[str]


def patient_terms(
    patient: PatientReference, names: Iterable[str], identifiers: Iterable[str] = ()
) -> PatientTerms:
    """Return the terms of a patient: references, identifiers and names as submitted.

    `identifiers` are further values, by which the patient cannot be looked up.
    """
    known = PatientTerms(set(), set(), set(), set())
    for value in (*(value for _, value in patient.identifiers), *identifiers):
        _add_identifier(known, value)
        for repetition in value.split("~") if "^" in value or "~" in value else ():
            _add_identifier(known, _AUTHORITY.split(repetition, maxsplit=1)[0])  # HL7 CX
    if patient.reference is not None:
        _add_identifier(known, patient.reference)
        _add_identifier(known, normalize_reference(patient.reference)[1])  # without a server's URL
        _add_identifier(known, re.split("[/:]", patient.reference)[-1])
    for name in names:
        _add_name(known, name)
    return known


def names_in(resource: JsonObject) -> list[str]:
    """Return the names of a contained Patient."""
    return [
        spelled
        for name in _listed_at(resource, "name")
        if isinstance(name, dict)
        for spelled in _human_name(name)
    ]


def contacts_in(element: JsonObject) -> list[str]:
    """Return the telephone numbers, mail addresses and address lines of an element, verbatim.

    Towns, countries and postal codes are shared by many people and are left out.
    """
    found: list[str] = []
    for name in ("telecom", "valueContactPoint"):
        for point in _listed_at(element, name):
            if isinstance(point, dict):
                found += _texts(point.get("value"))
    for name in ("address", "valueAddress"):
        for address in _listed_at(element, name):
            if isinstance(address, dict):
                found += _texts(address.get("text"), *_listed_at(address, "line"))
    return found


def names_and_identifiers(element: Any) -> tuple[list[str], list[str]]:
    """Return the names and the identifiers of a patient in the element that refers to them.

    Sources are Identifiers and HumanNames at any depth, `name` and `display` of the element and of
    its `what`, and details labelled as names: `{"type": "PatientName", "valueString": …}`.
    """
    names: list[str] = []
    identifiers: list[str] = []
    if isinstance(element, dict):
        for holder in (element, element.get("what")):
            if isinstance(holder, dict):
                names += _texts(holder.get("name"), holder.get("display"))
    waiting: list[tuple[str, Any]] = [("", element)]
    while waiting:
        member, item = waiting.pop()
        if isinstance(item, list):
            waiting += [(member, inside) for inside in item]
        elif isinstance(item, dict):
            identifiers += contacts_in(item)
            if member in ("identifier", "valueIdentifier"):
                identifiers += _texts(item.get("value"))
            elif isinstance(item.get("family"), str):
                names += _human_name(item)
            elif any(map(_NAME_LABEL.search, _texts(item.get("type"), item.get("url")))):
                for value in _texts(item.get("valueString"), item.get("valueBase64Binary")):
                    names += decodings(value)
            waiting += [(m, i) for m, i in item.items() if isinstance(i, dict | list)]
    return names, identifiers


def distinguish_names(names: Sequence[Sequence[str]]) -> list[list[str]]:
    """Remove other patients' names from each patient's names: `Ida Larch (not Otto Heron)`.

    Otherwise those words would identify both patients and be cut from neither part. Only longer
    names change: `Otto Heron Larch` stays, even if another patient is named `Otto Heron`.
    """
    words = [[tuple(words_of(fold(name))) for name in of_one] for of_one in names]
    owners: dict[Words, int] = {}
    for number, of_one in enumerate(words):
        for name in of_one:
            owners[name] = owners.get(name, 0) | 1 << number
    whole = WordSequences(
        {name: owner for name, owner in owners.items() if len(name) > 1 and owner.bit_count() == 1}
    )
    distinct: list[list[str]] = []
    for number, of_one in enumerate(words):
        distinct.append([])
        for name, written in zip(of_one, names[number], strict=True):
            others = whole.find(name) & ~(1 << number) if len(name) > MAX_SINGLE_NAME_WORDS else 0
            theirs = {
                word
                for other in range(others.bit_length())
                if others >> other & 1
                for of_other in words[other]
                if len(of_other) <= MAX_SINGLE_NAME_WORDS
                for word in of_other
            }
            apart = " ".join(word for word in name if word not in theirs) if theirs else written
            distinct[-1].append(apart)
    return distinct


def _human_name(name: JsonObject) -> list[str]:
    """Return the spellings of a HumanName: family and given names, and its text."""
    given = name.get("given")
    parts = _texts(name.get("family"), *(given if isinstance(given, list) else [given]))
    return [*([" ".join(parts)] if parts else []), *_texts(name.get("text"))]


def _listed_at(element: JsonObject, name: str) -> list[Any]:
    value = element.get(name)
    return value if isinstance(value, list) else [value]


def _texts(*values: Any) -> list[str]:
    return [value for value in values if isinstance(value, str)]


def _add_identifier(known: PatientTerms, text: str) -> None:
    words = tuple(words_of(fold(text)))
    if not words:
        return
    long = sum(map(len, words)) >= MIN_LENGTH
    (known.sequences if long else known.values).add(words)
    if long and len(words) > 1 and all(word.isdigit() for word in words):
        known.sequences.add(("".join(words),))  # 943-476-5919 is 9434765919


def _add_name(known: PatientTerms, name: str) -> None:
    folded = fold(name)
    sequence = tuple(words_of(folded))
    if not sequence:
        return
    known.values.add(sequence)
    if sum(map(len, sequence)) >= MIN_LENGTH and len(sequence) > 1:
        known.sequences.add(sequence)
    if len(name) > MAX_NAME_LENGTH or len(sequence) > MAX_NAME_WORDS:
        return
    spelled = {folded, fold(normalize("NFC", name).translate(_TRANSLITERATED))}
    spelled.add(_DIGRAPH.sub("", folded))  # Mueller is Müller
    for spelling in spelled:
        _add_spelling(known, runs_of(spelling))


def _add_spelling(known: PatientTerms, runs: list[str]) -> None:
    """Add the words of a name, and the forms that they take if joined."""
    unspaced = [run for run in runs if is_unspaced(run)]
    for run in (*unspaced, "".join(unspaced), "".join(reversed(unspaced))):
        known.sequences |= {tuple(part) for part in (run, run[:2], run[-2:]) if len(part) > 1}
    written = [run for run in runs if not is_unspaced(run)]
    words = [word for word in written if word not in _TITLES] or written
    known.words |= set(words)
    known.alone |= {
        word for word in words if len(word) >= MIN_NAME_LENGTH and word not in _PLACEHOLDERS
    }
    known.alone |= {f"{word}s" for word in words if len(word) >= MIN_LENGTH}  # Herons chart
    for word in words:  # as in user names: oheron, herono
        if len(word) >= MIN_NAME_LENGTH:
            initials = {other[0] for other in words if other != word}
            known.alone |= {one for i in initials for one in (i + word, word + i)}
    joined = {"".join(written[i : i + n]) for n in (2, 3) for i in range(len(written) - n + 1)}
    joined |= {after + before for before in words for after in words if after != before}
    known.alone |= {word for word in joined if len(word) > MIN_LENGTH and word.isalpha()}
