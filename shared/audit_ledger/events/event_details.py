"""Read the details of a record's event for searches, reports, exports and detections.

R4, R5 and CloudEvents have one shape here. The resource was accepted before, so nothing is rejected
here: elements without the shape of FHIR are left out.
"""

import re
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from audit_ledger.events.agents import precedence, read_agent
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
from audit_ledger.events.patients import read_patients
from audit_ledger.events.record_event import ACTION_OF_WORD, read_record_event
from audit_ledger.events.references import patient_reference
from audit_ledger.events.strict_json import JsonObject, read_json
from audit_ledger.private_repr import PrivateRepr

NI_SYSTEM: Final = "urn:ietf:rfc:6920"
_NI: Final = re.compile(r"ni://[^/]*/sha-256;([A-Za-z0-9_\-]{43})(?:\?.*)?")
_PLACE: Final = "AuditEvent"


class Coded(msgspec.Struct, frozen=True, gc=False):
    """A coding; `system` is "" if absent, `display` is its own or its concept's text."""

    system: str
    code: str
    display: str | None = None

    @property
    def token(self) -> str:
        """The code as FHIR searches have it: `<system>|<code>`, or `<code>` without a system."""
        return f"{self.system}|{self.code}" if self.system else self.code


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


def decode_document(resource: bytes, format_: Format) -> EventDocument:
    """Decode a record's resource; raise FormatError or RejectedEventError if it is not JSON."""
    root: JsonObject = read_json(resource, _PLACE)
    return EventDocument(root, format_, _data_of(root) if format_ == "cloudevents" else None)


def read_details(resource: bytes, format_: Format) -> EventDetails:
    """Return the details of a resource: an AuditEvent or a CloudEvent."""
    return details_of(decode_document(resource, format_))


def details_of(document: EventDocument) -> EventDetails:
    """Return the details of a decoded resource."""
    if document.format == "cloudevents":
        return _of_cloudevent(document.root, document.data)
    return _of_audit_event(document.root, document.format, None)


def ni_uri(digest: bytes) -> str:
    """Return the RFC 6920 URI of a SHA-256, for a document that an event names."""
    return f"ni:///sha-256;{urlsafe_b64encode(digest).decode().rstrip('=')}"


def digest_of_ni(uri: str) -> bytes | None:
    """Return the SHA-256 in an RFC 6920 URI; None if it contains none."""
    form = _NI.fullmatch(uri)
    if form is None:
        return None
    try:
        return urlsafe_b64decode(form[1] + "=")
    except (Error, ValueError):
        return None


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
    outcome, outcome_text = _outcome(document)
    return EventDetails(
        format=format_,
        action=event.action if event.action in ACTIONS else None,
        types=_coded(document.get("category" if is_r5 else "type")),
        subtypes=_coded(document.get("code" if is_r5 else "subtype")),
        outcome=outcome,
        outcome_text=outcome_text,
        purposes=_coded(purposes := document.get("authorization" if is_r5 else "purposeOfEvent")),
        uncoded_purposes=_uncoded(purposes),
        agents=agents,
        entities=tuple(
            _entity(element, raw, contained, index)
            for index, (element, raw) in enumerate(_with_json(event.entity, document, "entity"))
        ),
        patients=tuple(named.patient for named in patients),
        source=_target_of_json(source.get("observer"), contained, "source"),
        site=_text(source.get("site")) or _display_of(source.get("site")),
        time=event.recorded,
    )


def _agent(
    element: AgentElement, raw: JsonObject, contained: Contained, index: int
) -> AgentDetails:
    who = Target()
    if element.who is not None:
        who = _target(element.who, contained, "agent", index, "who")
    roles = (*_coded(raw.get("type")), *_coded(raw.get("role")))
    network = raw.get("network")
    address = _text(network.get("address")) if isinstance(network, dict) else None
    return AgentDetails(
        read_agent(element, codes(element.type), contained, _PLACE, "agent", index),
        who,
        element.name or who.display,
        roles,
        next(_texts((raw.get("type"), raw.get("role"))), None),
        address or _text(raw.get("networkString")) or _text(raw.get("networkUri")),
        (*_coded(raw.get("purposeOfUse")), *_coded(raw.get("authorization"))),
        (*_uncoded(raw.get("purposeOfUse")), *_uncoded(raw.get("authorization"))),
        _coded(raw.get("role")),
        element.alt_id or None,
        tuple(uri for uri in _list(raw.get("policy")) if _text(uri)),
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
        _coded(raw.get("type")),
        _coded(raw.get("role")),
        _text(raw.get("name")) or what.display,
        _text(raw.get("description")),
        _text(raw.get("query")),
        next((digest for digest in digests if digest is not None), None),
    )


def _of_cloudevent(document: JsonObject, data: Any) -> EventDetails:
    type_ = _text(document.get("type")) or ""
    subject = _subject(document)
    if _is_audit_event(data):
        return _of_audit_event(data, "cloudevents", subject)
    types = (Coded("", type_),)
    time = _text(document.get("time"))
    source = Target(display=_text(document.get("source")))
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
    outcome, outcome_text = _outcome(record)
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
    digest = _text(document.get("digest"))
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


def _outcome(document: JsonObject) -> tuple[tuple[Coded, ...], str | None]:
    """Return the outcome: R4 has a code and `outcomeDesc`; R5 has a Coding and details.

    An outcome of another shape is returned as JSON: a person may understand it.
    """
    outcome = document.get("outcome")
    description = _text(document.get("outcomeDesc"))
    if outcome is None or outcome in ("", [], {}):
        return (), description
    if isinstance(outcome, float) and outcome.is_integer():
        outcome = int(outcome)
    if isinstance(outcome, int) and not isinstance(outcome, bool):  # as in DICOM
        outcome = str(outcome)
    if isinstance(outcome, str):
        return (Coded("", outcome),), description
    found: list[Coded] = []
    for one in outcome if isinstance(outcome, list) else [outcome]:
        code, details = _outcome_of(one)
        found += code
        description = description or details
    if not found and description is None:
        found = [Coded("", msgspec.json.encode(outcome).decode())]
    return tuple(found), description


def _outcome_of(outcome: Any) -> tuple[tuple[Coded, ...], str | None]:
    """Return the codes and text of R5's element, or of a Coding or CodeableConcept instead."""
    if not isinstance(outcome, dict):
        return (() if _text(outcome) is None else (Coded("", outcome),)), None
    code = outcome.get("code")
    codes = (*_coded(code), *_coded(outcome))
    text = next(_texts((outcome.get("detail"),)), None)
    if not codes and text is None:
        text = next(_texts((code, outcome)), None) or _display_of(code) or _display_of(outcome)
    return codes, text


def _coded(value: Any) -> tuple[Coded, ...]:
    """Return the codings of a Coding, a CodeableConcept, or a list of them, with their texts."""
    return tuple(_codings(value, None))


def _codings(value: Any, text: str | None) -> Iterator[Coded]:
    if isinstance(value, list):
        for item in value:
            yield from _codings(item, text)
    elif isinstance(value, dict):
        inside = value.get("coding")
        if inside is not None:
            yield from _codings(inside, _text(value.get("text")))
        code, system = value.get("code"), value.get("system")
        if isinstance(code, str):
            yield Coded(
                system if isinstance(system, str) else "",
                code,
                _text(value.get("display")) or text,
            )


def _uncoded(concepts: Any) -> tuple[str, ...]:
    """Return the texts of concepts without a code: the concept's and its codings' displays."""
    values = concepts if isinstance(concepts, list) else [concepts]
    return tuple(
        text
        for value in values
        if isinstance(value, dict) and not _coded(value)
        for text in (_text(value.get("text")), *map(_display_of, _codings_of(value)))
        if text
    )


def _codings_of(concept: JsonObject) -> list[Any]:
    codings = concept.get("coding")
    return codings if isinstance(codings, list) else []


def _texts(values: Iterable[Any]) -> Iterator[str]:
    """Yield the text of each concept that has one, else the displays of its codings."""
    for value in values:
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, dict):
                if text := _text(item.get("text")):
                    yield text
                else:
                    yield from (c.display for c in _coded(item) if c.display)


def _display_of(value: Any) -> str | None:
    return _text(value.get("display")) if isinstance(value, dict) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _with_json(
    elements: list[Any] | None, document: Mapping[str, Any], name: str
) -> Iterable[tuple[Any, JsonObject]]:
    """Pair each parsed element with its JSON."""
    return zip(elements or (), document.get(name) or (), strict=True)
