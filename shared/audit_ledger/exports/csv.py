r"""CSV (RFC 4180, UTF-8, header first): one row per event, for spreadsheets and scripts.

The items of a list are joined by `; `. The columns of agents have an item for each agent, in the
event's order, and those of entities for each entity, empty if it has no value: the third of
`agent_names` belongs to the third of `agent_addresses`. Values of one item are joined by ` | `.
Inside an item, `;` is written `\;` and `\` is written `\\`.
Codes are `<system>|<code> (<display>)`.

A row is one line: line breaks and other control characters become a space.

A text that a spreadsheet would take for a formula has a `'` before the character that begins it
(OWASP, CSV Injection): at the start of a cell, and after any separator of some spreadsheet.
"""

import csv
import re
from collections.abc import Callable, Iterable
from io import StringIO
from typing import Final

from audit_ledger.events.codings import Coded
from audit_ledger.events.event_details import AgentDetails, EntityDetails
from audit_ledger.events.instant import format_instant_ms
from audit_ledger.exports.labels import names_of_agent
from audit_ledger.instants import format_instant
from audit_ledger.records.opened_event import OpenedEvent

CSV_FILE: Final = "events.csv"

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# The beginning of a formula, also in full width, where a cell begins in any locale.
_FORMULA: Final = re.compile(r"(^|[;,])([\s\"']*)(?=[=+\-@＝＋－＠])")


def _items(values: Iterable[str]) -> str:
    return "; ".join(value.replace("\\", "\\\\").replace(";", "\\;") for value in values)


def _values(values: Iterable[str]) -> str:
    return " | ".join(values)


def _coded(coded: Coded) -> str:
    return f"{coded.token} ({coded.display})" if coded.display else coded.token


def _codes(codes: Iterable[Coded]) -> str:
    return _items(map(_coded, codes))


def _of_agents(value: Callable[[AgentDetails], str]) -> Callable[[OpenedEvent], str]:
    return lambda event: _items(map(value, event.details.agents))


def _of_entities(value: Callable[[EntityDetails], str]) -> Callable[[OpenedEvent], str]:
    return lambda event: _items(map(value, event.details.entities))


def _boolean(value: bool) -> str:
    return "true" if value else "false"


_COLUMNS: Final[dict[str, Callable[[OpenedEvent], str]]] = {
    "entry": lambda event: str(event.seq),
    "event_id": lambda event: event.event_id,
    "time": lambda event: format_instant_ms(event.time_ms),
    "time_as_sent": lambda event: event.details.time or "",
    "received": lambda event: event.received,
    "entry_time": lambda event: format_instant(event.entry_time),
    "portal": lambda event: event.portal,
    "format": lambda event: event.format,
    "action": lambda event: event.details.action or "",
    "outcome": lambda event: _codes(event.details.outcome),
    "outcome_text": lambda event: event.details.outcome_text or "",
    "types": lambda event: _codes(event.details.types),
    "subtypes": lambda event: _codes(event.details.subtypes),
    "purposes": lambda event: _codes(event.details.purposes),
    "patients": lambda event: _items(_values(p.names) for p in event.details.patients),
    "agent_names": _of_agents(lambda agent: agent.name or ""),
    "agent_ids": _of_agents(lambda agent: _values(names_of_agent(agent))),
    "agent_requestors": _of_agents(lambda agent: _boolean(agent.agent.requestor)),
    "agent_roles": _of_agents(lambda agent: _values(map(_coded, agent.roles))),
    "agent_role_texts": _of_agents(lambda agent: agent.role_text or ""),
    "agent_addresses": _of_agents(lambda agent: agent.address or ""),
    "agent_purposes": _of_agents(lambda agent: _values(map(_coded, agent.purposes))),
    "entity_names": _of_entities(lambda entity: entity.name or ""),
    "entity_ids": _of_entities(lambda entity: _values(entity.what.names)),
    "entity_types": _of_entities(lambda entity: _values(map(_coded, entity.types))),
    "entity_roles": _of_entities(lambda entity: _values(map(_coded, entity.roles))),
    "entity_descriptions": _of_entities(lambda entity: entity.description or ""),
    "entity_queries": _of_entities(lambda entity: entity.query or ""),
    "entity_digests": _of_entities(lambda e: "" if e.digest is None else e.digest.hex()),
    "source": lambda event: _values(event.details.source.names),
    "source_name": lambda event: event.details.source.display or "",
    "site": lambda event: event.details.site or "",
    "flags": lambda event: _items(event.flags),
    "conflict": lambda event: _boolean(event.conflict),
    "cut": lambda event: _items(event.cut),
}


def harmless(text: str) -> str:
    """Return a text as one line that no spreadsheet takes for a formula."""
    return _FORMULA.sub(r"\1\2'", _CONTROL.sub(" ", text)) if text else ""


def csv_line(event: OpenedEvent) -> tuple[str, bytes]:
    r"""Return the file of an event, and its row with `\r\n` at the end."""
    return CSV_FILE, _row(harmless(value(event)) for value in _COLUMNS.values())


def _row(cells: Iterable[str]) -> bytes:
    row = StringIO()
    csv.writer(row, lineterminator="\r\n").writerow(list(cells))
    return row.getvalue().encode()


CSV_HEADER: Final = _row(_COLUMNS)
