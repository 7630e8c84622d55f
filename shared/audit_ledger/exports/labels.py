"""How a line names codes, agents, patients and things, in CSV and OCSF alike."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from audit_ledger.events.event import PatientReference
from audit_ledger.events.event_details import AgentDetails, Coded, Target
from audit_ledger.events.strict_json import JsonObject

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def token(coded: Coded) -> str:
    """Write a code as FHIR searches do: `<system>|<code>`, or `<code>` without a system."""
    return f"{coded.system}|{coded.code}" if coded.system else coded.code


def names_of(target: Target | PatientReference) -> tuple[str, ...]:
    """Return what a reference names: `Patient/1`, then each identifier as `<system>|<value>`."""
    identifiers = [f"{system}|{value}" if system else value for system, value in target.identifiers]
    return tuple(identifiers) if target.reference is None else (target.reference, *identifiers)


def names_of_agent(details: AgentDetails) -> tuple[str, ...]:
    """Return what an agent is identified by, the best first, names that people have left out."""
    candidates = (candidate.partition("|") for candidate in details.agent.candidates)
    return tuple(name.removeprefix("|") for kind, _, name in candidates if kind != "display")


def instant_ms(time_ms: int) -> str:
    """Write milliseconds since 1970 as `2026-11-22T05:59:00.123Z`; years 1 to 9999."""
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def without_none(members: dict[str, Any]) -> JsonObject:
    """Return the members that there are."""
    return {name: value for name, value in members.items() if value is not None}
