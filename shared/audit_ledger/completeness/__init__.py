"""Completeness: a portal that numbers its events shows which of them never came."""

from audit_ledger.completeness.counted import (
    Counted,
    decode_counted,
    encode_counted,
    encode_within,
)
from audit_ledger.completeness.numbered import SEQUENCE_URL, Numbered, read_number
from audit_ledger.completeness.observe import observe
from audit_ledger.completeness.report import GapRow, Report, StreamRow, report
from audit_ledger.completeness.state import State

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
