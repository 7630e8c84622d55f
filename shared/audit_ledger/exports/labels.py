"""How a line names agents, and leaves out what there is not, in CSV and OCSF alike."""

from typing import Any

from audit_ledger.events.event_details import AgentDetails
from audit_ledger.events.strict_json import JsonObject


def names_of_agent(details: AgentDetails) -> tuple[str, ...]:
    """Return what an agent is identified by, the best first, names that people have left out."""
    candidates = (candidate.partition("|") for candidate in details.agent.candidates)
    return tuple(name.removeprefix("|") for kind, _, name in candidates if kind != "display")


def without_none(members: dict[str, Any]) -> JsonObject:
    """Return the members that there are."""
    return {name: value for name, value in members.items() if value is not None}
