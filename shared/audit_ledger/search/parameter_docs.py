"""What is said of each search parameter: to FHIR clients, in OpenAPI, in docs/search.md."""

from typing import Final, Literal

import msgspec

from audit_ledger.search.criteria import DEFAULT_COUNT, MAX_COUNT

ParameterType = Literal["date", "reference", "string", "token", "uri"]


class DocumentedParameter(msgspec.Struct, frozen=True, gc=False):
    """A parameter; `type` as FHIR names it (SearchParamType), `looks_at` in Markdown."""

    name: str
    type: ParameterType
    looks_at: str


PARAMETERS: Final = (
    DocumentedParameter("date", "date", "the event's own time: `recorded`; a CloudEvent's `time`"),
    DocumentedParameter("_lastUpdated", "date", "the time of the entry, in whole seconds"),
    DocumentedParameter("_id", "token", "the event's id here, as Location gave it"),
    DocumentedParameter(
        "patient",
        "reference",
        "whom the event is about, and patients who act: `Patient/1`, `1`, or a URL, which names "
        "that server's",
    ),
    DocumentedParameter("patient.identifier", "token", "the same, by `<system>|<value>`"),
    DocumentedParameter(
        "agent", "reference", "who took part (`agent.who`): `Practitioner/1`, or an id of any type"
    ),
    DocumentedParameter("agent.identifier", "token", "the same, by `<system>|<value>`"),
    DocumentedParameter(
        "agent-name", "string", "an agent's name, from its start: `agent.name`, else `who.display`"
    ),
    DocumentedParameter("agent-role", "token", "`agent.role`"),
    DocumentedParameter("altid", "token", "`agent.altId` (R4)"),
    DocumentedParameter("policy", "uri", "`agent.policy`"),
    DocumentedParameter("source", "reference", "who recorded it: `source.observer`"),
    DocumentedParameter("source.identifier", "token", "the same, by `<system>|<value>`"),
    DocumentedParameter("site", "token", "`source.site`"),
    DocumentedParameter(
        "entity", "reference", "what it is about (`entity.what`): `DocumentReference/1`, or an id"
    ),
    DocumentedParameter("entity.identifier", "token", "the same, by `<system>|<value>`"),
    DocumentedParameter(
        "entity-name", "string", "`entity.name` (R4), else `what.display`, from its start"
    ),
    DocumentedParameter("entity-type", "token", "`entity.type`"),
    DocumentedParameter("entity-role", "token", "`entity.role`"),
    DocumentedParameter(
        "address",
        "string",
        "an agent's network address, from its start",
    ),
    DocumentedParameter("action", "token", "`action`: C, R, U, D or E"),
    DocumentedParameter("outcome", "token", "`outcome` (R4), `outcome.code` (R5)"),
    DocumentedParameter("type", "token", "`type` (R4), `category` (R5)"),
    DocumentedParameter("category", "token", "the same, by its name in R5"),
    DocumentedParameter("subtype", "token", "`subtype` (R4), `code` (R5)"),
    DocumentedParameter("code", "token", "the same, by its name in R5"),
    DocumentedParameter(
        "purpose",
        "token",
        "`purposeOfEvent` and `agent.purposeOfUse` (R4), `authorization` (R5)",
    ),
)
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
"""Of FHIR's parameters for AuditEvent, R4 and R5: named in the answer, where they are given."""

REFUSED: Final = (
    "`_sort` other than by `date` or `-date`, the prefixes `ne` and `ap` of dates, and modifiers "
    "that a parameter has not"
)
"""Parameters that would change the meaning of a search: refused, strictly or not."""
