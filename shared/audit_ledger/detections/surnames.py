"""Compare surnames regardless of case, accents and order of names."""

import re
import unicodedata
from typing import Final

import msgspec

from audit_ledger.events.text_folding import without_marks
from audit_ledger.private_repr import PrivateRepr

_BEFORE: Final = {"dr", "prof", "mr", "mrs", "ms", "miss"}
_AFTER: Final = {
    "md", "rn", "phd", "dds", "bsn", "mph", "pharmd", "jr", "sr", "ii", "iii", "iv",
}  # fmt: skip
_AFTER_A_COMMA: Final = {"do", "np", "pa"}  # surnames too, if no comma precedes them
_BRACKETS: Final = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")


class Surname(PrivateRepr, msgspec.Struct, frozen=True, gc=False):
    """Normalized words of a name; `is_whole`: given names precede the surname."""

    words: tuple[str, ...]
    is_whole: bool


def of_surname(text: str) -> Surname | None:
    """Parse a surname alone; return None if it has no words."""
    words = _untitled(_words(text))
    return Surname(words, is_whole=False) if words else None


def of_display(text: str) -> Surname | None:
    """Parse a whole name: `Jane van Roe`, `Roe, Jane`, `Dr Jane Roe, MD`; None if it has no words.

    Ignore text in brackets.
    """
    family, comma, others = _BRACKETS.sub(" ", text).partition(",")
    words, more = _untitled(_words(family)), _words(others)
    if comma and {*more} - _AFTER - _AFTER_A_COMMA - _BEFORE:
        return Surname(words, is_whole=False) if words else None
    return Surname(words, is_whole=True) if words else None


def is_same(one: Surname, other: Surname) -> bool:
    """Return whether two people have the same surname.

    A whole name is compared by as many last words as the other's surname has, or else by one.
    """
    if one.is_whole and other.is_whole:
        return one.words[-1] == other.words[-1]
    if one.is_whole or other.is_whole:
        whole, surname = (one, other) if one.is_whole else (other, one)
        return whole.words[-len(surname.words) :] == surname.words
    return one.words == other.words


def last_word(surname: Surname) -> str:
    """Return the last word, by which frequent surnames are listed."""
    return surname.words[-1]


def _untitled(words: tuple[str, ...]) -> tuple[str, ...]:
    """Remove titles before a name, and titles after it except the only remaining word."""
    first, last = 0, len(words)
    while first < last and words[first] in _BEFORE:
        first += 1
    while last - 1 > first and words[last - 1] in _AFTER:
        last -= 1
    return words[first:last]


def _words(text: str) -> tuple[str, ...]:
    """Return the words; a hyphenated name is one word. Keep vowel signs, remove accents."""
    joined = "".join(c for c in without_marks(text) if c not in "-.'’")
    spaced = "".join(c if unicodedata.category(c)[0] in "LM" else " " for c in joined)
    return tuple(spaced.split())
