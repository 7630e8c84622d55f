"""The searchset Bundle that answers a search (FHIR R4 and R5, Bundle and Search).

    {"resourceType":"Bundle","type":"searchset","link":[{"relation":"self","url":…},…],"entry":[
      {"fullUrl":"<base>/AuditEvent/<event id>","resource":…,"search":{"mode":"match"}},…
      {"fullUrl":"urn:uuid:…","resource":{"resourceType":"OperationOutcome",…},
       "search":{"mode":"outcome"}}]}

Each match's resource is what the sender submitted, byte for byte, but for its `id`, which is the
event id; one of another release is converted. What a reader has to know beside the words of the
sender is in the OperationOutcome, the last entry, with the place: `Bundle.entry[2].resource`.

`total` is there only where every match was opened and counted: a count of the index would be wrong
where records are filtered, and would tell of what was erased.
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
    repeats: str | None = None


class ShownMatch(msgspec.Struct, frozen=True, gc=False):
    """An event of the page as the Bundle has it."""

    found: BundleEntry
    event: ShownEvent


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


def as_shown(found: BundleEntry, search: Search, release: Release) -> ShownMatch:
    """Return an event as it is shown in a release, or its requested elements."""
    event = shown_event(found.opened, release)
    if search.elements:
        body = with_elements(event.body, search.elements, event.release)
        event = msgspec.structs.replace(event, body=body)
    return ShownMatch(found, event)


def searchset(
    search: Search,
    shown: Sequence[ShownMatch],
    *,
    base: str,
    release: Release,
    next_cursor: str | None = None,
    warnings: Sequence[Issue] = (),
    total: int | None = None,
) -> Searchset:
    """Write the Bundle of one page; JSON.

    `base`: the server's URL, without a slash at its end; `release`: the requested
    release of FHIR; `next_cursor`: where the next page starts, None on the last; `warnings`: what
    else is to be said of the whole answer; `total`: how many match, None where that is not known.
    Which parameters were ignored, and what each event is, is said here.
    """
    url = f"{base}/AuditEvent"
    links = [_Link("self", f"{url}?{self_query(search)}")]
    if next_cursor is not None:
        links.append(_Link("next", f"{url}?{next_query(search, next_cursor)}"))
    entries = [
        _Entry(
            full_url=f"{url}/{one.found.opened.event_id}",
            resource=msgspec.Raw(one.event.body),
            search={"mode": "match"},
        )
        for one in shown
    ]
    issues = [*_ignored_issues(search), *warnings]
    for index, one in enumerate(shown):
        place = (f"Bundle.entry[{index}].resource",)
        issues += [
            Issue("information", code, words, place) for code, words in remarks(one, release)
        ]
    if issues:
        entries.append(_outcome_entry(_Outcome(issues)))
    body = msgspec.json.encode(_Bundle("searchset", total, links, entries))
    return Searchset(body, release if all(one.event.release == release for one in shown) else None)


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


def remarks(shown: ShownMatch, release: Release) -> Iterator[tuple[str, str]]:
    """Return remarks on an event beside its sender's content: issue codes and texts."""
    one, event = shown.found, shown.event
    if one.opened.conflict:
        yield "conflict", "conflict: its sender used the id of another event, with other content"
    if one.opened.cut:
        cut = ", ".join(one.opened.cut)
        yield (
            "informational",
            f"cut: the part of one patient of an event about several; without {cut}",
        )
    if one.repeats is not None:
        yield "duplicate", f"repeat: has the content of AuditEvent/{one.repeats}"
    if event.is_represented:
        yield "informational", "represented: made of a CloudEvent; not the words of its sender"
    if event.converted_from is not None:
        own = _RELEASES[event.converted_from]
        yield "informational", f"converted: from FHIR {own}, in which it was submitted"
    elif event.release != release:
        own, shown_release = _RELEASES[event.release], _RELEASES[release]
        yield (
            "informational",
            f"release: FHIR {own} as submitted, since {shown_release} cannot express the same",
        )
