"""The events that a report is made from."""

from collections.abc import Sequence

from audit_ledger.events import PatientReference
from audit_ledger.reading.period_search import MAX_LOOKED_AT, FoundInPeriod, find_in_period
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.reports.document import Period
from audit_ledger.reports.suspension import Suspension, first_that_names, in_force
from audit_ledger.search.criteria import Search
from audit_ledger.search.errors import RejectedSearchError
from functions.query.access import AuthorizedRequest
from functions.query.withholding import names_recipient

MAX_EVENTS = MAX_LOOKED_AT


def events_about(
    authorized: AuthorizedRequest, patients: tuple[PatientReference, ...], period: Period
) -> Sequence[OpenedEvent]:
    """Return all events about a patient, except those that would reveal a suspended recipient.

    Events with such a recipient as an agent are included: the reports omit and count them.
    """
    found = find_events(authorized, Search(), patients, period)
    if found.reached_ms is not None:
        raise too_costly(found)
    events = [opened.event for opened in found.found]
    suspensions = in_force(authorized.reports.suspensions, authorized.now * 1000)
    return [
        event
        for event in events
        if first_that_names(suspensions, event.details.agents) is not None
        or not _names_recipient(event, suspensions)
    ]


def _names_recipient(event: OpenedEvent, suspensions: Sequence[Suspension]) -> bool:
    found = names_recipient(event, suspensions)
    event.forget_document()  # all events of a report are in memory together
    return found


def find_events(
    authorized: AuthorizedRequest,
    search: Search,
    of: tuple[PatientReference, ...] | None,
    period: Period,
) -> FoundInPeriod:
    """Return the matching events of a period; `of`: only those about this patient."""
    finder = authorized.finder(of=of)
    return find_in_period(
        finder,
        search,
        period.from_ms,
        period.to_ms,
        MAX_EVENTS,
        authorized.has_time,
        authorized.has_more_time,
    )


def too_costly(found: FoundInPeriod) -> RejectedSearchError:
    """Return the refusal of a report that found too much, or ran out of time."""
    if found.looked_at >= MAX_EVENTS:
        why = f"a report looks at {MAX_EVENTS:,} events at most"
    else:
        why = f"time was up when {found.looked_at:,} events had been looked at"
    return RejectedSearchError("from and to", f"a shorter period: {why}", "too-costly", 413)
