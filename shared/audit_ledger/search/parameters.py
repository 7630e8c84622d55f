"""A query string's parameters, parsed to a Search.

| parameter | type (both: reference, token) | looks at (R4; R5 where it differs) |
|---|---|---|
| `date` | date | `recorded`; a CloudEvent's own time |
| `_lastUpdated` | date | the time of the entry, whole seconds |
| `_id` | token | the event id |
| `patient`, `patient.identifier` | both | a patient as `entity.what` or `agent.who`; `patient` |
| `agent`, `agent.identifier` | both | `agent.who` |
| `source.identifier` | token | `source.observer` |
| `entity.identifier` | token | `entity.what` |
| `entity-type`, `entity-role` | token | `entity.type`, `entity.role` |
| `address` | string, `:exact`, `:contains` | `agent.network.address`; `agent.network[x]` |
| `action`, `outcome` | token | `action`, `outcome`; `outcome.code` |
| `type`, or `category` as R5 has it | token | `type`; `category` |
| `subtype`, or `code` as R5 has it | token | `subtype`; `code` |
| `purpose` | token | `purposeOfEvent` and `agent.purposeOfUse`; `authorization` |

and of the answer `_count` (50; at most 100 are given), `_sort` (`-date`, `date`), `_format` (JSON)
and `_cursor` (of a link next). `_count=0` would ask for a total, which is not given (`bundle`):
refused. Repetition of a parameter is AND, a comma OR. A search must be bounded: by `date`, `_id`,
or a patient or agent who can be looked up.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final

from audit_ledger.search.criteria import (
    DEFAULT_COUNT,
    MAX_COUNT,
    Criterion,
    Modifier,
    OwnUse,
    Search,
    Sort,
    Token,
    Value,
)
from audit_ledger.search.lookups import is_bounded
from audit_ledger.search.rejected import RejectedSearch
from audit_ledger.search.values import (
    parse_agent,
    parse_date,
    parse_id,
    parse_patient,
    parse_text,
    parse_token,
    split_values,
)

MAX_VALUES: Final = 100
MAX_QUERY_BYTES: Final = 4096

_PARSERS: Final[dict[str, Callable[[str, str], Value]]] = {
    "date": parse_date,
    "_lastUpdated": parse_date,
    "_id": parse_id,
    "patient": parse_patient,
    "patient.identifier": parse_token,
    "agent": parse_agent,
    "agent.identifier": parse_token,
    "source.identifier": parse_token,
    "entity.identifier": parse_token,
    "entity-type": parse_token,
    "entity-role": parse_token,
    "address": parse_text,
    "action": parse_token,
    "type": parse_token,
    "category": parse_token,
    "subtype": parse_token,
    "code": parse_token,
    "outcome": parse_token,
    "purpose": parse_token,
}
_OF_THE_ANSWER: Final = ("_count", "_sort", "own-use", "_format", "_cursor")
_OWN_USES: Final[dict[str, OwnUse]] = {
    "include": "include",
    "exclude": "exclude",
    "only": "only",
}
_OF_OWN_USE: Final = ("110101", "110106")  # DICOM: Audit Log Used, Export
_MODIFIERS: Final[dict[tuple[str, str], Modifier]] = {
    ("address", "exact"): "exact",
    ("address", "contains"): "contains",
}
_SORTS: Final[dict[str, Sort]] = {"date": "date", "-date": "-date"}
# A + that nobody wrote as %2B arrives as a space.
_JSON: Final = (
    "json",
    "application/json",
    "text/json",
    "application/fhir+json",
    "application/fhir json",
)
_COUNT: Final = re.compile(r"0*[1-9][0-9]*")
_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}(?::[A-Za-z\-]{1,32})?")


def parse_search(
    pairs: Iterable[tuple[str, str]], *, is_strict: bool, is_bounded_by_token: bool = False
) -> Search:
    """Parse the names and values of a query string, percent-decoded, in order.

    `is_strict`: what `Prefer: handling=strict` asks for: a parameter that is not in the table above
    is an error; else it is left out and named in `ignored`. A modifier that a parameter of the
    table does not have is an error either way (FHIR, Search, Modifiers). `is_bounded_by_token`: who
    asks sees one patient's events only, so that nothing else needs to bound the search.
    Raises RejectedSearch, and nothing else.
    """
    pairs = list(pairs)
    _check_size(pairs)
    criteria: list[Criterion] = []
    ignored: dict[str, None] = {}
    answer: dict[str, str] = {}
    for given, text in pairs:
        name, colon, modifier = given.partition(":")
        if name not in _PARSERS and name not in _OF_THE_ANSWER:
            if is_strict:
                raise RejectedSearch(
                    400, "not-supported", _shown(given), "a parameter that this server knows"
                )
            ignored[_shown(given)] = None
        elif colon and (name, modifier) not in _MODIFIERS:
            raise RejectedSearch(400, "not-supported", name, "no modifier, or one that it has")
        elif name in _PARSERS:
            values = tuple(_PARSERS[name](name, value) for value in split_values(name, text))
            criteria.append(Criterion(name, values, _MODIFIERS.get((name, modifier), "")))
        elif name in answer:
            raise RejectedSearch(400, "invalid", name, "this parameter once")
        else:
            answer[name] = text
    if sum(len(criterion.values) for criterion in criteria) > MAX_VALUES:
        raise RejectedSearch(400, "too-costly", "the search", f"at most {MAX_VALUES} values in all")
    search = Search(
        criteria=tuple(criteria),
        own_use=_own_use(answer.get("own-use"), criteria),
        count=_count(answer.get("_count")),
        sort=_sort(answer.get("_sort")),
        format=_format(answer.get("_format")),
        cursor=_cursor(answer.get("_cursor")),
        ignored=tuple(ignored),
    )
    if not is_bounded_by_token and not is_bounded(search):
        raise RejectedSearch(
            400,
            "required",
            "date",
            "this parameter, or _id, or a patient or agent who can be looked up: patient=<id>, "
            "agent=Practitioner/<id>, or an identifier with its system",
        )
    return search


def _check_size(pairs: list[tuple[str, str]]) -> None:
    """Refuse more than MAX_QUERY_BYTES of `name=value&…`, and what has no form in UTF-8."""
    try:
        size = sum(len(name.encode()) + len(value.encode()) + 2 for name, value in pairs)
    except UnicodeEncodeError:
        raise RejectedSearch(400, "value", "the query string", "UTF-8, percent-encoded") from None
    if size > MAX_QUERY_BYTES:
        raise RejectedSearch(
            414, "too-long", "the query string", f"at most {MAX_QUERY_BYTES} bytes, decoded"
        )


def _shown(name: str) -> str:
    """Give an unknown parameter's name, unless it is none: then it may be anything."""
    return name if _NAME.fullmatch(name) else "(no name of a parameter)"


def _count(text: str | None) -> int:
    if text is None:
        return DEFAULT_COUNT
    if not _COUNT.fullmatch(text):
        raise RejectedSearch(
            400, "value", "_count", f"a number from 1 to {MAX_COUNT}; no totals are given"
        )
    return min(int(text.lstrip("0")[:4]), MAX_COUNT)


def _sort(text: str | None) -> Sort:
    if text is None:
        return "-date"
    if text not in _SORTS:
        raise RejectedSearch(400, "not-supported", "_sort", "date or -date")
    return _SORTS[text]


def _own_use(text: str | None, criteria: Iterable[Criterion]) -> OwnUse:
    """Leave the ledger's own events out, unless something asks for them."""
    if text is not None and text not in _OWN_USES:
        raise RejectedSearch(400, "value", "own-use", "include, exclude or only")
    if text is not None:
        return _OWN_USES[text]
    asks = any(
        criterion.parameter == "_id"
        or (criterion.parameter in ("type", "category") and value.code in _OF_OWN_USE)
        for criterion in criteria
        if not criterion.modifier
        for value in criterion.values
        if isinstance(value, Token)
    )
    return "include" if asks else "exclude"


def _format(text: str | None) -> str | None:
    """Give `_format` as a link repeats it; which it chooses was decided with Accept."""
    if text is None:
        return None
    essence = text.partition(";")[0].strip().lower().replace(" ", "+")
    if essence not in _JSON:
        raise RejectedSearch(406, "not-supported", "_format", "json or application/fhir+json")
    return text if ";" in text else "json"


def _cursor(text: str | None) -> str | None:
    if text == "":
        raise RejectedSearch(400, "value", "_cursor", "the cursor of a link next")
    return text
