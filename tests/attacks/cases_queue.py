"""Rows: alterations of the queue, and their outcome."""

from collections.abc import Callable
from dataclasses import dataclass
from os import urandom

from msgspec.structs import replace

from audit_ledger.records.queue_message import QueueMessage
from audit_ledger.records.sealed_record import SealedRecord
from tests.attacks import mutate_queue as queue
from tests.attacks.mutate_queue import Alter

ALTERED = "an entry that `ledger verify` takes for whole; readers refuse it, the follower names it"
REFUSED = (
    "refused by the sequencer: a dead letter, an alarm; ingest's own message can be sent again"
)
AS_SENT = "nothing: every event is recorded as it was sent, once"
GONE = "an event that was accepted and is not in the ledger: its portal sees it has no receipt"


@dataclass(frozen=True)
class QueueRow:
    """One alteration and its outcome. `altered`: how many entries then differ from the events."""

    what: str
    alter: Alter
    outcome: str
    altered: int = 0


def _altered(what: str, alter: Alter, entries: int = 1) -> QueueRow:
    return QueueRow(what, alter, ALTERED, entries)


def _with(change: Callable[[SealedRecord], SealedRecord]) -> Alter:
    return queue.first(change)


ROW_AND_COMMITMENT = ("row", "row_bytes", "row_blind", "record_commitment", "commitment")


def _other_patient(record: SealedRecord) -> SealedRecord:
    row = replace(record.row, patient=urandom(16))
    return replace(record, row=row, row_bytes=row.to_bytes())


QUEUE_ROWS: tuple[QueueRow, ...] = (
    _altered("row: patient is nobody", queue.row(lambda _: {"patient": urandom(16)})),
    _altered("row: no patient", queue.row(lambda _: {"patient": None})),
    _altered("row: agents are others", queue.row(lambda _: {"agents": (urandom(16),)})),
    _altered("row: no agents", queue.row(lambda _: {"agents": ()})),
    _altered("row: an application added", queue.row(lambda _: {"others": (urandom(16),)})),
    _altered("row: time changed", queue.row(lambda r: {"time_ms": r.time_ms - 86_400_000})),
    _altered("row: time of the year 1", queue.row(lambda _: {"time_ms": -62_135_596_800_000})),
    _altered("row: id changed", queue.row(lambda _: {"event_id": "ef" * 32})),
    _altered("row: fingerprint changed", queue.row(lambda _: {"fingerprint": urandom(32)})),
    _altered("row: a flag added", queue.row(lambda _: {"flags": ("balp.no-agent",)})),
    _altered("row and record: another generation", _with(queue.generation_everywhere)),
    _altered("record: another ledger key", queue.sealed(queue.of_other_key)),
    _altered("record: salt changed", queue.flipped(8)),
    _altered("record: a byte changed", queue.flipped(40)),
    _altered("record: tag changed", queue.flipped(-1)),
    _altered("record: a byte appended", queue.sealed(lambda data: data + b"\0")),
    _altered("record: random", queue.sealed(lambda data: data[:7] + urandom(len(data) - 7))),
    _altered("two records exchanged", queue.swap("sealed"), 2),
    _altered("two rows and commitments exchanged", queue.swap(*ROW_AND_COMMITMENT), 2),
    _altered("a record made up", queue.records(queue.made_up)),
    _altered("a record repeated under another id", queue.records(queue.under_another_id)),
    _altered("a copy that names nobody, sent first", queue.records(queue.ahead_of_the_true_one)),
    QueueRow("of another ledger", queue.resent(queue.of_another_ledger), REFUSED),
    QueueRow("row: changed, commitment as it was", _with(_other_patient), REFUSED),
    QueueRow("row: another blind", _with(lambda r: replace(r, row_blind=urandom(32))), REFUSED),
    QueueRow("commitment changed", _with(lambda r: replace(r, commitment=urandom(32))), REFUSED),
    QueueRow(
        "commitment to the record changed",
        _with(lambda r: replace(r, record_commitment=urandom(32))),
        REFUSED,
    ),
    QueueRow("two rows exchanged", queue.swap("row_bytes"), REFUSED),
    QueueRow("two commitments exchanged", queue.swap("commitment"), REFUSED),
    QueueRow("row removed", _with(lambda r: replace(r, row_bytes=b"")), REFUSED),
    QueueRow("record removed", _with(lambda r: replace(r, sealed=b"")), REFUSED),
    QueueRow("row: another generation", queue.row(lambda r: {"generation": 1}), REFUSED),
    QueueRow("record: cut short", queue.sealed(lambda data: data[:40]), REFUSED),
    QueueRow("order reversed", queue.records(lambda found: found[::-1]), AS_SENT),
    QueueRow("records repeated", queue.records(lambda found: found * 2), AS_SENT),
    QueueRow("message repeated", lambda messages: messages * 3, AS_SENT),
    QueueRow("split into two", queue.in_two_messages, AS_SENT),
    QueueRow(
        "time of acceptance changed",
        queue.resent(lambda m: QueueMessage(m.origin, 0, m.records)),
        AS_SENT,
    ),
    QueueRow("message deleted", lambda _: [], GONE),
    QueueRow("one record left out", queue.records(lambda found: found[1:]), GONE),
)

BEGIN = "<!-- queue: python -m tests.attacks -->\n"
END = "<!-- end of queue -->\n"


def written_queue() -> str:
    """Return the table of the document."""
    outcomes = dict.fromkeys(each.outcome for each in QUEUE_ROWS)
    lines = [
        f"| {'; '.join(each.what for each in QUEUE_ROWS if each.outcome == outcome)} | {outcome} |"
        for outcome in outcomes
    ]
    header = "| a message of the queue | what becomes of it |\n|---|---|\n"
    return header + "".join(f"{line}\n" for line in lines)
