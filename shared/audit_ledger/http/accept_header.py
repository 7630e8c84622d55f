"""Accept (RFC 9110, Section 12.5.1): a list of media ranges with weights, and what it chooses.

    application/fhir+xml;q=1.0, application/fhir+json;fhirVersion=4.0;q=0.9, */*;q=0.1

Of the ranges that match a representation the most specific one gives its weight; 0 means "not
acceptable". `fhirVersion` is the one parameter that tells representations apart here; others
(`charset`, `profile`) are passed over, as what follows the weight is.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 RFC 9110, Section 5.6.2
_RANGE: Final = re.compile(rf"{_TOKEN}/{_TOKEN}|\*")
_WEIGHT: Final = re.compile(r"[0-9]{0,3}(?:\.[0-9]{0,9})?")
_VERSION: Final = re.compile(r"([0-9]{1,4}\.[0-9]{1,4})(?:\.[0-9]{1,4})?")
_FULL_WEIGHT: Final = 1000
_EXACT: Final = 3


@dataclass(frozen=True)
class MediaRange:
    """One element of an Accept header.

    `essence`: `type/subtype` in lower case, either of them `*`; `fhir_version`: major and minor,
    empty where none is named, `?` where it is no version; `weight`: thousandths.
    """

    essence: str
    fhir_version: str = ""
    weight: int = _FULL_WEIGHT


@dataclass(frozen=True)
class Offer:
    """A representation that can be served: its media type and other names of the same.

    `fhir_version`: major and minor; empty where the parameter means nothing.
    """

    names: tuple[str, ...]
    fhir_version: str = ""


def parse_accept(text: str) -> list[MediaRange]:
    """Read the elements of a header; those that are no media ranges are passed over.

    `*` alone, as Java sends it, is `*/*`, and a weight may lack the 0 before its point.
    """
    found = (_media_range(element) for element in _split(text, ","))
    return [each for each in found if each is not None]


def choose(ranges: Sequence[MediaRange], offers: Sequence[Offer]) -> int | None:
    """Return the index of the offer that is wanted most, None where none is acceptable.

    Without any range everything is. Of offers of one weight, one whose `fhirVersion` is named comes
    before the others, and then the first.
    """
    if not ranges:
        return 0
    best: tuple[tuple[int, bool], int] | None = None
    for index, offer in enumerate(offers):
        rank = _rank(ranges, offer)
        if rank[0] > 0 and (best is None or rank > best[0]):
            best = rank, index
    return None if best is None else best[1]


def _rank(ranges: Sequence[MediaRange], offer: Offer) -> tuple[int, bool]:
    """Return the weight of an offer, and whether the range that gives it names its version.

    It is served under its first name, for which wildcards stand too; the others must be named.
    """
    return max(_rank_of_name(ranges, offer, name) for name in offer.names)


def _rank_of_name(ranges: Sequence[MediaRange], offer: Offer, name: str) -> tuple[int, bool]:
    most_specific = (0, False)
    weight = 0
    for each in ranges:
        precision = _precision(each.essence, name)
        if precision == 0 or (precision < _EXACT and name != offer.names[0]):
            continue
        names_version = bool(offer.fhir_version and each.fhir_version)
        if names_version and each.fhir_version != offer.fhir_version:
            continue
        specific = (precision, names_version)
        if specific > most_specific:
            most_specific, weight = specific, each.weight
        elif specific == most_specific:
            weight = max(weight, each.weight)
    return weight, most_specific[1]


def _precision(essence: str, name: str) -> int:
    """Say how exactly a range names a media type: 3 itself, 2 its type, 1 anything, 0 not."""
    if essence == name:
        return _EXACT
    if essence == "*/*":
        return 1
    kind, _, subtype = essence.partition("/")
    return 2 if subtype == "*" and name.startswith(f"{kind}/") else 0


def _media_range(element: str) -> MediaRange | None:
    essence, *parameters = _split(element, ";")
    if not _RANGE.fullmatch(essence):
        return None
    version, weight = "", _FULL_WEIGHT
    for parameter in parameters:
        name, _, value = (part.strip().lower() for part in parameter.partition("="))
        bare = re.sub(r"\\(.)", r"\1", value[1:-1]) if value[:1] == '"' else value
        if name == "q":
            if not _WEIGHT.fullmatch(bare) or bare in ("", "."):
                return None
            weight = min(round(float(bare) * _FULL_WEIGHT), _FULL_WEIGHT)
            break  # what follows is an extension of Accept
        if name == "fhirversion":
            named = _VERSION.fullmatch(bare)
            version = "?" if named is None else named[1]
    return MediaRange("*/*" if essence == "*" else essence.lower(), version, weight)


def _split(text: str, separator: str) -> list[str]:
    """Split at a separator outside of quoted strings; parts without space around them."""
    parts, start = [], 0
    is_quoted = is_escaped = False
    for index, character in enumerate(text):
        if is_escaped:
            is_escaped = False
        elif is_quoted and character == "\\":
            is_escaped = True
        elif character == '"':
            is_quoted = not is_quoted
        elif character == separator and not is_quoted:
            parts.append(text[start:index].strip())
            start = index + 1
    return [*parts, text[start:].strip()]
