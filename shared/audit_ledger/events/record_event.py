"""Parse a record event: a result filed, a prescription issued, a document changed.

The data of a CloudEvent of type `record.*`, e.g. `record.prescription.issued`:

    {"patient":  {"reference": "Patient/1", "identifier": {"system": "urn:mrn", "value": "7"}},
     "actor":    {"reference": "Practitioner/2", "display": "Dr Two"},
     "action":   "C",
     "document": {"reference": "DocumentReference/3",
                  "digest": "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk"}}

`patient` and `actor` are FHIR References. `action` is a FHIR audit action; if it is absent, the
last word of the type implies it. `digest` is the SHA-256 of the document's bytes as an RFC 6920
URI.
"""

import re
from typing import Any, Final

import msgspec

from audit_ledger.events.agents import read_agent
from audit_ledger.events.contained import NOTHING_CONTAINED, resolve
from audit_ledger.events.errors import RejectedEventError
from audit_ledger.events.event import Agent, PatientReference
from audit_ledger.events.fhir_model import ACTIONS, AgentElement, Reference, read_elements
from audit_ledger.events.patients import as_patient

ACTION_OF_WORD: Final = {
    **dict.fromkeys(("created", "added", "filed", "issued", "signed"), "C"),
    **dict.fromkeys(("updated", "changed", "amended", "corrected"), "U"),
    **dict.fromkeys(("deleted", "removed", "withdrawn"), "D"),
    **dict.fromkeys(("read", "viewed", "opened"), "R"),
}
REFUSED_WORDS: Final = ("denied", "refused", "forbidden", "blocked", "failed")
# RFC 6920, Section 3: 32 bytes are 43 characters of base64url without padding, and the last two
# bits of the last character are unused and zero.
_NI_SHA256: Final = re.compile(
    r"ni://[A-Za-z0-9.:\-]*/sha-256;[A-Za-z0-9_\-]{42}[AEIMQUYcgkosw048](?:\?[!-~]*)?"
)


class _Document(msgspec.Struct):
    digest: str | None = None


class _Data(msgspec.Struct):
    patient: Reference | None = None
    actor: Reference | None = None
    action: str | None = None
    document: _Document | None = None


class ParsedRecordEvent(msgspec.Struct):
    """The content of a record event."""

    action: str | None
    patient: PatientReference | None
    agents: tuple[Agent, ...]
    flags: set[str]


def read_record_event(
    data: Any, type_: str, subject: PatientReference | None, place: str
) -> ParsedRecordEvent:
    """Parse the decoded data of a record event.

    `subject` is the patient of the envelope, if any. Raise RejectedEventError (422) if the data
    names another patient, if a member has the wrong shape, or if the digest is invalid.
    """
    record = read_elements(data, _Data, place)
    flags: set[str] = set()
    if record.document is None or record.document.digest is None:
        flags.add("record.no-digest")
    elif not _NI_SHA256.fullmatch(record.document.digest):
        raise RejectedEventError(
            422,
            "value",
            f"{place}.document.digest",
            "ni:///sha-256; and 43 characters of base64url (RFC 6920)",
        )
    agents: tuple[Agent, ...] = ()
    if record.actor is None:
        flags.add("record.no-actor")
    else:
        actor = AgentElement(who=record.actor, requestor=True)
        agents = (read_agent(actor, (), NOTHING_CONTAINED, place, "actor"),)
    patient = _patient(record, subject, place)
    if patient is None:
        flags.add("record.no-patient")
    return ParsedRecordEvent(_action(record, type_, flags), patient, agents, flags)


def _patient(
    record: _Data, subject: PatientReference | None, place: str
) -> PatientReference | None:
    if record.patient is None:
        return subject
    patient = as_patient(resolve(record.patient, NOTHING_CONTAINED, place, "patient"))
    if subject is None or subject.reference == patient.reference:
        return patient
    if patient.reference is None:
        return PatientReference(subject.reference, patient.identifiers)
    raise RejectedEventError(
        422, "invalid", f"{place}.patient", "the patient that subject refers to"
    )


def _action(record: _Data, type_: str, flags: set[str]) -> str | None:
    by_type = ACTION_OF_WORD.get(type_.rpartition(".")[2])
    if record.action in ACTIONS:
        if by_type not in (None, record.action):
            flags.add("record.action-differs")
        return record.action
    if record.action is not None or by_type is None:
        flags.add("record.no-action")
    return by_type
