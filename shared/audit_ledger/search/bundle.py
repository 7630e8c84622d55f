"""The searchset Bundle that answers a search (FHIR R4 and R5, Bundle and Search).

    {"resourceType":"Bundle","type":"searchset","link":[{"relation":"self","url":…},…],"entry":[
      {"fullUrl":"<base>/AuditEvent/<event id>","resource":…,"search":{"mode":"match"}},…
      {"fullUrl":"urn:uuid:…","resource":{"resourceType":"OperationOutcome",…},
       "search":{"mode":"outcome"}}]}

Each match's resource is what the sender submitted, byte for byte, except for its `id`, which is the
event id; one of another release is converted. Remarks on an event beside its sender's content are
in the OperationOutcome, the last entry, with the place: `Bundle.entry[2].resource`.

`total` exists only if every match was opened and counted: a count of the index would be wrong if
records are filtered, and would reveal erased events.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Literal
from uuid import NAMESPACE_URL, uuid5

import msgspec

from audit_ledger.events.fhir_version import Release
from audit_ledger.private_repr import PrivateRepr
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.search.criteria import Search
from audit_ledger.search.links import next_query, self_query
from audit_ledger.search.resource_view import ShownEvent, shown_event, with_elements

_RELEASES: Final = {"fhir-r4": "R4", "fhir-r5": "R5"}


class BundleEntry(msgspec.Struct, frozen=True, gc=False):
    """An event of the page. `repeats`: the event id of an earlier one that it repeats."""

    opened: OpenedEvent
    shown: ShownEvent
    repeats: str | None = None


class Issue(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An issue of an OperationOutcome; `code` is a FHIR IssueType."""

    severity: Literal["warning", "information"]
    code: str
    diagnostics: str
    expression: tuple[str, ...] = ()


class Searchset(PrivateRepr, msgspec.Struct, frozen=True, gc=False):
    """A Bundle. `release`: of all that is in it; None where some could not be converted."""

    SHOWN = ("release",)
    body: bytes
    release: Release | None


class _Link(msgspec.Struct):
    relation: str
    url: str


class _Outcome(msgspec.Struct, tag_field="resourceType", tag="OperationOutcome"):
    issue: list[Issue]


class _Entry(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    full_url: str
    resource: msgspec.Raw | _Outcome
    search: dict[str, str]


class _Bundle(
    msgspec.Struct, rename="camel", omit_defaults=True, tag_field="resourceType", tag="Bundle"
):
    type: str
    total: int | None = None
    link: list[_Link] = []
    entry: list[_Entry] = []


def bundle_entry(
    opened: OpenedEvent, search: Search, release: Release, repeats: str | None = None
) -> BundleEntry:
    """Return an event as it is shown in a release, or its requested elements."""
    shown = shown_event(opened, release)
    if search.elements:
        body = with_elements(shown.body, search.elements, shown.release)
        shown = msgspec.structs.replace(shown, body=body)
    return BundleEntry(opened, shown, repeats)


def searchset(
    search: Search,
    matches: Sequence[BundleEntry],
    *,
    base: str,
    release: Release,
    next_cursor: str | None = None,
    warnings: Sequence[Issue] = (),
    total: int | None = None,
) -> Searchset:
    """Write the Bundle of one page; JSON.

    `base`: the server's URL, without a slash at its end; `release`: the requested
    release of FHIR; `next_cursor`: where the next page starts, None on the last; `warnings`: more
    issues of the whole response; `total`: the number of matches, None if it is not known. Issues
    on ignored parameters and on single events are added here.
    """
    url = f"{base}/AuditEvent"
    links = [_Link("self", f"{url}?{self_query(search)}")]
    if next_cursor is not None:
        links.append(_Link("next", f"{url}?{next_query(search, next_cursor)}"))
    entries = [
        _Entry(
            full_url=f"{url}/{match.opened.event_id}",
            resource=msgspec.Raw(match.shown.body),
            search={"mode": "match"},
        )
        for match in matches
    ]
    issues = [*_ignored_issues(search), *warnings]
    for index, match in enumerate(matches):
        place = (f"Bundle.entry[{index}].resource",)
        issues += [Issue("information", *remark, place) for remark in remarks(match, release)]
    if issues:
        entries.append(_outcome_entry(_Outcome(issues)))
    body = msgspec.json.encode(_Bundle("searchset", total, links, entries))
    is_one_release = all(match.shown.release == release for match in matches)
    return Searchset(body, release if is_one_release else None)


def _outcome_entry(outcome: _Outcome) -> _Entry:
    """Return the last entry. Every entry of a searchset has a `fullUrl` (R5, bdl-15).

    Of what is stored nowhere it is a UUID, here of the outcome's content: equal outcomes have one.
    """
    content_id = uuid5(NAMESPACE_URL, msgspec.json.encode(outcome).decode())
    return _Entry(full_url=f"urn:uuid:{content_id}", resource=outcome, search={"mode": "outcome"})


def _ignored_issues(search: Search) -> Iterator[Issue]:
    for name in search.ignored:
        yield Issue(
            "warning", "not-supported", f"{name}: not supported by this server; not applied"
        )


def remarks(entry: BundleEntry, release: Release) -> Iterator[tuple[str, str]]:
    """Return remarks on an event beside its sender's content: issue codes and texts."""
    opened, shown = entry.opened, entry.shown
    if opened.conflict:
        yield "conflict", "conflict: its sender used the id of another event, with other content"
    if opened.cut:
        cut = ", ".join(opened.cut)
        yield (
            "informational",
            f"cut: the part of one patient of an event about several; without {cut}",
        )
    if entry.repeats is not None:
        yield "duplicate", f"repeat: has the content of AuditEvent/{entry.repeats}"
    if shown.is_represented:
        yield "informational", "represented: made of a CloudEvent; not the words of its sender"
    if shown.converted_from is not None:
        own = _RELEASES[shown.converted_from]
        yield "informational", f"converted: from FHIR {own}, in which it was submitted"
    elif shown.release != release:
        own, requested = _RELEASES[shown.release], _RELEASES[release]
        yield (
            "informational",
            f"release: FHIR {own} as submitted, since {requested} cannot express the same",
        )
