"""What reports about one patient share: parameters, audience, suspensions."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from audit_ledger.http.authorization import ForbiddenError
from audit_ledger.reports.document import Cell, Column, Document, Instant, Table
from audit_ledger.reports.suspension import SuspensionCount
from audit_ledger.search.errors import RejectedSearchError
from functions.query.access import AuthorizedRequest
from functions.query.query_parameters import QueryParameters

YEAR = timedelta(days=366)
PATIENT_PARAMETERS = ("patient", "from", "to", "zone", "audience", "table", "_format")
_AUDIENCES = ("patient", "office")


def wants_office_view(authorized: AuthorizedRequest, parameters: QueryParameters) -> bool:
    audience = parameters.get("audience") or "patient"
    if audience not in _AUDIENCES:
        raise RejectedSearchError("audience", "patient or office")
    if audience == "office" and not authorized.sees_all:
        raise ForbiddenError("audience office is for scopes like user/AuditEvent.s")
    return audience == "office"


def with_suspended(document: Document, suspended: Sequence[SuspensionCount]) -> Document:
    """Add this patient's suspended disclosures, and state that it is for the privacy office."""
    rows: tuple[dict[str, Cell], ...] = tuple(
        {
            "agency": each.suspension.agency,
            "until": Instant(each.suspension.until_ms),
            "oral": each.suspension.oral,
            "number": each.number,
        }
        for each in suspended
        if each.number
    )
    columns = (
        Column("agency", "Requested by"),
        Column("until", "Until"),
        Column("oral", "Orally"),
        Column("number", "Left out"),
    )
    table = Table("suspended", "Suspended: not for the patient", columns, rows, "Nothing.")
    return msgspec.structs.replace(
        document,
        title=f"{document.title} (for the privacy office, not for the patient)",
        tables=(*document.tables, table),
    )


SCOPES = (
    "Scopes: `system/AuditEvent.s` or `user/AuditEvent.s` for any patient, `patient/AuditEvent.s` "
    "for the token's. It is recorded in the ledger."
)
