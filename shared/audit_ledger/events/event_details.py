"""Read the details of a record's event for searches, reports, exports and detections.

R4, R5 and CloudEvents have one shape here. The resource was accepted before, so nothing is rejected
here: elements without the shape of FHIR are left out.
"""

from base64 import b64decode
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from audit_ledger.events.agents import precedence, read_agent
from audit_ledger.events.codings import (
    Coded,
    display_of,
    read_codings,
    read_outcome,
    read_texts,
    text_or_none,
    texts_without_code,
)
from audit_ledger.events.contained import NOTHING_CONTAINED, Contained, contained_by_reference
from audit_ledger.events.contained import resolve as resolve_reference
from audit_ledger.events.errors import RejectedEventError
from audit_ledger.events.event import Agent, Format, PatientReference, ResourceIdentity
from audit_ledger.events.fhir_model import (
    ACTIONS,
    AgentElement,
    AuditEventElements,
    EntityElement,
    Reference,
    codes,
    codes_of,
    read_elements,
)
from audit_ledger.events.media_type import parse_media_type
from audit_ledger.events.ni_uri import NI_SYSTEM, digest_of_ni
from audit_ledger.events.patients import read_patients
from audit_ledger.events.record_event import ACTION_OF_WORD, read_record_event
from audit_ledger.events.references import patient_reference
from audit_ledger.events.strict_json import JsonObject, read_json
from audit_ledger.private_repr import PrivateRepr

_PLACE: Final = "AuditEvent"


class Target(ResourceIdentity, frozen=True, gc=False):
    """The target of a Reference; `reference` in the normal form of `normalize_reference`."""

    display: str | None = None


class AgentDetails(PrivateRepr, msgspec.Struct, frozen=True, gc=False):
    """An agent. `roles`: codes of type and role, `own_roles`: of role alone.

    `address` is the network address; `uncoded_purposes`: texts of purposes without any code.
    """

    agent: Agent
    who: Target
    name: str | None = None
    roles: tuple[Coded, ...] = ()
    role_text: str | None = None
    address: str | None = None
    purposes: tuple[Coded, ...] = ()
    uncoded_purposes: tuple[str, ...] = ()
    own_roles: tuple[Coded, ...] = ()
    alt_id: str | None = None
    policies: tuple[str, ...] = ()


class EntityDetails(PrivateRepr, msgspec.Struct, frozen=True, gc=False):
    """An entity. `query` is base64 as submitted; `digest` a document's SHA-256."""

    what: Target
    types: tuple[Coded, ...] = ()
    roles: tuple[Coded, ...] = ()
    name: str | None = None
    description: str | None = None
    query: str | None = None
    digest: bytes | None = None


class EventDetails(PrivateRepr, msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The details of an event of any format.

    `types`: R4's type, R5's category, a CloudEvent's type; `subtypes`: R4's subtype, R5's code;
    `outcome`: R4's code (0, 4, 8, 12) or R5's; `uncoded_purposes`: texts of purposes without any
    code; `time` as the sender wrote it.
    """

    SHOWN = ("format",)
    format: Format
    action: str | None = None
    types: tuple[Coded, ...] = ()
    subtypes: tuple[Coded, ...] = ()
    outcome: tuple[Coded, ...] = ()
    outcome_text: str | None = None
    purposes: tuple[Coded, ...] = ()
    uncoded_purposes: tuple[str, ...] = ()
    agents: tuple[AgentDetails, ...] = ()
    entities: tuple[EntityDetails, ...] = ()
    patients: tuple[PatientReference, ...] = ()
    source: Target = Target()
    site: str | None = None
    time: str | None = None

    @property
    def digests(self) -> tuple[bytes, ...]:
        """The SHA-256 of each document in the event."""
        return tuple(e.digest for e in self.entities if e.digest is not None)


class EventDocument(PrivateRepr, msgspec.Struct, frozen=True, gc=False):
    """A record's decoded resource. `data`: of a CloudEvent, decoded if it is JSON; else None."""

    SHOWN = ("format",)
    root: JsonObject
    format: Format
    data: Any = None

    @property
    def audit_event(self) -> JsonObject | None:
        """The AuditEvent: the resource, or a CloudEvent's data; None if there is none."""
        if self.format != "cloudevents":
            return self.root
        data: JsonObject = self.data
        return data if _is_audit_event(data) else None


def parse_document(resource: bytes, format_: Format) -> EventDocument:
    """Parse a record's resource; raise FormatError or RejectedEventError if it is not JSON."""
    root: JsonObject = read_json(resource, _PLACE)
    return EventDocument(root, format_, _data_of(root) if format_ == "cloudevents" else None)


def read_details(resource: bytes, format_: Format) -> EventDetails:
    """Return the details of a resource: an AuditEvent or a CloudEvent."""
    return details_of(parse_document(resource, format_))


def details_of(document: EventDocument) -> EventDetails:
    """Return the details of a decoded resource."""
    if document.format == "cloudevents":
        return _of_cloudevent(document.root, document.data)
    return _of_audit_event(document.root, document.format, None)


def _of_audit_event(
    document: JsonObject, format_: Format, subject: PatientReference | None
) -> EventDetails:
    event = read_elements(document, AuditEventElements, _PLACE)
    contained = contained_by_reference(event.contained) if event.contained else NOTHING_CONTAINED
    agents = tuple(
        _agent(element, raw, contained, index)
        for index, (element, raw) in enumerate(_with_json(event.agent, document, "agent"))
    )
    patients = read_patients(
        event,
        codes_of(event),
        contained,
        sorted((details.agent for details in agents), key=precedence),
        _PLACE,
        set(),
        subject=subject,
    )
    is_r5 = document.get("code") is not None
    source = event.source or {}
    outcome, outcome_text = read_outcome(document)
    return EventDetails(
        format=format_,
        action=event.action if event.action in ACTIONS else None,
        types=read_codings(document.get("category" if is_r5 else "type")),
        subtypes=read_codings(document.get("code" if is_r5 else "subtype")),
        outcome=outcome,
        outcome_text=outcome_text,
        purposes=read_codings(
            purposes := document.get("authorization" if is_r5 else "purposeOfEvent")
        ),
        uncoded_purposes=texts_without_code(purposes),
        agents=agents,
        entities=tuple(
            _entity(element, raw, contained, index)
            for index, (element, raw) in enumerate(_with_json(event.entity, document, "entity"))
        ),
        patients=tuple(named.patient for named in patients),
        source=_target_of_json(source.get("observer"), contained, "source"),
        site=text_or_none(source.get("site")) or display_of(source.get("site")),
        time=event.recorded,
    )


def _agent(
    element: AgentElement, raw: JsonObject, contained: Contained, index: int
) -> AgentDetails:
    who = Target()
    if element.who is not None:
        who = _target(element.who, contained, "agent", index, "who")
    roles = (*read_codings(raw.get("type")), *read_codings(raw.get("role")))
    network = raw.get("network")
    address = text_or_none(network.get("address")) if isinstance(network, dict) else None
    return AgentDetails(
        read_agent(element, codes(element.type), contained, _PLACE, "agent", index),
        who,
        element.name or who.display,
        roles,
        next(read_texts((raw.get("type"), raw.get("role"))), None),
        address or text_or_none(raw.get("networkString")) or text_or_none(raw.get("networkUri")),
        (*read_codings(raw.get("purposeOfUse")), *read_codings(raw.get("authorization"))),
        (
            *texts_without_code(raw.get("purposeOfUse")),
            *texts_without_code(raw.get("authorization")),
        ),
        read_codings(raw.get("role")),
        element.alt_id or None,
        tuple(uri for uri in _list(raw.get("policy")) if text_or_none(uri)),
    )


def _entity(
    element: EntityElement, raw: JsonObject, contained: Contained, index: int
) -> EntityDetails:
    what = Target()
    if element.what is not None:
        what = _target(element.what, contained, "entity", index, "what")
    digests = (digest_of_ni(value) for system, value in what.identifiers if system == NI_SYSTEM)
    return EntityDetails(
        what,
        read_codings(raw.get("type")),
        read_codings(raw.get("role")),
        text_or_none(raw.get("name")) or what.display,
        text_or_none(raw.get("description")),
        text_or_none(raw.get("query")),
        next((digest for digest in digests if digest is not None), None),
    )


def _of_cloudevent(document: JsonObject, data: Any) -> EventDetails:
    type_ = text_or_none(document.get("type")) or ""
    subject = _subject(document)
    if _is_audit_event(data):
        return _of_audit_event(data, "cloudevents", subject)
    types = (Coded("", type_),)
    time = text_or_none(document.get("time"))
    source = Target(display=text_or_none(document.get("source")))
    if not type_.startswith("record."):
        return EventDetails(
            format="cloudevents",
            types=types,
            patients=() if subject is None else (subject,),
            source=source,
            time=time,
        )
    record = {} if data is None else data
    try:
        parsed = read_record_event(record, type_, subject, _PLACE)
    except RejectedEventError:  # accepted under other rules: no details can be read
        return EventDetails(format="cloudevents", types=types, source=source, time=time)
    actor, document_ = record.get("actor"), record.get("document")
    outcome, outcome_text = read_outcome(record)
    return EventDetails(
        format="cloudevents",
        action=parsed.action or ACTION_OF_WORD.get(type_.rpartition(".")[2]),
        types=types,
        outcome=outcome,
        outcome_text=outcome_text,
        agents=tuple(_actor(agent, actor) for agent in parsed.agents),
        entities=() if not isinstance(document_, dict) else (_document(document_),),
        patients=() if parsed.patient is None else (parsed.patient,),
        source=source,
        time=time,
    )


def _actor(agent: Agent, actor: Any) -> AgentDetails:
    who = _target_of_json(actor, NOTHING_CONTAINED, "actor")
    return AgentDetails(agent, who, who.display)


def _document(document: JsonObject) -> EntityDetails:
    digest = text_or_none(document.get("digest"))
    what = _target_of_json(document, NOTHING_CONTAINED, "document")
    return EntityDetails(
        what, name=what.display, digest=None if digest is None else digest_of_ni(digest)
    )


def _data_of(document: JsonObject) -> Any:
    """Return a CloudEvent's data, decoded if `data_base64` is JSON."""
    encoded = document.get("data_base64")
    if not isinstance(encoded, str):
        return document.get("data")
    media_type = parse_media_type(str(document.get("datacontenttype") or ""))
    return read_json(b64decode(encoded), _PLACE) if media_type.is_json else None


def _is_audit_event(data: Any) -> bool:
    return isinstance(data, dict) and data.get("resourceType") == "AuditEvent"


def _subject(document: JsonObject) -> PatientReference | None:
    subject = document.get("subject")
    if not isinstance(subject, str):
        return None
    reference = patient_reference(subject)
    return None if reference is None else PatientReference(reference)


def _target(reference: Reference, contained: Contained, *place: str | int) -> Target:
    named = resolve_reference(reference, contained, _PLACE, *place)
    return Target(named.reference, named.identifiers, reference.display)


def _target_of_json(value: Any, contained: Contained, *place: str | int) -> Target:
    try:
        reference = msgspec.convert(value, Reference)
    except msgspec.ValidationError:
        return Target()
    return _target(reference, contained, *place)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _with_json(
    elements: list[Any] | None, document: Mapping[str, Any], name: str
) -> Iterable[tuple[Any, JsonObject]]:
    """Pair each parsed element with its JSON."""
    return zip(elements or (), document.get(name) or (), strict=True)
