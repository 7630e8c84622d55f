r"""The forms that values of search parameters have (FHIR R4 and R5, Search).

    date        [prefix]yyyy[-mm[-dd[Thh:mm[:ss[.fff]][zone]]]]     what it names is an interval
    token       system|code   |code   code   system|
    reference   Patient/1   1   https://host/fhir/Patient/1   urn:uuid:…
    string      any text

Within them `\,` `\|` `\$` `\\` stand for the character itself. Every function here raises
RejectedSearchError (400), which names the parameter and what is expected, and nothing else.
"""

import re
from datetime import date
from typing import Final

from audit_ledger.events.instant import parse_instant_ms
from audit_ledger.events.references import is_type_name, normalize_reference, patient_reference
from audit_ledger.events.token_syntax import read_token, split_unescaped, unescape
from audit_ledger.search.criteria import END_MS, START_MS, DateCondition, NamedResource, Text, Token
from audit_ledger.search.errors import RejectedSearchError

_DATE: Final = re.compile(
    r"([a-z]{2})?"
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})"
    r"(?:T([0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,30}))?)?(Z|[+\- ][0-9]{2}:[0-9]{2})?)?"
    r")?)?"
)
_PREFIXES: Final = ("eq", "ge", "gt", "le", "lt", "sa", "eb")
_ESCAPES: Final = r"a value in which a backslash stands before \ , | or $ only"
_DATE_FORM: Final = "a date, e.g. 2026-11, 2026-11-22 or 2026-11-22T05:59:00Z"
_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")  # FHIR `id`
_PATIENT: Final = re.compile(r"(?:https?://[^?#|\s]+/)?Patient/[^/?#|\s]+")
_BARE_ID: Final = re.compile(r"[^/:?#|\s]+")  # as a reference has it: more than FHIR allows
_DAY: Final = 86_400_000
_EPOCH: Final = date(1970, 1, 1)


def split_values(parameter: str, text: str) -> list[str]:
    """Return the alternatives of a value, their escapes still in place."""
    try:
        values = split_unescaped(text, ",")
    except ValueError:
        raise RejectedSearchError(parameter, _ESCAPES) from None
    if not all(values):
        raise RejectedSearchError(parameter, "a value, also on both sides of a comma")
    return values


def parse_date(parameter: str, text: str) -> DateCondition:
    """Read a date with its prefix; without a time zone it is UTC.

    What is finer than a millisecond is cut: the ledger knows no time better. An instant is before
    or after an interval, or in it, so `sa` is `gt` and `eb` is `lt`. `ne` is refused because it
    bounds no period, `ap` because what it means depends on the clock.
    """
    form = _DATE.fullmatch(text)
    if form is None:
        raise RejectedSearchError(parameter, _DATE_FORM)
    prefix = form[1] or "eq"
    if prefix not in _PREFIXES:
        raise RejectedSearchError(
            parameter, f"one of the prefixes {', '.join(_PREFIXES)}, or none", "not-supported"
        )
    try:
        spelled, first, end = _interval(form)
    except ValueError:
        raise RejectedSearchError(parameter, _DATE_FORM) from None
    from_ms, to_ms = {
        "eq": (first, end),
        "ge": (first, END_MS),
        "gt": (end, END_MS),
        "sa": (end, END_MS),
        "le": (START_MS, end),
        "lt": (START_MS, first),
        "eb": (START_MS, first),
    }[prefix]
    return DateCondition(spelled if prefix == "eq" else prefix + spelled, from_ms, to_ms)


def parse_token(parameter: str, text: str) -> Token:
    """Read a token."""
    try:
        return Token(*read_token(text))
    except ValueError:
        raise RejectedSearchError(
            parameter, r"system|code, |code, code or system| (a | within is \|)"
        ) from None


def parse_id(parameter: str, text: str) -> Token:
    """Read a resource's id."""
    if not _ID.fullmatch(text):
        raise RejectedSearchError(parameter, "an id: 1 to 64 letters, digits, - and .")
    return Token(None, text)


def parse_patient(parameter: str, text: str) -> NamedResource:
    """Read a reference to a Patient; an id alone is one."""
    text = _unescape(parameter, text)
    if _BARE_ID.fullmatch(text):
        return NamedResource(f"Patient/{text}")
    reference = patient_reference(text)
    if reference is not None and _PATIENT.fullmatch(reference):
        return NamedResource(reference)
    named = _parse_reference(text)
    if named is None or not named.reference.startswith("urn:"):
        raise RejectedSearchError(
            parameter, "Patient/<id>, <id>, a URL that ends so, or urn:uuid:<uuid>"
        )
    return named


def parse_agent(parameter: str, text: str) -> NamedResource:
    """Read a reference to an agent; an id alone is of any type."""
    text = _unescape(parameter, text)
    named = (
        NamedResource(text, has_type=False) if _BARE_ID.fullmatch(text) else _parse_reference(text)
    )
    if named is None:
        raise RejectedSearchError(
            parameter, "<type>/<id>, <id>, an absolute URL, or urn:uuid:<uuid>"
        )
    return named


def parse_text(parameter: str, text: str) -> Text:
    """Read a string."""
    return Text(_unescape(parameter, text))


def _unescape(parameter: str, text: str) -> str:
    try:
        return unescape(text)
    except ValueError:
        raise RejectedSearchError(parameter, _ESCAPES) from None


def _parse_reference(text: str) -> NamedResource | None:
    """Bring a reference to its one form; None for what could name nothing outside of an event."""
    type_, reference = normalize_reference(text)
    head, _, tail = reference.partition("/")
    if type_ == head and tail and is_type_name(head):
        return NamedResource(reference)
    if reference.startswith("urn:") or (type_ is None and "://" in reference):
        return NamedResource(reference)
    return None


def _interval(form: re.Match[str]) -> tuple[str, int, int]:
    """Return the spelling of a date, its first millisecond and the one after its last."""
    _, year, month, day, minute, second, fraction, zone = form.groups()
    first = date(int(year), int(month or 1), int(day or 1))
    spelled = "-".join(part for part in (year, month, day) if part)
    if minute is None:
        first_ms = (first - _EPOCH).days * _DAY
        return spelled, first_ms, min(first_ms + _days(first, month, day) * _DAY, END_MS)
    zone = (zone or "Z").replace(" ", "+")  # a + that was not written as %2B
    spelled += f"T{minute}"
    first_ms = parse_instant_ms(f"{spelled}:{second or '00'}.{fraction or '0'}{zone}")
    width = 60_000 if second is None else 1000
    if second:
        spelled += f":{second}"
    if fraction:
        fraction = fraction[:3]
        width = 10 ** (3 - len(fraction))
        spelled += f".{fraction}"
    return spelled + zone, first_ms, min(first_ms + width, END_MS)


def _days(first: date, month: str | None, day: str | None) -> int:
    """Return the days of the day, month or year that starts at `first`."""
    if day:
        return 1
    if month is None:
        return (date(first.year, 12, 31) - first).days + 1
    return 31 if first.month == 12 else (first.replace(month=first.month + 1) - first).days
