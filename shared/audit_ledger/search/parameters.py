"""A query string's parameters (`parameter_docs`), parsed to a Search.

Repetition of a parameter is AND, a comma OR. A search must be bounded: by `date`, `_id`, or a
patient or agent who can be looked up.

Modifiers: `:missing` of all but dates and `_id`; `:not` of tokens; `:exact` and `:contains` of
strings; of references `:identifier`, which is the parameter `….identifier`, and `:<type>` with an
id alone. `patient:Patient.identifier` is `patient.identifier`.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final, TypeVar, get_args

from audit_ledger.events.errors import IssueType
from audit_ledger.events.references import is_type_name
from audit_ledger.fhir_versions.resource_shape import ELEMENTS, OF_ALL, OF_RESOURCES
from audit_ledger.search.closed_codes import parse_action, parse_outcome
from audit_ledger.search.criteria import (
    DEFAULT_COUNT,
    MAX_COUNT,
    Criterion,
    OwnUse,
    Search,
    Sort,
    Text,
    Token,
    Total,
    Value,
)
from audit_ledger.search.errors import RejectedSearchError
from audit_ledger.search.parameter_docs import OF_THE_ANSWER, PARAMETERS, ParameterType
from audit_ledger.search.query_plan import is_bounded
from audit_ledger.search.values import (
    parse_agent,
    parse_date,
    parse_id,
    parse_patient,
    parse_text,
    parse_token,
    split_values,
)

_T = TypeVar("_T")

MAX_VALUES: Final = 100
MAX_QUERY_BYTES: Final = 4096

_TYPES: Final = {parameter.name: parameter.type for parameter in PARAMETERS}
_BY_TYPE: Final[dict[ParameterType, Callable[[str, str], Value]]] = {
    "date": parse_date,
    "reference": parse_agent,
    "string": parse_text,
    "token": parse_token,
    "uri": parse_text,
}
_PARSERS: Final[dict[str, Callable[[str, str], Value]]] = {
    **{name: _BY_TYPE[type_] for name, type_ in _TYPES.items()},
    "_id": parse_id,
    "patient": parse_patient,
    "action": parse_action,
    "outcome": parse_outcome,
}
_OWN_USES: Final[tuple[OwnUse, ...]] = get_args(OwnUse)
_TOTALS: Final[tuple[Total, ...]] = get_args(Total)
_SORTS: Final[tuple[Sort, ...]] = get_args(Sort)
_SUMMARIES: Final = ("count", "false")
_OF_OWN_USE: Final = ("110101", "110106")  # DICOM: Audit Log Used, Export
_CHAINS: Final = {"patient:Patient.identifier": "patient.identifier"}
_TYPED_ID: Final = re.compile(r"[^/:?#|\s]+")
_ELEMENTS: Final = frozenset(
    name
    for elements in (*(kinds["AuditEvent"] for kinds in ELEMENTS.values()), OF_ALL, OF_RESOURCES)
    for name in elements
)
# A + that was not written as %2B arrives as a space.
_JSON: Final = (
    "json",
    "application/json",
    "text/json",
    "application/fhir+json",
    "application/fhir json",
)
_COUNT: Final = re.compile(r"[0-9]+")
_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}(?::[A-Za-z\-.]{1,64})?")


def parse_search(
    pairs: Iterable[tuple[str, str]], *, is_strict: bool, is_bounded_by_token: bool = False
) -> Search:
    """Parse the names and values of a query string, percent-decoded, in order.

    `is_strict`: `Prefer: handling=strict`: an unknown parameter is an error; else it is left out
    and named in `ignored`. A modifier that a parameter does not have is an error in both (FHIR,
    Search, Modifiers). `is_bounded_by_token`: the caller sees only one patient's events, which
    bound the search. Raise RejectedSearchError, and nothing else.
    """
    pairs = list(pairs)
    _check_size(pairs)
    criteria: list[Criterion] = []
    ignored: dict[str, None] = {}
    answer: dict[str, str] = {}
    for full_name, text in pairs:
        name, colon, modifier = _CHAINS.get(full_name, full_name).partition(":")
        is_lesser = name == "_summary" and text not in _SUMMARIES
        if is_lesser or (name not in _PARSERS and name not in OF_THE_ANSWER):
            if is_strict:
                raise RejectedSearchError(
                    _shown(full_name), "a parameter that this server knows", "not-supported"
                )
            ignored[_shown(full_name)] = None
        elif name in _PARSERS:
            criteria.append(_criterion(name, modifier if colon else None, text))
        elif colon:
            raise RejectedSearchError(name, "no modifier", "not-supported")
        elif name in answer:
            raise RejectedSearchError(name, "this parameter once", "invalid")
        else:
            answer[name] = text
    if sum(len(criterion.values) for criterion in criteria) > MAX_VALUES:
        raise RejectedSearchError("the search", f"at most {MAX_VALUES} values in all", "too-costly")
    search = Search(
        criteria=tuple(criteria),
        own_use=_own_use(answer.get("own-use"), criteria),
        count=_count(answer.get("_count")) or DEFAULT_COUNT,
        sort=_sort(answer.get("_sort")),
        format=_format(answer.get("_format")),
        cursor=_cursor(answer.get("_cursor")),
        ignored=tuple(ignored),
        total=_total(answer.get("_total")),
        counts_only=answer.get("_summary") == "count" or _count(answer.get("_count")) == 0,
        elements=_elements(answer.get("_elements")),
    )
    if not is_bounded_by_token and not is_bounded(search):
        raise RejectedSearchError(
            "date",
            "this parameter, or _id, or a patient or agent who can be looked up: patient=<id>, "
            "agent=Practitioner/<id>, or an identifier with its system",
            "required",
        )
    return search


def _check_size(pairs: list[tuple[str, str]]) -> None:
    """Refuse more than MAX_QUERY_BYTES of `name=value&…`, and what has no form in UTF-8."""
    try:
        size = sum(len(name.encode()) + len(value.encode()) + 2 for name, value in pairs)
    except UnicodeEncodeError:
        raise RejectedSearchError("the query string", "UTF-8, percent-encoded") from None
    if size > MAX_QUERY_BYTES:
        raise RejectedSearchError(
            "the query string", f"at most {MAX_QUERY_BYTES} bytes, decoded", "too-long", 414
        )


def _shown(name: str) -> str:
    """Return an unknown parameter's name, unless it has not the form of a name."""
    return name if _NAME.fullmatch(name) else "(no name of a parameter)"


def _criterion(name: str, modifier: str | None, text: str) -> Criterion:
    """Read one parameter and its modifier, of those that it has."""
    type_ = "" if name == "_id" else _TYPES[name]  # an id has no modifier
    is_reference = type_ == "reference"
    if modifier is None:
        return Criterion(name, _values(name, text))
    if modifier == "missing" and type_ not in ("", "date"):
        if text not in ("true", "false"):
            raise RejectedSearchError(f"{name}:missing", "true or false")
        return Criterion(name, (Text(text),), "missing")
    if modifier == "not" and type_ == "token":
        return Criterion(name, _values(name, text), "not")
    if modifier in ("exact", "contains") and type_ == "string":
        return Criterion(name, _values(name, text), "exact" if modifier == "exact" else "contains")
    if modifier == "identifier" and is_reference:
        return Criterion(f"{name}.identifier", _values(f"{name}.identifier", text))
    if is_reference and is_type_name(modifier) and (name != "patient" or modifier == "Patient"):
        ids = split_values(name, text)
        if not all(map(_TYPED_ID.fullmatch, ids)):
            raise RejectedSearchError(name, "an id alone, where the modifier is its type")
        typed = tuple(_PARSERS[name](name, f"{modifier}/{one}") for one in ids)
        return Criterion(name, typed)
    raise RejectedSearchError(name, "no modifier, or one that it has", "not-supported")


def _values(name: str, text: str) -> tuple[Value, ...]:
    return tuple(_PARSERS[name](name, value) for value in split_values(name, text))


def _one_of(
    name: str, text: str, allowed: tuple[_T, ...], expected: str, code: IssueType = "value"
) -> _T:
    for value in allowed:
        if value == text:
            return value
    raise RejectedSearchError(name, expected, code)


def _total(text: str | None) -> Total | None:
    return None if text is None else _one_of("_total", text, _TOTALS, "none, estimate or accurate")


def _elements(text: str | None) -> tuple[str, ...]:
    names = () if text is None else tuple(dict.fromkeys(text.split(",")))
    if not _ELEMENTS.issuperset(names):
        raise RejectedSearchError("_elements", "names of elements of AuditEvent")
    return names


def _count(text: str | None) -> int | None:
    if text is None:
        return None
    if not _COUNT.fullmatch(text):
        raise RejectedSearchError("_count", f"a number from 0 to {MAX_COUNT}")
    return min(int(text.lstrip("0")[:4] or "0"), MAX_COUNT)


def _sort(text: str | None) -> Sort:
    return _one_of(
        "_sort", "-date" if text is None else text, _SORTS, "date or -date", "not-supported"
    )


def _own_use(text: str | None, criteria: Iterable[Criterion]) -> OwnUse:
    """Exclude the ledger's own events, unless a criterion requests them."""
    if text is not None:
        return _one_of("own-use", text, _OWN_USES, "include, exclude or only")
    is_requested = any(
        criterion.parameter == "_id"
        or (criterion.parameter in ("type", "category") and value.code in _OF_OWN_USE)
        for criterion in criteria
        if not criterion.modifier
        for value in criterion.values
        if isinstance(value, Token)
    )
    return "include" if is_requested else "exclude"


def _format(text: str | None) -> str | None:
    """Return `_format` as a link repeats it; its effect was decided together with Accept."""
    if text is None:
        return None
    essence = text.partition(";")[0].strip().lower().replace(" ", "+")
    if essence not in _JSON:
        raise RejectedSearchError("_format", "json or application/fhir+json", "not-supported", 406)
    return text if ";" in text else "json"


def _cursor(text: str | None) -> str | None:
    if text == "":
        raise RejectedSearchError("_cursor", "the cursor of a link next")
    return text
