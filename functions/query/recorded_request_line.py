"""The request line of a recorded use, which names no person.

    GET /AuditEvent?patient=***&date=ge2026-11&type=***&_count=50

Each patient of the use is recorded under the own secret. The line is recorded with each, and with
the use that belongs to the ledger, which no erasure reaches. It therefore contains only values that
have the form of dates, numbers, codes of FHIR, DICOM and IHE, or ids of events, and only the names
of existing parameters. Ids of events are not shown to patients: while an agency's suspension lasts,
an id would reveal that the event exists.
"""

import re
from typing import Final

from audit_ledger.http.request import Request
from audit_ledger.search.parameter_docs import MODIFIERS, OF_THE_ANSWER, PARAMETERS

MASK: Final = "***"

_OF_REPORTS: Final = ("from", "to", "requested", "zone", "user", "audience", "sort", "table")
_OF_EXPORTS: Final = ("format", "receipts")
_NAMES: Final = {
    *(each.name for each in PARAMETERS),
    *OF_THE_ANSWER,
    *_OF_REPORTS,
    *_OF_EXPORTS,
    "after",
    "patient:Patient.identifier",
}
_INSTANT: Final = (
    r"(?:eq|ge|gt|le|lt|sa|eb)?[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2}"
    r"(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+\- ][0-9]{2}:[0-9]{2})?)?)?)?"
)
_EVENT_ID: Final = r"[0-9a-f]{64}"
_SYSTEMS: Final = (
    "http://dicom.nema.org/resources/ontology/DCM",
    "http://terminology.hl7.org/CodeSystem/audit-entity-type",
    "http://terminology.hl7.org/CodeSystem/audit-event-outcome",
    "http://terminology.hl7.org/CodeSystem/audit-event-type",
    "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle",
    "http://terminology.hl7.org/CodeSystem/object-role",
    "http://terminology.hl7.org/CodeSystem/v3-ActReason",
    "http://hl7.org/fhir/audit-event-action",
    "http://hl7.org/fhir/restful-interaction",
    "urn:ihe:event-type-code",
)
_CODES: Final = (
    "1101[0-9]{2}",  # DICOM PS3.16, CID 400 and 401
    "ITI-[0-9]{1,3}",
    "rest|read|vread|update|patch|delete|create|search|search-type|search-system|history",
    "history-instance|history-type|history-system|capabilities|transaction|batch|operation",
    "disclose|object",
    "TREAT|ETREAT|HPAYMT|HOPERAT|PUBHLTH|HRESCH|PATRQT|FAMRQT|HLEGAL|BTG|COVERAGE|HSYSADMIN",
    "[1-4]|[1-9][0-9]?",  # object-role, audit-entity-type
)
_TOKEN: Final = rf"(?:(?:{'|'.join(map(re.escape, _SYSTEMS))}|)\|)?(?:{'|'.join(_CODES)})"
_CODED: Final = ("type", "category", "subtype", "code", "purpose", "entity-type", "entity-role")
_RECORDED: Final = {
    name: re.compile(rf"(?:{one})(?:,(?:{one}))*")
    for name, one in (
        *((name, _INSTANT) for name in ("date", "_lastUpdated", "from", "to", "requested")),
        *((name, _TOKEN) for name in _CODED if name not in ("entity-type", "entity-role")),
        ("entity-type", r"(?:[^,|]*audit-entity-type\|)?[1-4]"),
        ("entity-role", r"(?:[^,|]*object-role\|)?[1-9][0-9]?"),
        ("action", "[CRUDE]"),
        ("outcome", "0|4|8|12|success|information|warning|error|fatal"),
        ("audience", "patient|office"),
        ("format", "fhir|csv|ocsf"),
        ("receipts", "record|proof|none"),
        ("own-use", "include|exclude|only"),
        ("_count", "[0-9]{1,4}"),
        ("_sort", "-?date"),
        ("_total", "none|estimate|accurate"),
        ("_summary", "count|false"),
        ("_format", r"json|csv|html|application/(?:fhir[+ ])?json|text/csv|text/html"),
    )
}
_MISSING: Final = re.compile("true|false")
_OF_PATHS: Final = {
    "id": re.compile(rf"{_EVENT_ID}|[a-z0-9-]{{1,32}}"),  # of an event, of a portal
    "operation": re.compile(r"\$submitted"),
    "version": re.compile("[0-9]{1,9}"),
}
_VARIABLE: Final = re.compile(r"\{(\w+)\+?\}")


def recorded_line(request: Request, *, shows_ids: bool) -> str:
    """Return the line. `shows_ids`: include ids of events, if no patient sees the line."""
    method, _, template = request.route.partition(" ")

    def variable(found: re.Match[str]) -> str:
        return _mask_path(found[1], request.path.get(found[1], ""), shows_ids=shows_ids)

    path = _VARIABLE.sub(variable, template)
    pairs = [_mask_parameter(name, value, shows_ids=shows_ids) for name, value in request.pairs]
    return f"{method} {path}" + ("?" + "&".join(pairs) if pairs else "")


def _mask_path(name: str, value: str, *, shows_ids: bool) -> str:
    form = _OF_PATHS.get(name)
    is_recorded = form is not None and form.fullmatch(value) is not None
    return value if is_recorded and (shows_ids or name != "id") else MASK


def _mask_parameter(full_name: str, value: str, *, shows_ids: bool) -> str:
    name, colon, modifier = full_name.partition(":")
    if full_name not in _NAMES and (name not in _NAMES or (colon and modifier not in MODIFIERS)):
        return f"{MASK}={MASK}"
    if modifier == "missing":
        form: re.Pattern[str] | None = _MISSING
    elif name == "_id":
        form = re.compile(rf"{_EVENT_ID}(?:,{_EVENT_ID})*") if shows_ids else None
    else:
        form = _RECORDED.get(name)
    is_recorded = form is not None and form.fullmatch(value) is not None
    return f"{full_name}={value if is_recorded else MASK}"
