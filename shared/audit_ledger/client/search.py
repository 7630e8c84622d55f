"""Searches: FHIR searchset Bundles, page by page."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from audit_ledger.client.api import FHIR_JSON, Api, OperationOutcome, ServerIssue, json_of
from audit_ledger.client.errors import UnansweredError
from audit_ledger.client.http_client import ApiRequest

PATH = "/AuditEvent"
MAX_PAGE_SIZE = 100
_PLACE = re.compile(r"Bundle\.entry\[([0-9]+)\]\.resource")
_NOT_FOR_PEOPLE = "release:"  # which FHIR an event was written in changes nothing that is shown


@dataclass(frozen=True)
class SearchRequest:
    """Parameters in their order; `limit`: of events, None for all."""

    parameters: Sequence[tuple[str, str]] = field(repr=False)
    sort: str
    limit: int | None


class _Link(msgspec.Struct, frozen=True):
    relation: str
    url: str


class SearchEntry(msgspec.Struct, frozen=True, rename="camel"):
    """An entry of a searchset Bundle; `resource` is JSON as the API returned it."""

    resource: msgspec.Raw
    full_url: str = ""
    search: dict[str, str] = {}


class _Bundle(msgspec.Struct, frozen=True):
    link: list[_Link] = []
    entry: list[SearchEntry] = []


@dataclass(frozen=True)
class SearchPage:
    """A searchset Bundle: `body` as the API returned it, and its matches."""

    body: bytes
    matches: tuple[SearchEntry, ...]
    issues: tuple[ServerIssue, ...]
    has_next: bool

    def marks(self, number: int) -> Iterator[str]:
        """Return the remarks of the ledger on a match."""
        for issue in self.issues:
            places = [m[1] for text in issue.expression if (m := _PLACE.fullmatch(text))]
            if str(number) in places and not issue.diagnostics.startswith(_NOT_FOR_PEOPLE):
                yield issue.diagnostics

    @property
    def warnings(self) -> list[str]:
        """The warnings about the whole answer."""
        return [issue.diagnostics for issue in self.issues if issue.severity == "warning"]


def search_pages(api: Api, request: SearchRequest) -> Iterator[SearchPage]:
    """Return the pages of a search. Links `next` are followed at the API's own address only."""
    left = request.limit
    count = MAX_PAGE_SIZE if left is None else min(left, MAX_PAGE_SIZE)
    pairs = [*request.parameters, ("_sort", request.sort), ("_count", str(count))]
    query = urlencode(pairs, safe="/:,", quote_via=quote)
    requested_before = set[str]()
    where = f"{api.url}: GET {PATH}"
    while True:
        headers = {"Accept": FHIR_JSON, "Prefer": "handling=strict"}
        response = api.request(ApiRequest("GET", PATH, query, headers=headers))
        bundle = json_of(response.body, _Bundle, where)
        requested_before.add(query)
        following = next((link.url for link in bundle.link if link.relation == "next"), None)
        matches = [e for e in bundle.entry if e.search.get("mode", "match") == "match"][:left]
        issues = [
            issue
            for entry in bundle.entry
            if entry.search.get("mode") == "outcome"
            for issue in json_of(bytes(entry.resource), OperationOutcome, where).issue
        ]
        yield SearchPage(response.body, tuple(matches), tuple(issues), following is not None)
        if left is not None:
            left -= len(matches)
        if following is None or left == 0:
            return
        query = urlsplit(following).query
        if query in requested_before:
            raise UnansweredError(f"{where}: its pages lead back to one before")
        if left is not None and left < count:
            count = left
            query = re.sub(r"(^|&)_count=[0-9]+", rf"\g<1>_count={count}", query)
