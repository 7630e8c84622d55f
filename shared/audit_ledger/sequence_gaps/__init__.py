"""Completeness: a portal that numbers its events shows which of them never came."""

from audit_ledger.sequence_gaps.counters import (
    Counted,
    decode_counted,
    encode_counted,
    encode_within,
)
from audit_ledger.sequence_gaps.report import GapRow, Report, StreamRow, report
from audit_ledger.sequence_gaps.sequence_number import SEQUENCE_URL, Numbered, read_number
from audit_ledger.sequence_gaps.state import State
from audit_ledger.sequence_gaps.tracker import observe

__all__ = [
    "SEQUENCE_URL",
    "Counted",
    "GapRow",
    "Numbered",
    "Report",
    "State",
    "StreamRow",
    "decode_counted",
    "encode_counted",
    "encode_within",
    "observe",
    "read_number",
    "report",
]
