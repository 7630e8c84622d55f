"""Records ready for the sequencer, without ingest: made of random bytes, as it sees them anyway."""

from os import urandom
from secrets import token_hex
from typing import Any

from audit_ledger.records.index_row import IndexRow
from audit_ledger.records.queue_message import QueueMessage
from audit_ledger.records.sealed_record import SealedRecord
from tests.builders.sealed_record import committed_record
from tests.world import NAME, ORIGIN

GENERATION = 2026000
NOW_MS = 1_795_000_000_000


def sealed_record(
    event_id: str | None = None, fingerprint: bytes | None = None, size: int = 200
) -> SealedRecord:
    """Return a record of `size` sealed bytes behind its header."""
    row = IndexRow(
        event_id=event_id or token_hex(32),
        time_ms=NOW_MS,
        patient=urandom(16),
        agents=(urandom(16),),
        others=(),
        fingerprint=fingerprint or urandom(32),
        generation=GENERATION,
    )
    header = b"\x01" + (1).to_bytes(2, "big") + GENERATION.to_bytes(4, "big")
    sealed = header + urandom(max(size, 80))
    return committed_record(row, sealed)


def message(
    *records: SealedRecord, accepted_ms: int = NOW_MS, origin: str = ORIGIN
) -> dict[str, Any]:
    """Return an SQS record, as Lambda hands it over."""
    return {
        "messageId": token_hex(8),
        "body": QueueMessage(origin, accepted_ms, tuple(records)).to_text(),
        "attributes": {"SenderId": "AROAEXAMPLE:ingest"},
    }


class Context:
    """Lambda's context, as far as our handlers ask: time is left, and by what they were called."""

    def __init__(self, alias: str = "live") -> None:
        function = f"arn:aws:lambda:eu-central-1:123456789012:function:{NAME}-any"
        self.invoked_function_arn = f"{function}:{alias}" if alias else function

    def get_remaining_time_in_millis(self) -> int:
        """Return two minutes, always."""
        return 120_000
