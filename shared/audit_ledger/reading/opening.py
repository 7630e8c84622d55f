"""Opening records: each with the secret of its subject, looked up once a request."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from audit_ledger.aws.event_index import IndexedEntry
from audit_ledger.aws.kept import KEPT_SECONDS
from audit_ledger.aws.subjects import SubjectSecret
from audit_ledger.errors import UnreachableError, VerificationError
from audit_ledger.reading.ledger import Ledger
from audit_ledger.reading.pinned import YOUNG_SECONDS, StoredEntry
from audit_ledger.records.opened_event import OpenedEvent, opened_event
from audit_ledger.records.pseudonyms import row_key
from audit_ledger.records.record import decode_record
from audit_ledger.records.seal import open_sealed, subject_key
from audit_ledger.records.seal_header import read_header


class Opened(msgspec.Struct, frozen=True, gc=False):
    """A record, opened: what it says, its entry, and the bytes that its commitment binds."""

    event: OpenedEvent
    entry: bytes
    index_row: bytes
    record: bytes
    blind: bytes

    def __repr__(self) -> str:
        """Show nothing of it."""
        return f"Opened({self.event!r})"


@dataclass(repr=False)
class Opener:
    """Opens records of one ledger for one request, and forgets all secrets with it.

    `now`: whole seconds.
    """

    ledger: Ledger
    now: int
    _secrets: dict[bytes, SubjectSecret] = field(default_factory=dict)
    _of_ledger: dict[int, SubjectSecret] | None = None

    def know(self, secrets: dict[bytes, SubjectSecret]) -> None:
        """Take secrets by pseudonym that were read already."""
        self._secrets.update(secrets)

    def look_up(self, entries: Iterable[IndexedEntry]) -> None:
        """Read the secrets of these entries' subjects, those that are not known yet."""
        wanted = {entry.row.patient for entry in entries if entry.row.patient is not None}
        self._secrets.update(
            self.ledger.subjects.of_pseudonyms(sorted(wanted - set(self._secrets)))
        )

    def open(self, stored: StoredEntry) -> Opened | None:
        """Open a record; None where its subject was erased.

        UnreachableError where secret or ledger key may only be too new to be known here yet.
        VerificationError where a record does not open although they are there.
        """
        row = stored.indexed.row
        header = read_header(stored.sealed)
        keys = self.ledger.keys
        if keys is None or header.ledger_key_version not in keys.ledger_keys:
            # Keys are kept for minutes: one that was made since is there when they are read again.
            if stored.indexed.block_time >= self.now - 2 * KEPT_SECONDS:
                raise UnreachableError("the newest ledger key is not known here yet")
            raise VerificationError(f"entry {stored.indexed.seq}: its ledger key is not there")
        secret = self._secret(row.patient, row.generation)
        if secret is None:
            if stored.indexed.block_time >= self.now - YOUNG_SECONDS:
                raise UnreachableError("the newest secrets are not in their index yet")
            return None
        key = subject_key(
            keys.ledger_keys[header.ledger_key_version], secret.secret, self.ledger.origin
        )
        try:
            record, blind = open_sealed(
                stored.sealed, key=key, origin=self.ledger.origin, event_id=row.event_id
            )
        except VerificationError:
            if row.patient is None:
                return None  # its generation of the subject `ledger` was replaced: erased
            raise
        event = opened_event(
            decode_record(record),
            row,
            seq=stored.indexed.seq,
            entry_time=stored.indexed.block_time,
            event_id=stored.indexed.key,
            conflict=stored.indexed.conflict,
        )
        return Opened(event, stored.entry, stored.indexed.row_bytes, record, blind)

    def _secret(self, pseudonym: bytes | None, generation: int) -> SubjectSecret | None:
        if pseudonym is not None:
            return self._secrets.get(pseudonym)
        if self._of_ledger is None:
            keys = self.ledger.keys
            of_ledger = [] if keys is None else [row_key(keys.index_key, None)]
            self._of_ledger = {
                secret.generation: secret
                for key in of_ledger
                for secret in self.ledger.subjects.generations(key)
            }
        return self._of_ledger.get(generation)
