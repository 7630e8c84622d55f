"""The descriptions of search parameters in the CapabilityStatement, OpenAPI and docs/search.md."""

from typing import Final, Literal

import msgspec

from audit_ledger.search.criteria import DEFAULT_COUNT, MAX_COUNT

ParameterType = Literal["date", "reference", "string", "token", "uri"]


class DocumentedParameter(msgspec.Struct, frozen=True, gc=False):
    """A parameter; `type` as FHIR names it (SearchParamType), `looks_at` in Markdown."""

    name: str
    type: ParameterType
    looks_at: str


_TABLE: Final[tuple[tuple[str, ParameterType, str], ...]] = (
    ("date", "date", "the event's own time: `recorded`; a CloudEvent's `time`"),
    ("_lastUpdated", "date", "the time of the entry, in whole seconds"),
    ("_id", "token", "the event's id here, as Location gave it"),
    (
        "patient",
        "reference",
        "whom the event is about, and patients who act: `Patient/1`, `1`, or a URL, "
        "which names that server's",
    ),
    ("patient.identifier", "token", "the same, by `<system>|<value>`"),
    ("agent", "reference", "who took part (`agent.who`): `Practitioner/1`, or an id of any type"),
    ("agent.identifier", "token", "the same, by `<system>|<value>`"),
    ("agent-name", "string", "an agent's name, from its start: `agent.name`, else `who.display`"),
    ("agent-role", "token", "`agent.role`"),
    ("altid", "token", "`agent.altId` (R4)"),
    ("policy", "uri", "`agent.policy`"),
    ("source", "reference", "who recorded it: `source.observer`"),
    ("source.identifier", "token", "the same, by `<system>|<value>`"),
    ("site", "token", "`source.site`"),
    ("entity", "reference", "what it is about (`entity.what`): `DocumentReference/1`, or an id"),
    ("entity.identifier", "token", "the same, by `<system>|<value>`"),
    ("entity-name", "string", "`entity.name` (R4), else `what.display`, from its start"),
    ("entity-type", "token", "`entity.type`"),
    ("entity-role", "token", "`entity.role`"),
    ("address", "string", "an agent's network address, from its start"),
    ("action", "token", "`action`: C, R, U, D or E"),
    ("outcome", "token", "`outcome` (R4), `outcome.code` (R5)"),
    ("type", "token", "`type` (R4), `category` (R5)"),
    ("category", "token", "the same, by its name in R5"),
    ("subtype", "token", "`subtype` (R4), `code` (R5)"),
    ("code", "token", "the same, by its name in R5"),
    ("purpose", "token", "`purposeOfEvent` and `agent.purposeOfUse` (R4), `authorization` (R5)"),
)
PARAMETERS: Final = tuple(DocumentedParameter(*row) for row in _TABLE)
"""Selection: all parameters must match, each with one of its values, separated by commas."""

OF_THE_ANSWER: Final = {
    "_count": f"events a page: {DEFAULT_COUNT} unless given, {MAX_COUNT} at most; 0 for the total",
    "_sort": "`-date`, the newest first, unless `date` is given",
    "_total": "`accurate`: how many match; `none`. Without it where one page shows all",
    "_summary": "`count`: the total alone",
    "_elements": "which elements are shown of each event, beside those that FHIR demands",
    "own-use": (
        "`include`, `exclude` or `only`: the uses of the ledger that it records itself. Left out "
        "unless `_id` or the `type` 110101 or 110106 asks for them"
    ),
    "_format": "`json`: there is no other",
    "_cursor": "where the page starts: only from a link `next`",
}
"""Parameters of the response."""

MODIFIERS: Final = ("exact", "contains", "not", "missing", "identifier")

UNSUPPORTED: Final = (
    "`based-on`, `encounter`, `_contained`, `_containedType`, `_content`, `_filter`, `_graph`, "
    "`_has`, `_in`, `_include`, `_language`, `_list`, `_maxresults`, `_pretty`, `_profile`, "
    "`_query`, `_revinclude`, `_score`, `_security`, `_source`, `_tag`, `_text`, `_type`, chains "
    "other than `.identifier`, `_summary` other than `count` and `false`"
)
"""FHIR's parameters for AuditEvent, R4 and R5, that are named in a response as not supported."""

REFUSED: Final = (
    "`_sort` other than by `date` or `-date`, the prefixes `ne` and `ap` of dates, and modifiers "
    "that a parameter has not"
)
"""Parameters that would change the meaning of a search: refused, strictly or not."""
