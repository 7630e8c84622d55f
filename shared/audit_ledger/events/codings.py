"""Read codings, concepts and outcomes of accepted events, whatever their shape.

R4 and R5 are read in the same way; what does not have the shape of FHIR is left out.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from audit_ledger.events.strict_json import JsonObject


class Coded(msgspec.Struct, frozen=True, gc=False):
    """A coding; `system` is "" if absent, `display` is its own or its concept's text."""

    system: str
    code: str
    display: str | None = None

    @property
    def token(self) -> str:
        """The code as FHIR searches have it: `<system>|<code>`, or `<code>` without a system."""
        return f"{self.system}|{self.code}" if self.system else self.code


def read_outcome(document: JsonObject) -> tuple[tuple[Coded, ...], str | None]:
    """Return the outcome: R4 has a code and `outcomeDesc`; R5 has a Coding and details.

    An outcome of another shape is returned as JSON: a person may understand it.
    """
    outcome = document.get("outcome")
    description = text_or_none(document.get("outcomeDesc"))
    if outcome is None or outcome in ("", [], {}):
        return (), description
    if isinstance(outcome, float) and outcome.is_integer():
        outcome = int(outcome)
    if isinstance(outcome, int) and not isinstance(outcome, bool):  # as in DICOM
        outcome = str(outcome)
    if isinstance(outcome, str):
        return (Coded("", outcome),), description
    found: list[Coded] = []
    for one in outcome if isinstance(outcome, list) else [outcome]:
        code, details = _outcome_of(one)
        found += code
        description = description or details
    if not found and description is None:
        found = [Coded("", msgspec.json.encode(outcome).decode())]
    return tuple(found), description


def _outcome_of(outcome: Any) -> tuple[tuple[Coded, ...], str | None]:
    """Return the codes and text of R5's element, or of a Coding or CodeableConcept instead."""
    if not isinstance(outcome, dict):
        return (() if text_or_none(outcome) is None else (Coded("", outcome),)), None
    code = outcome.get("code")
    codes = (*read_codings(code), *read_codings(outcome))
    text = next(read_texts((outcome.get("detail"),)), None)
    if not codes and text is None:
        text = next(read_texts((code, outcome)), None) or display_of(code) or display_of(outcome)
    return codes, text


def read_codings(value: Any) -> tuple[Coded, ...]:
    """Return the codings of a Coding, a CodeableConcept, or a list of them, with their texts."""
    return tuple(_codings(value, None))


def _codings(value: Any, text: str | None) -> Iterator[Coded]:
    if isinstance(value, list):
        for item in value:
            yield from _codings(item, text)
    elif isinstance(value, dict):
        inside = value.get("coding")
        if inside is not None:
            yield from _codings(inside, text_or_none(value.get("text")))
        code, system = value.get("code"), value.get("system")
        if isinstance(code, str):
            yield Coded(
                system if isinstance(system, str) else "",
                code,
                text_or_none(value.get("display")) or text,
            )


def texts_without_code(concepts: Any) -> tuple[str, ...]:
    """Return the texts of concepts without a code: the concept's and its codings' displays."""
    values = concepts if isinstance(concepts, list) else [concepts]
    return tuple(
        text
        for value in values
        if isinstance(value, dict) and not read_codings(value)
        for text in (text_or_none(value.get("text")), *map(display_of, _codings_of(value)))
        if text
    )


def _codings_of(concept: JsonObject) -> list[Any]:
    codings = concept.get("coding")
    return codings if isinstance(codings, list) else []


def read_texts(values: Iterable[Any]) -> Iterator[str]:
    """Yield the text of each concept that has one, else the displays of its codings."""
    for value in values:
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, dict):
                if text := text_or_none(item.get("text")):
                    yield text
                else:
                    yield from (c.display for c in read_codings(item) if c.display)


def display_of(value: Any) -> str | None:
    return text_or_none(value.get("display")) if isinstance(value, dict) else None


def text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
