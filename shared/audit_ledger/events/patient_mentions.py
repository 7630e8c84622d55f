"""Find the mentions of each patient in an event about several, in any spelling.

The terms of a patient (references, identifiers, names) are searched for in every string, number
and member name, decoded (`decodings`) and word by word (`text_folding`): `12345` occurs in
`MRN12345` and in `Patient?id=12345`, not in `512345`. A mention is

- the consecutive words of an identifier or reference, with any separators;
- two words of a name, or a word and an initial, in any order and close together;
- one word of a name, if the text is for people to read.

Each text takes one pass. Patients are bits of a number, so that the cost is the same for 2 and 256.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar

from audit_ledger.events.json_cut import Path
from audit_ledger.events.patient_names import PatientTerms, Words, word_set
from audit_ledger.events.text_decodings import decodings
from audit_ledger.events.text_folding import fold, words_of
from audit_ledger.events.word_sequences import WordSequences

_Term = TypeVar("_Term", str, Words)

MAX_WORD_DISTANCE: Final = 4
"""Two words of a name are close if they are at most this many words apart."""

_VALUES: Final = ("value", "id", "name", "display", "text", "valueString", "reference")


# Members without prose: a single word in them is a code or part of an address, unless the value is
# a search or a sentence. The display of a coding comes from the code system.
_NO_WORDS: Final = word_set(
    "reference address policy profile system code url type id value resourceType status source"
    " language versionId method contentType use"
)
_CODINGS: Final = word_set(
    "coding type subtype tag security securityLabel role lifecycle category code"
)
_IS_TEXT: Final = re.compile(r"[?\s]")
_MEMBER: Final = re.compile(r"[a-z_][A-Za-z_]*(?:Base64Binary)?|data_base64")
_PARTED: Final = re.compile(r"(?<=\d)[ .\-](?=\d)|(?<=\b[^\W\d_])[ .\-](?=[^\W\d_]\b)")
"""Between digits, and between single letters: 943-476, O.T.T.O"""


def leaves(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield every string and number at and below `value`, with its path."""
    waiting = [(path, value)]
    while waiting:
        at, item = waiting.pop()
        if isinstance(item, dict):
            waiting += [((*at, name), member) for name, member in item.items()]
        elif isinstance(item, list):
            waiting += [((*at, index), member) for index, member in enumerate(item)]
        elif isinstance(item, str):
            yield at, item
        elif type(item) in (int, float):
            yield at, str(item)


def member_names(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the path and the name of every member below `value`."""
    waiting = [(path, value)]
    while waiting:
        at, item = waiting.pop()
        if isinstance(item, dict):
            yield from (((*at, name), name) for name in item)
            below: Iterable[tuple[str | int, Any]] = item.items()
        else:
            below = enumerate(item)
        waiting += [((*at, key), inner) for key, inner in below if type(inner) in (dict, list)]


class MentionFinder:
    """Finds the parts that a text must be cut from. Patient `i` is bit `1 << i`, with `known[i]`.

    A text is cut from the parts of all patients but those it mentions. A term that two patients
    share mentions both, and is cut from neither part.
    """

    def __init__(self, known: Sequence[PatientTerms]) -> None:
        self._all = (1 << len(known)) - 1
        sequences: dict[Words, int] = {}
        self._values: dict[Words, int] = {}
        self._words: dict[str, int] = {}
        self._alone: dict[str, int] = {}
        for number, patient in enumerate(known):
            bit = 1 << number
            initials = {word[0] for word in patient.words if len(word) > 1}
            _add_owner(sequences, patient.sequences, bit)
            _add_owner(self._values, patient.values, bit)
            _add_owner(self._words, patient.words | initials, bit)
            _add_owner(self._alone, patient.alone, bit)
        self._sequences = WordSequences(
            {words: self._all & ~owners for words, owners in sequences.items()}
        )

    def find(self, texts: Iterable[tuple[Path, str]]) -> dict[Path, int]:
        """Return, for each path whose text mentions patients, the parts to cut it from."""
        found = {}
        for path, text in texts:
            gone = self._in_text(text, path[-1] in _VALUES, _is_prose(path, text))
            if gone:
                found[path] = gone
        return found

    def find_names(self, names: Iterable[tuple[Path, str]]) -> dict[Path, int]:
        """Return the same for member names, except those with the form of FHIR's."""
        known: dict[str, int] = {}
        found = {}
        for path, name in names:
            gone = known.get(name)
            if gone is None:
                is_fhir = _MEMBER.fullmatch(name) is not None
                gone = known[name] = 0 if is_fhir else self._in_text(name, True, True)
            if gone:
                found[path] = gone
        return found

    def _in_text(self, text: str, is_value: bool, alone: bool) -> int:
        gone = 0
        for decoded in decodings(text):
            for folded in _foldings(decoded):
                words = words_of(folded)
                whole = is_value or (alone and not folded.isdigit())
                if whole and (owners := self._values.get(tuple(words))) is not None:
                    gone |= self._all & ~owners
                gone |= self._sequences.find(words) | self._names(words, alone)
                if gone == self._all:
                    return gone
        return gone

    def _names(self, words: list[str], alone: bool) -> int:
        gone = 0
        close: list[tuple[int, str, int]] = []  # place, word and owners of the last words
        before = ""
        for place, word in enumerate(words):
            if alone:
                for spelled in (word, before + word):
                    owners = self._alone.get(spelled)
                    if owners is not None:
                        gone |= self._all & ~owners
                before = word
            owners = self._words.get(word)
            if owners is None:
                continue
            for at, other, others in close:
                both = owners & others
                if both and place - at <= MAX_WORD_DISTANCE and _are_two(word, other):
                    gone |= self._all & ~both
            close = [*close[1 - MAX_WORD_DISTANCE :], (place, word, owners)]
        return gone


def _add_owner(owners: dict[_Term, int], terms: Iterable[_Term], bit: int) -> None:
    for term in terms:
        owners[term] = owners.get(term, 0) | bit


def _are_two(one: str, other: str) -> bool:
    """Return whether two words may be two words of a name: different, and not both initials."""
    return one != other and (len(one) > 1 or len(other) > 1)


def _is_prose(path: Path, text: str) -> bool:
    names = [name for name in path if isinstance(name, str)]
    last = names[-1] if names else ""
    if last == "display" and len(names) > 1 and names[-2] in _CODINGS:
        return False
    return last not in _NO_WORDS or _IS_TEXT.search(text) is not None


def _foldings(text: str) -> set[str]:
    """Return the foldings of a text: invisible characters removed or as spaces; digits joined."""
    found = {fold(text)} if text.isascii() else {fold(text), fold(text, " ")}
    return found | {_PARTED.sub("", folded) for folded in found}
