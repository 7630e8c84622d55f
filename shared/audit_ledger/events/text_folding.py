"""Normalize text to compare names and identifiers: words without case, marks and width.

    "MÜLLER, Jürgen"   muller jurgen        "Ｈｅｒｏｎ^OTTO"   heron otto
    "MRN8801018"       mrn 8801018          "O’Brien"        o brien

Unicode Standard Annex 15 (NFKD), Unicode Standard 3.13 (case folding). The comparison is lenient
on purpose: no mention of a patient may be overlooked.
"""

import re
from functools import lru_cache
from typing import Final
from unicodedata import category, combining, decimal, normalize

# Replacements of letters that Unicode does not decompose.
_LETTERS: Final = str.maketrans(
    {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ŋ": "n"}
    | {chr(katakana): chr(katakana - 0x60) for katakana in range(0x30A1, 0x30F7)}  # as hiragana
)
_INVISIBLE: Final = frozenset(
    "\u115f\u1160\u2800\u3164\uffa0"
)  # with general categories of letters
# Scripts without spaces between words: each character is a word, so that a name is found in a
# sentence. Thai to Lao, Myanmar, Jamo, Khmer, CJK and kana, Hangul, further ideographs.
_UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u9fff\ua960-\ua97f"
    "\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff"
)
_WORD: Final = re.compile(rf"[{_UNSPACED}]|[^\W\d_{_UNSPACED}]+|\d+")
_ASCII_WORD: Final = re.compile(r"[a-z]+|[0-9]+")
_RUN: Final = re.compile(rf"[{_UNSPACED}]+|[^\W\d_{_UNSPACED}]+|\d+")
_IS_UNSPACED: Final = re.compile(f"[{_UNSPACED}]")


def fold(text: str, invisible: str = "") -> str:
    """Return the normal form of text; `invisible` replaces invisible characters."""
    if text.isascii():
        return text.lower()
    seen = "".join(map(_visible, without_marks(text))).translate(_LETTERS)
    return normalize("NFC", seen).replace("\0", invisible)


def without_marks(text: str) -> str:
    """Return text case folded and decomposed (NFKD), without accents and other marks.

    Remove the marks of the text itself first: sorting many of them takes work that grows with the
    square of their number (Unicode Standard Annex 15, Section 13, Stream-Safe Text).
    """
    if text.isascii():
        return text.lower()
    bare = "".join(c for c in text if not combining(c))
    decomposed = normalize("NFKD", normalize("NFKD", bare).casefold())
    return "".join(c for c in decomposed if not combining(c))


@lru_cache(maxsize=4096)
def _visible(character: str) -> str:
    """Return a character without marks, a digit in ASCII, or NUL for an invisible character."""
    kind = category(character)
    if kind[0] == "M":
        return ""
    if kind == "Cf" or character in _INVISIBLE:
        return "\0"
    return str(decimal(character)) if kind == "Nd" else character


def words_of(folded: str) -> list[str]:
    """Return the words of folded text: runs of letters, runs of digits."""
    return (_ASCII_WORD if folded.isascii() else _WORD).findall(folded)


def runs_of(folded: str) -> list[str]:
    """Return the words of folded text; a run of an unspaced script counts as one word."""
    return _RUN.findall(folded)


def is_unspaced(run: str) -> bool:
    """Return whether a run is of a script without spaces between words."""
    return _IS_UNSPACED.match(run) is not None
