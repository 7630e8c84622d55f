"""Rows: receipts, as their holder shows them to a court, and the errors of their verification."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from msgspec.structs import replace as change

from audit_ledger.errors import LedgerError
from audit_ledger.records.commitment import RecordDisclosure, RowDisclosure
from audit_ledger.tlog.note import Note, parse_note
from audit_ledger.tlog.policy import Log, Policy
from audit_ledger.tlog.proof import TlogProof, parse_proof
from audit_ledger.verify.receipts import make_receipt, verify_receipt
from tests.attacks.ledger import AttackedLedger
from tests.attacks.mutate_files import of_another_record
from tests.functions.requests import opened
from tests.verify.writer import Keys, Objects
from tests.world import ORIGIN

INDEX = 41
IS_IN_THE_LEDGER = "nothing"


@dataclass(frozen=True)
class Shown:
    """A receipt of one entry, what its holder discloses of the record, and the court's policy."""

    proof: TlogProof
    disclosed: RecordDisclosure
    policy: Policy
    next_proof: TlogProof
    next_disclosed: RecordDisclosure
    entry_beside: bytes | None = None
    disclosed_row: RowDisclosure | None = None

    def verdict(self) -> str:
        """Return the error of its verification, the missing witnesses, or IS_IN_THE_LEDGER."""
        try:
            receipt = verify_receipt(
                self.proof.to_bytes(),
                self.policy,
                self.entry_beside,
                self.disclosed_row or self.disclosed,
            )
        except LedgerError as error:
            return str(error)
        if not receipt.opinion.satisfied:
            return f"not witnessed by {', '.join(receipt.opinion.missing)}"
        return IS_IN_THE_LEDGER


def shown_of(ledger: AttackedLedger) -> Shown:
    """Return the receipt of entry 41, and its record, opened with the ledger's keys."""
    source = Objects(ledger.files)
    # Entry 0 has no record.
    disclosed = [shown for _, _, shown in opened(ledger.world)[INDEX - 1 : INDEX + 1]]
    proofs = [parse_proof(make_receipt(source, index)) for index in (INDEX, INDEX + 1)]
    return Shown(proofs[0], disclosed[0], ledger.policy, proofs[1], disclosed[1])


@dataclass(frozen=True)
class ReceiptRow:
    """One way of tampering with a receipt, and the exact error of its verification."""

    way: str
    tamper: Callable[[Shown], Shown]
    error: str


def of_proof(changed: Callable[[Shown], TlogProof]) -> Callable[[Shown], Shown]:
    return lambda shown: replace(shown, proof=changed(shown))


def of_disclosed(changed: Callable[[Shown], RecordDisclosure]) -> Callable[[Shown], Shown]:
    return lambda shown: replace(shown, disclosed=changed(shown))


def altered_hash(shown: Shown) -> TlogProof:
    return replace(shown.proof, hashes=(bytes(32), *shown.proof.hashes[1:]))


def of_another_entry(shown: Shown) -> TlogProof:
    assert shown.proof.extra is not None
    return replace(shown.proof, extra=of_another_record(shown.proof.extra))


def signatures(*numbers: int) -> Callable[[Shown], Shown]:
    """Keep these signatures of the checkpoint, and no others."""

    def reduced(shown: Shown) -> TlogProof:
        note = parse_note(shown.proof.checkpoint)
        remaining = tuple(note.signatures[number] for number in numbers)
        return replace(shown.proof, checkpoint=Note(note.text, remaining).to_bytes())

    return of_proof(reduced)


PROOF_ERROR = f"inclusion: the proof for index {INDEX} gives another root"
POLICY_ERROR = f"checkpoint of {ORIGIN}: not signed by any log of that origin in the policy"
RECORD_ERROR = f"entry {INDEX} commits to another record, index row or blind"

RECEIPT_ROWS = (
    ReceiptRow(
        "wrong record",
        of_disclosed(lambda s: change(s.disclosed, record=s.next_disclosed.record)),
        RECORD_ERROR,
    ),
    ReceiptRow(
        "wrong index row",
        of_disclosed(lambda s: change(s.disclosed, row_bytes=s.next_disclosed.row_bytes)),
        RECORD_ERROR,
    ),
    ReceiptRow(
        "wrong blind of the row",
        of_disclosed(lambda s: change(s.disclosed, row_blind=s.next_disclosed.row_blind)),
        RECORD_ERROR,
    ),
    ReceiptRow(
        "wrong blind of the record",
        of_disclosed(lambda s: change(s.disclosed, record_blind=s.next_disclosed.record_blind)),
        RECORD_ERROR,
    ),
    ReceiptRow(
        "row of another entry, without a record",
        lambda s: replace(s, disclosed_row=s.next_disclosed.without_record()),
        RECORD_ERROR,
    ),
    ReceiptRow(
        "row with the record's part of another entry",
        lambda s: replace(
            s,
            disclosed_row=change(
                s.disclosed.without_record(),
                record_commitment=s.next_disclosed.without_record().record_commitment,
            ),
        ),
        RECORD_ERROR,
    ),
    ReceiptRow(
        "record, index row and blinds of another entry",
        of_disclosed(lambda s: s.next_disclosed),
        RECORD_ERROR,
    ),
    ReceiptRow(
        "a byte moved from record to index row",
        of_disclosed(
            lambda s: change(
                s.disclosed,
                row_bytes=s.disclosed.row_bytes + s.disclosed.record[:1],
                record=s.disclosed.record[1:],
            )
        ),
        RECORD_ERROR,
    ),
    ReceiptRow(
        "wrong index",
        of_proof(lambda s: replace(s.proof, index=INDEX + 1)),
        f"inclusion: the proof for index {INDEX + 1} gives another root",
    ),
    ReceiptRow(
        "index beyond the ledger",
        of_proof(lambda s: replace(s.proof, index=600)),
        "inclusion: no index 600 in a tree of size 600",
    ),
    ReceiptRow("wrong entry", of_proof(of_another_entry), PROOF_ERROR),
    ReceiptRow(
        "proof of another entry",
        of_proof(lambda s: replace(s.proof, hashes=s.next_proof.hashes)),
        PROOF_ERROR,
    ),
    ReceiptRow("a hash of the proof changed", of_proof(altered_hash), PROOF_ERROR),
    ReceiptRow(
        "proof cut short",
        of_proof(lambda s: replace(s.proof, hashes=s.proof.hashes[:-1])),
        "inclusion: the proof is shorter than the tree is high",
    ),
    ReceiptRow(
        "proof made longer",
        of_proof(lambda s: replace(s.proof, hashes=(*s.proof.hashes, bytes(32)))),
        "inclusion: the proof is longer than the tree is high",
    ),
    ReceiptRow(
        "another entry given beside the one within",
        lambda s: replace(s, entry_beside=s.next_proof.extra),
        "the receipt contains another entry than the one passed with it",
    ),
    ReceiptRow(
        "another entry within than the right one given beside",
        lambda s: replace(of_proof(of_another_entry)(s), entry_beside=s.proof.extra),
        "the receipt contains another entry than the one passed with it",
    ),
    ReceiptRow(
        "a policy without the ledger's Ed25519 key",
        lambda s: replace(s, policy=Policy((Log(s.policy.witnesses["ledger-mldsa44"].key),))),
        f"no log line with an Ed25519 key (type 0x01) of {ORIGIN}",
    ),
    ReceiptRow(
        "wrong policy", lambda s: replace(s, policy=Keys(b"stranger").policy()), POLICY_ERROR
    ),
    ReceiptRow("Ed25519 signature missing", signatures(1), POLICY_ERROR),
    ReceiptRow("ML-DSA signature missing", signatures(0), "not witnessed by ledger-mldsa44"),
)
