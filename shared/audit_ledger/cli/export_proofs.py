"""What the receipts of an export prove: that each line is of an entry which the ledger has.

If a record is disclosed, also that the line agrees with it: the format makes the same line of it
again.
"""

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from itertools import chain

from audit_ledger.errors import FormatError, LedgerError, VerificationError
from audit_ledger.exports.formats import FORMATS
from audit_ledger.exports.line_files import ENTRIES_SUFFIX, read_entries
from audit_ledger.exports.manifest import Manifest
from audit_ledger.exports.receipt_lines import CHECKPOINT, RECEIPTS, Receipt, read_receipts
from audit_ledger.ledger.entry import EventEntry
from audit_ledger.records.commitment import RecordDisclosure
from audit_ledger.records.index_row import IndexRow, parse_index_row
from audit_ledger.records.opened_event import opened_event
from audit_ledger.records.pseudonyms import conflict_key
from audit_ledger.records.record import parse_record
from audit_ledger.tlog.policy import Policy, PolicyResult
from audit_ledger.verify.receipts import VerifiedReceipt, verify_receipt

ReadFile = Callable[[str], Iterable[bytes]]
"""Return a file of the export in pieces, by its name."""


class Proofs:
    """Verifies the receipts of an export whose files are those of its manifest.

    After `findings` was taken to its end: `proved` entries are in the ledger of the checkpoint,
    `shown` of them with records that say what their lines say; `opinion` is the policy's, None
    where there is no receipt.
    """

    def __init__(self, manifest: Manifest, read: ReadFile, policy: Policy) -> None:
        self._manifest = manifest
        self._read = read
        self._policy = policy
        self.proved = 0
        self.shown = 0
        self.opinion: PolicyResult | None = None
        self._seen: set[int] = set()

    @property
    def is_empty(self) -> bool:
        """Whether the export states that nothing was found."""
        return self._manifest.entries == 0

    def findings(self) -> Iterator[tuple[int | None, str]]:
        """Return entry, or None, and what is wrong; nothing if every proof is valid."""
        names = {file.name for file in self._manifest.files}
        if RECEIPTS not in names:
            return
        checkpoint = b"".join(self._read(CHECKPOINT))
        lines = {
            name: read_entries(name, self._read(name + ENTRIES_SUFFIX))
            for name in names & set(FORMATS[self._manifest.format].files)
        }
        for receipt in read_receipts(self._read(RECEIPTS), checkpoint):
            try:
                self._verify(receipt, lines)
            except LedgerError as error:
                yield receipt.seq, str(error)
        for name, left in lines.items():
            for seq, _ in left if self.shown else ():
                yield seq, f"{name}: the line has no receipt"
        without = self._manifest.entries - self.proved
        if without > 0 and not self.shown:
            yield None, f"{without} lines have no valid receipt"

    def _verify(self, receipt: Receipt, lines: dict[str, Iterator[tuple[int, bytes]]]) -> None:
        disclosure = receipt.disclosed
        verified = verify_receipt(receipt.proof, self._policy, None, disclosure)
        checkpoint = verified.opinion.checkpoint
        if (checkpoint.origin, checkpoint.size) != (self._manifest.origin, self._manifest.size):
            raise VerificationError("its receipt is of another ledger or size than the manifest's")
        if verified.entry.seq != receipt.seq:
            raise VerificationError("its receipt is of another entry")
        if receipt.seq in self._seen:
            raise VerificationError("it came before: an export has an entry once")
        self._seen.add(receipt.seq)
        self.opinion = verified.opinion
        self.proved += 1
        if disclosure is None:
            return
        self.shown += 1
        name, possible = self._lines_of(verified, disclosure)
        found = next(lines.get(name, iter(())), None)
        if found is None or found[0] != receipt.seq:
            if found is not None:
                lines[name] = chain([found], lines[name])
            raise VerificationError(f"{name}: its line is not there")
        if found[1] not in possible:
            raise VerificationError(f"{name}: its line differs from the record")

    def _lines_of(
        self, verified: VerifiedReceipt, disclosure: RecordDisclosure
    ) -> tuple[str, set[bytes]]:
        """Return the file of a record's line, and the SHA-256 of what it may be.

        A record does not know whether its id was taken by other content before: then it has
        another id, and a flag.
        """
        entry = verified.entry
        if not isinstance(entry, EventEntry):
            raise FormatError("a control entry has no record")
        row, record = parse_index_row(disclosure.row_bytes), parse_record(disclosure.record)
        format_ = FORMATS[self._manifest.format]
        made = [
            format_.line(
                opened_event(
                    record,
                    row,
                    seq=entry.seq,
                    entry_time=entry.time,
                    event_id=event_id,
                    conflict=conflict,
                ),
                self._manifest.origin,
            )
            for event_id, conflict in _identities(row)
        ]
        return made[0][0], {sha256(line).digest() for _, line in made}


def _identities(row: IndexRow) -> Iterator[tuple[str, bool]]:
    yield row.event_id, False
    yield conflict_key(row.event_id, row.fingerprint), True
