"""Findings of the rules, page by page."""

from collections.abc import Iterator
from urllib.parse import urlencode

import msgspec

from audit_ledger.client.api import Api, json_of
from audit_ledger.client.errors import UnansweredError
from audit_ledger.client.http_client import ApiRequest
from audit_ledger.instants import format_instant

PATH = "/findings"
_JSON = {"Accept": "application/json"}


class ReportedFinding(msgspec.Struct, frozen=True):
    """A finding of a rule; `entries` are the numbers of its entries."""

    rule: str
    severity: str
    entries: list[int]
    ledger_time: str
    statement: str


class RuleState(msgspec.Struct, frozen=True):
    """Whether a rule runs, and what it lacks otherwise."""

    rule: str
    runs: bool
    lacks: str = ""


class FindingsPage(msgspec.Struct, frozen=True):
    """A page of findings; `followed`: how many entries the rules have read."""

    findings: list[ReportedFinding]
    rules: list[RuleState]
    followed: int
    next: str | None = None


def findings_pages(
    api: Api, first: int | None, to: int | None
) -> Iterator[tuple[bytes, FindingsPage]]:
    """Return each page, as the API returned it and decoded. Times are whole seconds."""
    where = f"{api.url}: GET {PATH}"
    period = {"from": first, "to": to}
    parameters = {name: format_instant(time) for name, time in period.items() if time is not None}
    seen = set[str]()
    while True:
        response = api.request(ApiRequest("GET", PATH, urlencode(parameters), headers=_JSON))
        page = json_of(response.body, FindingsPage, where)
        yield response.body, page
        if page.next is None:
            return
        if page.next in seen:
            raise UnansweredError(f"{where}: its pages lead back to one before")
        seen.add(page.next)
        parameters["after"] = page.next
