"""Whether an opened event fulfils a search: every criterion, exactly (FHIR R4 and R5, Search).

Codes and identifiers match as they are written, case included. An R4 element of type `code` has no
system of its own, and that of the value set that FHIR binds it to: it matches with both. Patients
are those whom the event is about and patients who act; `agent.identifier` and the like compare the
identifiers of the Reference (and of a contained resource that it refers to). CloudEvents without an
AuditEvent are compared as they are read (`EventDetails`): their patient is no entity.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Final, assert_never

import msgspec

from audit_ledger.events.codings import Coded
from audit_ledger.events.event import PatientReference
from audit_ledger.events.event_details import EventDetails, Target
from audit_ledger.events.patients import name_by_reference
from audit_ledger.events.references import is_type_name
from audit_ledger.events.text_folding import without_marks
from audit_ledger.http.authorization import OWN_USE
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.search.closed_codes import ACTION_SYSTEM, OUTCOME_SYSTEM, R4_OUTCOMES
from audit_ledger.search.criteria import (
    Criterion,
    DateCondition,
    Modifier,
    NamedResource,
    Search,
    Text,
    Token,
    Value,
)

TokenPair = tuple[str, str]  # (system, code or value), system "" where absent
TokenPairs = Iterable[TokenPair]


def matches(search: Search, opened: OpenedEvent, namespace: str | None = None) -> bool:
    """Return whether an event fulfils all criteria of a search.

    `namespace`: what the portal's relative references to patients are relative to, if its rule
    defines it (`PatientRule`).
    """
    if search.own_use != "include" and (OWN_USE in opened.flags) == (search.own_use == "exclude"):
        return False
    return all(_matches(criterion, opened, namespace) for criterion in search.criteria)


def _matches(criterion: Criterion, opened: OpenedEvent, namespace: str | None) -> bool:
    if criterion.modifier == "missing":
        (value,) = criterion.values
        return _is_missing(criterion.parameter, opened.details) == (str(value) == "true")
    if criterion.modifier == "not":
        plain = msgspec.structs.replace(criterion, modifier="")
        return not _matches(plain, opened, namespace)
    return any(_value_matches(criterion, value, opened, namespace) for value in criterion.values)


def _value_matches(
    criterion: Criterion, value: Value, opened: OpenedEvent, namespace: str | None
) -> bool:
    match value:
        case DateCondition():
            own = criterion.parameter == "date"
            instant_ms = opened.time_ms if own else opened.entry_time * 1000
            return value.from_ms <= instant_ms < value.to_ms
        case Token():
            return any(_is(value, pair) for pair in _pairs(criterion.parameter, opened))
        case NamedResource():
            named = _references(criterion.parameter, opened.details)
            if criterion.parameter == "patient":
                return any(_same_patient(value.reference, each, namespace) for each in named)
            return any(_names(value, reference) for reference in named)
        case Text():
            modifier = "exact" if criterion.parameter == "policy" else criterion.modifier
            texts = _TEXTS[criterion.parameter](opened.details)
            return any(_finds(value.text, text, modifier) for text in texts)
        case _:
            assert_never(value)


def _is_missing(parameter: str, details: EventDetails) -> bool:
    """Return whether an event has no value that a parameter compares."""
    if parameter in _TEXTS:
        return not any(_TEXTS[parameter](details))
    if parameter == "patient":
        return not any(True for _ in _patients(details))
    if parameter in _TARGETS:
        return all(target == Target() for target in _TARGETS[parameter](details))
    return not any(True for _ in _TOKENS[parameter](details))


def _pairs(parameter: str, opened: OpenedEvent) -> TokenPairs:
    """Return the pairs that a token parameter compares."""
    if parameter == "_id":
        return (("", opened.event_id),)
    return _TOKENS[parameter](opened.details)


def _is(token: Token, pair: TokenPair) -> bool:
    system, code = pair
    return token.system in (None, system) and token.code in (None, code)


def _same_patient(named: str, reference: str, namespace: str | None) -> bool:
    """Compare as written, and what is relative to the portal's own server with its URL."""
    if named == reference:
        return True
    name = None if namespace is None else name_by_reference(namespace, named)
    return name is not None and name == name_by_reference(namespace or "", reference)


def _names(named: NamedResource, reference: str) -> bool:
    if named.has_type:
        return reference == named.reference
    type_, _, id_ = reference.partition("/")
    return is_type_name(type_) and id_ == named.reference


def _finds(sought: str, text: str, modifier: Modifier) -> bool:
    """Compare strings from the start, or anywhere, whatever their case and accents; or exactly."""
    if modifier == "exact":
        return text == sought
    if modifier == "contains":
        return without_marks(sought) in without_marks(text)
    return without_marks(text).startswith(without_marks(sought))


def _references(parameter: str, details: EventDetails) -> Iterator[str]:
    if parameter == "patient":
        named: Iterable[str | None] = (patient.reference for patient in _patients(details))
    else:
        named = (target.reference for target in _TARGETS[parameter](details))
    return (reference for reference in named if reference is not None)


def _patients(details: EventDetails) -> Iterator[PatientReference]:
    yield from details.patients
    yield from (a.agent.patient for a in details.agents if a.agent.patient is not None)


def _identifiers(targets: Iterable[Target | PatientReference]) -> TokenPairs:
    return (pair for target in targets for pair in target.identifiers)


def _codes(codings: Iterable[Coded]) -> TokenPairs:
    return ((coded.system, coded.code) for coded in codings)


def _action(details: EventDetails) -> TokenPairs:
    if details.action is None:
        return ()
    return (("", details.action), (ACTION_SYSTEM, details.action))


def _outcome(details: EventDetails) -> TokenPairs:
    own = tuple(_codes(details.outcome))
    return own + tuple((OUTCOME_SYSTEM, c) for system, c in own if not system and c in R4_OUTCOMES)


def _purposes(details: EventDetails) -> Iterable[Coded]:
    return chain(details.purposes, *(agent.purposes for agent in details.agents))


_TARGETS: Final[dict[str, Callable[[EventDetails], Iterable[Target]]]] = {
    "agent": lambda details: (agent.who for agent in details.agents),
    "entity": lambda details: (entity.what for entity in details.entities),
    "source": lambda details: (details.source,),
}
_TEXTS: Final[dict[str, Callable[[EventDetails], Iterable[str]]]] = {
    "address": lambda details: (agent.address for agent in details.agents if agent.address),
    "agent-name": lambda details: (agent.name for agent in details.agents if agent.name),
    "entity-name": lambda details: (entity.name for entity in details.entities if entity.name),
    "policy": lambda details: (uri for agent in details.agents for uri in agent.policies),
}
_TOKENS: Final[dict[str, Callable[[EventDetails], TokenPairs]]] = {
    "patient.identifier": lambda details: _identifiers(_patients(details)),
    "agent.identifier": lambda details: _identifiers(agent.who for agent in details.agents),
    "entity.identifier": lambda details: _identifiers(entity.what for entity in details.entities),
    "source.identifier": lambda details: details.source.identifiers,
    "agent-role": lambda d: _codes(coded for agent in d.agents for coded in agent.own_roles),
    "altid": lambda details: (("", agent.alt_id) for agent in details.agents if agent.alt_id),
    "site": lambda details: () if details.site is None else (("", details.site),),
    "action": _action,
    "outcome": _outcome,
    "type": lambda details: _codes(details.types),
    "category": lambda details: _codes(details.types),
    "subtype": lambda details: _codes(details.subtypes),
    "code": lambda details: _codes(details.subtypes),
    "entity-type": lambda d: _codes(coded for entity in d.entities for coded in entity.types),
    "entity-role": lambda d: _codes(coded for entity in d.entities for coded in entity.roles),
    "purpose": lambda details: _codes(_purposes(details)),
}
