"""Detect missing events of portals that number their events."""

from audit_ledger.sequence_gaps.counters import (
    CountedState,
    decode_counted,
    encode_counted,
    encode_within,
)
from audit_ledger.sequence_gaps.report import GapReport, GapRow, StreamRow, report
from audit_ledger.sequence_gaps.sequence_number import SEQUENCE_URL, SequenceNumber, read_number
from audit_ledger.sequence_gaps.state import GapState
from audit_ledger.sequence_gaps.tracker import track

__all__ = [
    "SEQUENCE_URL",
    "CountedState",
    "GapReport",
    "GapRow",
    "GapState",
    "SequenceNumber",
    "StreamRow",
    "decode_counted",
    "encode_counted",
    "encode_within",
    "read_number",
    "report",
    "track",
]
