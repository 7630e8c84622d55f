"""Surnames compared as people write them: without regard to case, accents and order."""

import unicodedata

import msgspec

_TITLES = {
    "dr", "prof", "mr", "mrs", "ms", "miss",
    "md", "do", "rn", "np", "pa", "phd", "dds", "bsn", "mph", "pharmd",
    "jr", "sr", "ii", "iii", "iv",
}  # fmt: skip


class Surname(msgspec.Struct, frozen=True, gc=False):
    """Words of a name in normal form; `is_whole`: with given names before the surname."""

    words: tuple[str, ...]
    is_whole: bool

    def __repr__(self) -> str:
        """Show nothing of it."""
        return "Surname()"


def of_surname(text: str) -> Surname | None:
    """Take a text for a surname alone."""
    words = _words(text)
    return Surname(words, is_whole=False) if words else None


def of_display(text: str) -> Surname | None:
    """Take a text for a whole name: `Jane van Roe`, `Roe, Jane`, `Dr Jane Roe, MD`."""
    words = _words(text)
    family = _words(text.partition(",")[0])
    if family and family != words:
        return Surname(family, is_whole=False)
    return Surname(words, is_whole=True) if words else None


def is_same(one: Surname, other: Surname) -> bool:
    """Say whether two people bear the same surname.

    Of a whole name the surname is what the other one's says it is, else its last word.
    """
    if one.is_whole and other.is_whole:
        return one.words[-1] == other.words[-1]
    if one.is_whole or other.is_whole:
        whole, surname = (one, other) if one.is_whole else (other, one)
        return whole.words[-len(surname.words) :] == surname.words
    return one.words == other.words


def bare(surname: Surname) -> str:
    """Give the last word: what a list of frequent surnames has."""
    return surname.words[-1]


def _words(text: str) -> tuple[str, ...]:
    """Give the words; a double name with hyphens is one, titles are none."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    joined = "".join(c for c in decomposed if not (unicodedata.combining(c) or c in "-.'’"))
    spaced = "".join(c if c.isalpha() else " " for c in joined)
    return tuple(word for word in spaced.split() if word not in _TITLES)
