"""Opening records: each with the secret of its subject, looked up once a request."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from audit_ledger.errors import FormatError, LedgerError, UnreachableError, VerificationError
from audit_ledger.ledger.entry import EventEntry, parse_entry
from audit_ledger.ledger.index import StoredEntry
from audit_ledger.private_repr import PrivateRepr
from audit_ledger.reading.concurrent import MAX_CONCURRENT_READS, map_concurrently
from audit_ledger.reading.ledger import ReadableLedger
from audit_ledger.reading.snapshot import YOUNG_SECONDS
from audit_ledger.records.commitment import RecordDisclosure
from audit_ledger.records.keyed_hash import KeyedHash
from audit_ledger.records.ledger_keys import LedgerKeyring
from audit_ledger.records.opened_event import OpenedEvent, opened_event
from audit_ledger.records.pseudonyms import patient_pseudonym, subject_key_hash
from audit_ledger.records.record import parse_record
from audit_ledger.records.seal import OtherKeyError, open_sealed, require_bound, subject_key
from audit_ledger.records.sealed_record import SealedRecord, parse_header
from audit_ledger.records.subject_secret import SubjectSecret


class UnreadableError(LedgerError):
    """A record opens and is what its entry commits to, but its content cannot be read."""


class OpenedRecord(PrivateRepr, msgspec.Struct, frozen=True, gc=False):
    """A record, opened: the event, the entry, and the bytes that its commitment binds."""

    SHOWN = ("event",)
    event: OpenedEvent
    stored: StoredEntry
    record: bytes
    record_blind: bytes

    @property
    def disclosure(self) -> RecordDisclosure:
        """What a receipt discloses."""
        item = self.stored.item
        return RecordDisclosure(item.row_bytes, item.row_blind, self.record, self.record_blind)


@dataclass(repr=False)
class RecordOpener:
    """Opens records of one ledger for one request, and forgets all secrets with it.

    `now`: whole seconds.
    """

    ledger: ReadableLedger
    now: int
    _secrets: dict[bytes, SubjectSecret] = field(default_factory=dict)
    _of_ledger: dict[int, SubjectSecret] | None = None
    _versions: frozenset[int] | None = None

    def add_secrets(self, secrets: Iterable[SubjectSecret]) -> frozenset[bytes]:
        """Add secrets that were read; return the pseudonyms of their subjects."""
        by_pseudonym = {patient_pseudonym(KeyedHash(each.secret)): each for each in secrets}
        self._secrets.update(by_pseudonym)
        return frozenset(by_pseudonym)

    def look_up(self, entries: Iterable[StoredEntry]) -> None:
        """Read the missing secrets of the subjects of these entries."""
        subjects = {entry.row.patient for entry in entries}
        if None in subjects:
            self._secrets_of_ledger()
        missing = sorted({s for s in subjects if s is not None} - set(self._secrets))
        shares = [
            missing[first::MAX_CONCURRENT_READS]
            for first in range(min(MAX_CONCURRENT_READS, len(missing)))
        ]
        for found in map_concurrently(self.ledger.subjects.of_pseudonyms, shares):
            self._secrets.update(found)

    def open(self, stored: StoredEntry) -> OpenedRecord | None:
        """Open a record; return None if its subject was erased.

        Make no call after `look_up` with the entry. Raise UnreachableError if secret or ledger key
        may be too new to be known yet; UnreadableError if the opened record cannot be read;
        VerificationError if entry, index row and sealed record are not those that ingest sent. The
        tag that binds them is verified before any secret is used, so that an altered row is never
        mistaken for one of an erased subject; the opened record is compared with the commitment.
        """
        row, seq, origin = stored.row, stored.seq, self.ledger.origin
        sealed, ledger_key = self.require_sent(stored)
        secret = self._secret(row.patient, row.generation)
        if secret is None:
            if stored.block_time >= self.now - YOUNG_SECONDS:
                raise UnreachableError("the newest secrets are not in their index yet")
            return None
        key = subject_key(ledger_key, secret.secret, origin)
        try:
            record, blind = open_sealed(sealed, key=key, origin=origin)
        except OtherKeyError:
            if row.patient is None:
                return None  # its generation of the subject `ledger` was replaced: erased
            raise VerificationError(f"entry {seq}: its record does not open") from None
        except (FormatError, VerificationError) as error:
            raise VerificationError(f"entry {seq}: {error}") from None
        try:
            event = opened_event(
                parse_record(record),
                row,
                seq=seq,
                entry_time=stored.block_time,
                event_id=stored.key,
                conflict=stored.item.conflict,
            )
        except Exception:  # noqa: BLE001  one accepted event must stop nothing: readers step over it
            raise UnreadableError(f"entry {seq}: it opens, but cannot be read") from None
        return OpenedRecord(event, stored, record, blind)

    def require_sent(self, stored: StoredEntry) -> tuple[SealedRecord, bytes]:
        """Return a sealed record and its ledger key, if the record is as ingest sent it.

        Raise VerificationError if entry, index row and sealed record do not belong together;
        UnreachableError if the ledger key may be too new to be known yet. No secret of a subject is
        needed: an erased record can be verified.
        """
        seq = stored.seq
        header = parse_header(stored.item.sealed)
        keys = self._keys_of(header.ledger_key_version, seq)
        item = stored.item
        sealed = SealedRecord(
            stored.row,
            item.row_bytes,
            item.row_blind,
            item.record_commitment,
            _commitment(stored),
            item.sealed,
        )
        binding = keys.bindings[header.ledger_key_version]
        try:
            require_bound(sealed, binding=binding, origin=self.ledger.origin)
        except VerificationError as error:
            raise VerificationError(f"entry {seq}: {error}") from None
        if header.generation != stored.row.generation:
            raise VerificationError(f"entry {seq}: row and record are of two generations")
        return sealed, keys.ledger_keys[header.ledger_key_version]

    def _keys_of(self, version: int, seq: int) -> LedgerKeyring:
        """Return the ledger's keys, which have this version among them.

        UnreachableError if it was created after they were read: they are cached for minutes.
        """
        keys = self.ledger.keys
        if keys is not None and version in keys.ledger_keys:
            return keys
        if self._versions is None:
            wrapped = self.ledger.state.keys()
            self._versions = frozenset(() if wrapped is None else wrapped.ledger_keys)
        if version in self._versions:
            raise UnreachableError("the newest ledger key is not known here yet")
        raise VerificationError(f"entry {seq}: its ledger key is not there")

    def _secret(self, pseudonym: bytes | None, generation: int) -> SubjectSecret | None:
        if pseudonym is not None:
            return self._secrets.get(pseudonym)
        return self._secrets_of_ledger().get(generation)

    def _secrets_of_ledger(self) -> dict[int, SubjectSecret]:
        if self._of_ledger is None:
            keys = self.ledger.keys
            of_ledger = [] if keys is None else [subject_key_hash(keys.index_key, None)]
            self._of_ledger = {
                secret.generation: secret
                for key in of_ledger
                for secret in self.ledger.subjects.generations(key)
            }
        return self._of_ledger


def secrets_of_names(ledger: ReadableLedger, names: Iterable[str]) -> list[SubjectSecret]:
    """Return the secrets, of all years and generations, of patients by canonical identifier."""
    if ledger.keys is None:
        return []
    index_key = ledger.keys.index_key
    return [
        secret
        for name in names
        for secret in ledger.subjects.generations(subject_key_hash(index_key, name))
    ]


def _commitment(stored: StoredEntry) -> bytes:
    """Return the commitment of an entry; VerificationError if number, time or kind are wrong."""
    seq, entry = stored.seq, parse_entry(stored.item.entry)
    if entry.seq != seq or entry.time != stored.block_time:
        raise VerificationError(f"entry {seq}: number or time are not those of its block")
    if not isinstance(entry, EventEntry):
        raise VerificationError(f"entry {seq}: a control entry with a record")
    return entry.commitment
