"""Seal accepted events: one sealed record per patient, each with its index row.

Subjects' secrets are read here, for all subjects of a request in one read, and never cached.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from secrets import token_hex
from time import gmtime

import msgspec

from audit_ledger.events import (
    Agent,
    Event,
    Part,
    PatientReference,
    PatientRule,
    canonical_agent,
    canonical_patient,
)
from audit_ledger.private_repr import PrivateRepr
from audit_ledger.records.index_row import IndexRow
from audit_ledger.records.keyed_hash import KeyedHash
from audit_ledger.records.ledger_keys import LedgerKeys
from audit_ledger.records.pseudonyms import (
    event_id,
    fingerprint,
    patient_pseudonym,
    subject_key_hash,
)
from audit_ledger.records.record import new_record
from audit_ledger.records.seal import seal, subject_key
from audit_ledger.records.sealed_record import SealedRecord, SealHeader
from audit_ledger.records.subject_secret import SubjectSecret

UNRESOLVED = "patient.unresolved"
UNRESOLVED_AGENT = "agent.unresolved"

Secrets = Callable[[Sequence[str], int], dict[str, SubjectSecret]]
Acting = list[tuple[Agent, PatientReference | None]]
"""The agents of an event, each with its patient reference if the agent is a patient."""


class Subject(PrivateRepr, msgspec.Struct, frozen=True, gc=False):
    """The subject of records. `pseudonym` is None for the subject `ledger`."""

    generation: int
    secret: KeyedHash
    key: bytes
    pseudonym: bytes | None


Subjects = dict[PatientReference | None, Subject]
"""By patient as named; None, and patients that the portal's rule does not resolve: `ledger`."""


SealedParts = tuple[SealedRecord, ...]
"""The sealed records of one event: one per part, in order."""


@dataclass(frozen=True)
class Sealer:
    """Seals the events of one portal into one ledger.

    `secrets`: row keys, year → secrets; `staff`: canonical identifier → staff pseudonym.
    """

    origin: str
    portal: str
    rule: PatientRule
    keys: LedgerKeys
    secrets: Secrets
    staff: Callable[[str], bytes]

    def seal(self, events: Sequence[Event], received_ms: int) -> list[SealedParts]:
        """Return the sealed events of a request. `received_ms`: milliseconds since 1970.

        An event without a sender's id receives a random id.
        """
        patients: dict[PatientReference | None, None] = {}
        acting: list[Acting] = []
        for event in events:
            agents: Acting = []
            for agent in event.agents:
                patient = self._as_patient(agent)
                if patient is not None:
                    patients[patient] = None
                agents.append((agent, patient))
            acting.append(agents)
            for part in event.parts:
                patients[part.patient] = None
        subjects = self._read_subjects(patients, gmtime(received_ms // 1000).tm_year)
        return [
            self._seal_event(event, agents, received_ms, subjects)
            for event, agents in zip(events, acting, strict=True)
        ]

    def _read_subjects(self, patients: Iterable[PatientReference | None], year: int) -> Subjects:
        """Return the subject of each patient as named, found by the canonical identifier."""
        named = {p: None if p is None else canonical_patient(self.rule, p) for p in patients}
        row_keys = {
            i: subject_key_hash(self.keys.index_key, i) for i in dict.fromkeys(named.values())
        }
        secrets = self.secrets(sorted(row_keys.values()), year)
        subjects = {i: self._subject(i, secrets[at]) for i, at in row_keys.items()}
        return {patient: subjects[identifier] for patient, identifier in named.items()}

    def _subject(self, identifier: str | None, current: SubjectSecret) -> Subject:
        secret = KeyedHash(current.secret)
        return Subject(
            current.generation,
            secret,
            subject_key(self.keys.ledger_key, current.secret, self.origin),
            None if identifier is None else patient_pseudonym(secret),
        )

    def _seal_event(
        self, event: Event, acting: Acting, received_ms: int, subjects: Subjects
    ) -> SealedParts:
        persons, others, flags_of_agents = self._pseudonyms(acting, subjects)
        event_flags = event.flags
        if flags_of_agents:
            event_flags = tuple(sorted({*event_flags, *flags_of_agents}))
        records: list[SealedRecord] = []
        for number, part in enumerate(event.parts):
            subject = subjects[part.patient]
            part_flags = event_flags
            if part.patient is not None and subject.pseudonym is None:
                part_flags = tuple(sorted({*event_flags, UNRESOLVED}))
            row = IndexRow(
                event_id=(
                    token_hex(32)
                    if event.sender_id is None
                    else event_id(self.keys.index_key, self.portal, event.sender_id, number)
                ),
                time_ms=received_ms if event.time_ms is None else event.time_ms,
                patient=subject.pseudonym,
                agents=persons,
                others=others,
                fingerprint=fingerprint(subject.secret, part.resource),
                generation=subject.generation,
                flags=part_flags,
            )
            records.append(self._seal_part(event, part, row, subject, received_ms))
        return tuple(records)

    def _seal_part(
        self, event: Event, part: Part, row: IndexRow, subject: Subject, received_ms: int
    ) -> SealedRecord:
        record = new_record(self.portal, received_ms, event.format, part.resource, part.cut)
        return seal(
            record.to_bytes(),
            row,
            key=subject.key,
            binding=self.keys.binding,
            header=SealHeader(self.keys.ledger_key_version, subject.generation),
            origin=self.origin,
        )

    def _pseudonyms(
        self, acting: Acting, subjects: Subjects
    ) -> tuple[tuple[bytes, ...], tuple[bytes, ...], tuple[str, ...]]:
        """Return the pseudonyms of persons, and of other agents, each once, in order; and flags."""
        persons: dict[bytes, None] = {}
        others: dict[bytes, None] = {}
        flags: tuple[str, ...] = ()
        for agent, patient in acting:
            if patient is None:
                name = canonical_agent(agent)
                if name is not None:
                    (persons if agent.is_person else others)[self.staff(name)] = None
            elif (pseudonym := subjects[patient].pseudonym) is not None:
                persons[pseudonym] = None
            else:
                flags = (UNRESOLVED_AGENT,)
        for pseudonym in persons:
            others.pop(pseudonym, None)
        return tuple(persons), tuple(others), flags

    def _as_patient(self, agent: Agent) -> PatientReference | None:
        """Return an agent's patient reference: declared, or an identifier of the patients' system.

        Erasing the secret must erase the pseudonym, so it never derives from the index key.
        """
        if agent.patient is not None or self.rule.system is None:
            return agent.patient
        start = f"identifier|{self.rule.system}|"
        for candidate in agent.candidates:
            if candidate.startswith(start):
                identifier = (self.rule.system, candidate.removeprefix(start))
                return PatientReference(None, (identifier,))
        return None
