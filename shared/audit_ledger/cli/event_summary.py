"""The content of an AuditEvent for people: one line, or all."""

from collections.abc import Iterator

from audit_ledger.errors import LedgerError
from audit_ledger.events.codings import Coded
from audit_ledger.events.event_details import AgentDetails, EntityDetails, EventDetails
from audit_ledger.events.event_details import read_details as details_of
from audit_ledger.events.instant import format_instant_ms, parse_instant_ms
from audit_ledger.reports.agents import agent_name, patient_of, users_of
from audit_ledger.reports.labels import (
    ACTIONS,
    data_entities,
    description,
    join_distinct,
    outcome_words,
    purpose_words,
)
from audit_ledger.tlog import strict_base64


def try_read_details(resource: bytes) -> EventDetails | None:
    """Read an AuditEvent, R4 or R5; None where it cannot be read."""
    try:
        return details_of(resource, "fhir-r4")
    except LedgerError:
        return None


def time_of(details: EventDetails) -> str:
    """Return the event's own time in UTC, `2026-11-22 05:59:00`, or as its sender wrote it."""
    try:
        instant = format_instant_ms(parse_instant_ms(details.time or ""))
    except ValueError:
        return details.time or ""
    return f"{instant[:10]} {instant[11:19]}"


def who(details: EventDetails) -> str:
    """Name who did it."""
    return join_distinct(map(agent_name, users_of(details)), ", ") or "unknown"


def action(details: EventDetails) -> str:
    """Say what was done, in FHIR's word."""
    return ACTIONS.get(details.action or "", "")


def what(details: EventDetails) -> str:
    """Name what it was done to; else the kind of event."""
    data = (entity.what.reference or entity.name for entity in data_entities(details))
    kinds = (coded.display or coded.code for coded in (*details.subtypes, *details.types))
    return join_distinct(data, ", ") or next(iter(kinds), "")


def patients(details: EventDetails) -> str:
    """Name whom it is about, each by one name: `show` has all of them."""
    return patient_of(details, ", ") or ""


def outcome(details: EventDetails) -> str:
    """Say how it ended."""
    return outcome_words(details) or ""


def all_facts(details: EventDetails) -> Iterator[tuple[str, str]]:
    """Return names and values of everything that is read of an event, in the order of a story."""
    stated = f"{time_of(details)} UTC"
    if details.time and not details.time.endswith("Z"):
        stated += f" (as written: {details.time})"
    yield "time", stated
    if details.action:
        yield "action", f"{action(details)} ({details.action})"
    yield from (("type", _coded(coded)) for coded in details.types)
    yield from (("subtype", _coded(coded)) for coded in details.subtypes)
    if details.outcome:
        yield "outcome", join_distinct((outcome(details), details.outcome_text), ": ") or ""
    if purpose := purpose_words(details.purposes):
        yield "purpose", purpose
    yield from (("agent", _agent(agent)) for agent in details.agents)
    yield from (
        ("patient", join_distinct(patient.names, ", ") or "unknown") for patient in details.patients
    )
    yield from (("entity", _entity(entity)) for entity in details.entities)
    if data_entities(details):
        yield "in words", description(details)
    source = details.source
    if text := join_distinct((source.display, *source.names), ", "):
        yield "source", text
    if details.site:
        yield "site", details.site


def _agent(agent: AgentDetails) -> str:
    text = join_distinct(
        (agent_name(agent), *agent.who.names, agent.role_text),
        ", ",
    )
    more = join_distinct(
        (
            "requestor" if agent.agent.requestor else None,
            agent.address and f"from {agent.address}",
            (purpose := purpose_words(agent.purposes)) and f"for {purpose}",
        ),
        ", ",
    )
    return (text or "unknown") + (f" ({more})" if more else "")


def _entity(entity: EntityDetails) -> str:
    digest = None if entity.digest is None else f"SHA-256 {entity.digest.hex()}"
    query = None if entity.query is None else f"query {_query(entity.query)}"
    kinds = join_distinct(coded.display or coded.code for coded in (*entity.roles, *entity.types))
    text = join_distinct(
        (
            *entity.what.names,
            entity.name,
            entity.description,
            query,
            digest,
        ),
        ", ",
    )
    return f"{text or 'unnamed'}{f' ({kinds})' if kinds else ''}"


def _query(text: str) -> str:
    """Return the text of a query, which is base64 in FHIR."""
    try:
        return strict_base64.decode(text).decode()
    except ValueError:
        return text


def _coded(coded: Coded) -> str:
    return f"{coded.display} ({coded.token})" if coded.display else coded.token
