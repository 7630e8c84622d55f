"""Surnames compared as people write them: without regard to case, accents and order."""

import re
import unicodedata
from typing import Final

import msgspec

from audit_ledger.events.text_folding import without_marks

_BEFORE: Final = {"dr", "prof", "mr", "mrs", "ms", "miss"}
_AFTER: Final = {
    "md", "rn", "phd", "dds", "bsn", "mph", "pharmd", "jr", "sr", "ii", "iii", "iv",
}  # fmt: skip
_AFTER_A_COMMA: Final = {"do", "np", "pa"}  # surnames too, where no comma is before them
_BRACKETS: Final = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")


class Surname(msgspec.Struct, frozen=True, gc=False):
    """Words of a name in normal form; `is_whole`: with given names before the surname."""

    words: tuple[str, ...]
    is_whole: bool

    def __repr__(self) -> str:
        """Show nothing of it."""
        return "Surname()"


def of_surname(text: str) -> Surname | None:
    """Take a text for a surname alone."""
    words = _untitled(_words(text))
    return Surname(words, is_whole=False) if words else None


def of_display(text: str) -> Surname | None:
    """Take a text for a whole name: `Jane van Roe`, `Roe, Jane`, `Dr Jane Roe, MD`.

    What stands in brackets is no part of it.
    """
    family, comma, others = _BRACKETS.sub(" ", text).partition(",")
    words, more = _untitled(_words(family)), _words(others)
    if comma and {*more} - _AFTER - _AFTER_A_COMMA - _BEFORE:
        return Surname(words, is_whole=False) if words else None
    return Surname(words, is_whole=True) if words else None


def is_same(one: Surname, other: Surname) -> bool:
    """Return whether two people bear the same surname.

    Of a whole name the surname is what the other one's says it is, else its last word.
    """
    if one.is_whole and other.is_whole:
        return one.words[-1] == other.words[-1]
    if one.is_whole or other.is_whole:
        whole, surname = (one, other) if one.is_whole else (other, one)
        return whole.words[-len(surname.words) :] == surname.words
    return one.words == other.words


def bare(surname: Surname) -> str:
    """Return the last word: what a list of frequent surnames has."""
    return surname.words[-1]


def _untitled(words: tuple[str, ...]) -> tuple[str, ...]:
    """Take titles away: what is before a name, and of what is after one all but a last word."""
    first, last = 0, len(words)
    while first < last and words[first] in _BEFORE:
        first += 1
    while last - 1 > first and words[last - 1] in _AFTER:
        last -= 1
    return words[first:last]


def _words(text: str) -> tuple[str, ...]:
    """Return the words; a double name with hyphens is one. Vowel signs are letters, accents not."""
    joined = "".join(c for c in without_marks(text) if c not in "-.'’")
    spaced = "".join(c if unicodedata.category(c)[0] in "LM" else " " for c in joined)
    return tuple(spaced.split())
