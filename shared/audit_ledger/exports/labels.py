"""The identifiers of agents, and the omission of missing members, in CSV and OCSF."""

from typing import Any

from audit_ledger.events.event_details import AgentDetails
from audit_ledger.events.strict_json import JsonObject


def names_of_agent(details: AgentDetails) -> tuple[str, ...]:
    """Return the identifiers of an agent, the best first, without display names."""
    candidates = (candidate.partition("|") for candidate in details.agent.candidates)
    return tuple(name.removeprefix("|") for kind, _, name in candidates if kind != "display")


def without_none(members: dict[str, Any]) -> JsonObject:
    """Return the members that are not None."""
    return {name: value for name, value in members.items() if value is not None}
