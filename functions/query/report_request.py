"""Parameters of a report: period, zone, patient and form."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from audit_ledger.errors import FormatError
from audit_ledger.events import PatientReference
from audit_ledger.events.instant import FIRST_MS, LAST_MS, parse_instant_ms
from audit_ledger.events.own_time import MAX_AHEAD_SECONDS
from audit_ledger.http.authorization import ForbiddenError
from audit_ledger.http.negotiation import require_acceptable
from audit_ledger.http.openapi import JSON, TEXT_SCHEMA, header, query
from audit_ledger.http.request import Request
from audit_ledger.reports.document import Period
from audit_ledger.reports.time_zone import Zone, day_of, read_zone
from audit_ledger.search.errors import RejectedSearchError
from functions.query.access import AuthorizedRequest
from functions.query.patient_names import MAX_NAMES, parse_patient_name, require_known
from functions.query.query_parameters import QueryParameters

Form = Literal["json", "csv", "html"]

MEDIA_TYPES: Mapping[Form, str] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8; header=present",
    "html": "text/html; charset=utf-8",
}
_FORMS: Mapping[str, Form] = {
    "application/json": "json",
    "text/html": "html",
    "text/csv": "csv",
}
_WORDS: Mapping[str, Form] = {"json": "json", "csv": "csv", "html": "html", **_FORMS}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME_FORM = "a day like 2026-11-22, or an instant like 2026-11-22T05:59:00Z"


@dataclass(frozen=True, repr=False)
class Times:
    """The period, and the zone that days and times are in."""

    period: Period
    zone: Zone


def read_times(
    authorized: AuthorizedRequest, parameters: QueryParameters, default: timedelta, *, by_day: bool
) -> Times:
    """Read `from`, `to` and `zone`.

    A day as `from` is its beginning, as `to` its end. Without `to`, the period ends now; without
    `from`, it lasts for `default`. `by_day`: only whole days of the ledger's zone are accepted:
    with another period or zone, a patient could find the minute of what is shown by the day.
    """
    zone = authorized.reports.zone
    zone_name = parameters.get("zone")
    if zone_name is not None and by_day:
        raise RejectedSearchError("zone", "no such parameter: days are shown", "not-supported")
    if zone_name is not None:
        try:
            zone = read_zone(zone_name.replace(" ", "+"))  # a + that was not written as %2B
        except FormatError:
            raise RejectedSearchError(
                "zone", "an offset like +01:00, or an IANA name like Europe/Berlin"
            ) from None
    start, end = parameters.get("from"), parameters.get("to")
    if end is not None:
        to_ms = _read_time("to", end, zone, at_end=True, by_day=by_day)
    else:  # a sender's clock may be ahead by so much
        to_ms = (authorized.now + MAX_AHEAD_SECONDS + 1) * 1000
        if by_day:
            to_ms = _midnight(day_of(to_ms, zone), zone, 1)
    if start is not None:
        from_ms = _read_time("from", start, zone, at_end=False, by_day=by_day)
    else:
        first = day_of(max(FIRST_MS, to_ms - default // timedelta(milliseconds=1)), zone)
        from_ms = _midnight(first, zone)
    if from_ms >= to_ms:
        raise RejectedSearchError("from", "a time before to")
    return Times(Period(from_ms, to_ms), zone)


def read_requested(authorized: AuthorizedRequest, parameters: QueryParameters, zone: Zone) -> int:
    """Read `requested`, the time of the patient's request, from which six years count; or now."""
    text = parameters.get("requested")
    if text is None:
        return authorized.now * 1000
    if not authorized.sees_all:
        raise ForbiddenError("requested is for scopes like user/AuditEvent.s")
    return _read_time("requested", text, zone, at_end=False, by_day=False)


def read_patient(
    authorized: AuthorizedRequest, parameters: QueryParameters
) -> tuple[PatientReference, ...]:
    """Return all names of the patient of a report: the caller, or the requested patient."""
    own = authorized.own
    if own is not None:
        if parameters.patients:
            raise ForbiddenError("a patient's token shows the patient's own record: omit patient")
        return own
    if not parameters.patients or len(parameters.patients) > MAX_NAMES:
        raise RejectedSearchError(
            "patient", f"one patient, by up to {MAX_NAMES} names of the same", "required"
        )
    patients = tuple(map(parse_patient_name, parameters.patients))
    rules = authorized.ledger.rules.values()
    for patient in patients:
        require_known(rules, patient)
    return patients


def read_form(request: Request, parameters: QueryParameters) -> Form:
    """Choose JSON, CSV or HTML by `_format`, else by Accept; JSON without both."""
    form_name = parameters.get("_format")
    if form_name is not None:
        form = _WORDS.get(form_name.partition(";")[0].strip().lower())
        if form is None:
            raise RejectedSearchError("_format", "json, csv or html", "not-supported", 406)
        return form
    return _FORMS[require_acceptable(request, *_FORMS)]


def _read_time(name: str, text: str, zone: Zone, *, at_end: bool, by_day: bool) -> int:
    try:
        if _DAY.fullmatch(text):
            return _midnight(date.fromisoformat(text), zone, 1 if at_end else 0)
        if not by_day:
            return parse_instant_ms(text.replace(" ", "+"))
    except (ValueError, OverflowError):
        pass
    raise RejectedSearchError(name, "a day like 2026-11-22" if by_day else _TIME_FORM)


def _midnight(day: date, zone: Zone, later: int = 0) -> int:
    """Return the beginning of the day that is `later` days after `day`, in a zone."""
    day += timedelta(days=later)
    moment = datetime(day.year, day.month, day.day, tzinfo=zone.info)
    return min(max(int(moment.timestamp()) * 1000, FIRST_MS), LAST_MS)


TIME_SCHEMA = {**TEXT_SCHEMA, "examples": ["2026-11-22", "2026-11-22T05:59:00Z"]}
TIME_PARAMETERS = [
    query("from", "The first instant, or day.", TIME_SCHEMA),
    query("to", "The instant before which it ends, or the last day.", TIME_SCHEMA),
    query("zone", "Of days and times: an offset, or an IANA name.", TEXT_SCHEMA),
]

PATIENT_PARAMETER = query(
    "patient",
    f"The patient, for the privacy office: `<id>`, `Patient/<id>` or `<system>|<value>`, by "
    f"up to {MAX_NAMES} names of the same. None for a patient's token: it is for the own record.",
    {"type": "array", "maxItems": MAX_NAMES, "items": TEXT_SCHEMA},
)

AUDIENCE_PARAMETER = query(
    "audience",
    "`office` adds what is suspended; for the privacy office alone.",
    {"enum": ["patient", "office"]},
)

FORM_PARAMETERS = [
    query("table", "With CSV: which table; the first without.", TEXT_SCHEMA),
    query("_format", "The form; Accept without it.", {"enum": ["json", "csv", "html"]}),
    header("Accept", "The form.", {"enum": [JSON, "text/csv", "text/html"]}),
]
