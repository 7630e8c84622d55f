"""The bounds of a search for the reader of the index, before anything is opened.

A period bounds what is read, a lookup finds it by pseudonym; all other criteria filter what was
found (`match`). The bounds are outer ones: every match is within them, and `match` decides. Of
several lookups, each alone finds every match (all criteria must match), so the reader may take any.

A criterion is a lookup only when each of its alternatives can be hashed: `patient.identifier` with
a system and a value, `patient=1` (a Patient), `agent=Practitioner/1`. What cannot be hashed
filters: a token without system or without value, an agent's id without type; and agents of a type
that the index does not have (devices, organisations: docs/decisions/0001-agents-in-the-index.md).
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from audit_ledger.events.event import PatientReference
from audit_ledger.events.references import patient_reference
from audit_ledger.private_repr import PrivateRepr
from audit_ledger.search.criteria import (
    END_MS,
    START_MS,
    Criterion,
    DateCondition,
    NamedResource,
    Search,
    Token,
    Value,
)

_INDEXED_TYPES: Final = ("Practitioner", "PractitionerRole", "Patient", "RelatedPerson", "Person")


class EventPeriod(msgspec.Struct, frozen=True, gc=False):
    """Instants from `from_ms` up to, not including, `to_ms`; milliseconds since 1970."""

    from_ms: int
    to_ms: int

    @property
    def is_empty(self) -> bool:
        """Whether no instant is in it: nothing needs to be read."""
        return self.from_ms >= self.to_ms


class AgentLookup(PrivateRepr, msgspec.Struct, frozen=True, gc=False):
    """Agents, one of whom an event must have.

    `names` are canonical identifiers, to be hashed as staff; `patients` may be patients who acted:
    their pseudonyms are among the agents'. `is_complete`: whether the index finds every event
    (of its first 64 agents). It does not if an event may name the agent by a better name too, since
    an agent is indexed by the best name alone (`identifier|…` beside a reference), or if it may be
    a device (`urn:uuid:…`): read a period instead, or warn that some may be missing.
    """

    SHOWN = ("is_complete",)
    names: tuple[str, ...]
    patients: tuple[PatientReference, ...]
    is_complete: bool


def event_period(search: Search) -> EventPeriod:
    """Return the period of the events' own times that all of `date` imply."""
    return _period(search, "date")


def entry_period(search: Search) -> EventPeriod:
    """Return the period of the entries' times that all of `_lastUpdated` imply."""
    return _period(search, "_lastUpdated")


def requested_ids(search: Search) -> tuple[str, ...] | None:
    """Return the event ids that `_id` allows, each once; None without it."""
    allowed: tuple[str, ...] | None = None
    for criterion in _required(search, "_id"):
        ids = dict.fromkeys(value.code for value in criterion.values if isinstance(value, Token))
        known = [id_ for id_ in ids if id_ is not None]
        allowed = tuple(known if allowed is None else (i for i in allowed if i in known))
    return allowed


def patient_lookups(search: Search) -> tuple[tuple[PatientReference, ...], ...]:
    """Return, for each criterion that is a lookup, the patients of whom one must be named.

    As the patient of an event or as an agent: the reader looks for a pseudonym as both. It
    finds every event of a portal whose rule makes the pseudonym of that very name
    (`canonical_patient`); what another rule has put under another name, a period finds.
    """
    lookups = []
    for criterion in _required(search, "patient", "patient.identifier"):
        patients = [_patient(value) for value in criterion.values]
        if None not in patients:
            lookups.append(tuple(patient for patient in patients if patient is not None))
    return tuple(lookups)


def searched_patients(search: Search) -> tuple[PatientReference, ...]:
    """Return the patients that a search names, each once."""
    return tuple(dict.fromkeys(patient for lookup in patient_lookups(search) for patient in lookup))


def agent_lookups(search: Search) -> tuple[AgentLookup, ...]:
    """Return the criteria on agents that are lookups."""
    found = (_agent_lookup(c) for c in _required(search, "agent", "agent.identifier"))
    return tuple(lookup for lookup in found if lookup is not None)


def is_bounded(search: Search) -> bool:
    """Return whether a search can be completed without reading the whole ledger."""
    return bool(
        any(_required(search, "date", "_id")) or patient_lookups(search) or agent_lookups(search)
    )


def _required(search: Search, *parameters: str) -> Iterable[Criterion]:
    """Return criteria that require a value: `:not` and `:missing` bound nothing."""
    return (c for c in search.criteria if c.parameter in parameters and not c.modifier)


def _period(search: Search, parameter: str) -> EventPeriod:
    from_ms, to_ms = START_MS, END_MS
    for criterion in _required(search, parameter):
        conditions = [value for value in criterion.values if isinstance(value, DateCondition)]
        from_ms = max(from_ms, min(condition.from_ms for condition in conditions))
        to_ms = min(to_ms, max(condition.to_ms for condition in conditions))
    return EventPeriod(from_ms, to_ms)


def _patient(value: Value) -> PatientReference | None:
    """Return the patient that a value names, if a pseudonym can be made of it."""
    if isinstance(value, NamedResource):
        if value.reference.startswith("urn:uuid:") or patient_reference(value.reference):
            return PatientReference(value.reference)
    elif isinstance(value, Token) and value.system and value.code:
        return PatientReference(None, ((value.system, value.code),))
    return None


def _agent_lookup(criterion: Criterion) -> AgentLookup | None:
    names: list[str] = []
    patients: list[PatientReference] = []
    is_complete = True
    for value in criterion.values:
        if isinstance(value, Token) and value.system and value.code:
            names.append(f"identifier|{value.system}|{value.code}")
            is_complete = False
        elif isinstance(value, NamedResource) and value.has_type:
            if value.reference.startswith("urn:") or "://" in value.reference:
                is_complete = False
            elif value.reference.partition("/")[0] not in _INDEXED_TYPES:
                return None
            if not value.reference.startswith("Patient/"):
                names.append(f"reference|{value.reference}")
        else:
            return None
        patient = _patient(value)
        if patient is not None:
            patients.append(patient)
    return AgentLookup(tuple(names), tuple(patients), is_complete)
