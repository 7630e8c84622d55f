"""Completeness: a portal that numbers its events shows which of them never came."""

from audit_ledger.completeness.numbered import SEQUENCE_URL, Numbered, read_number
from audit_ledger.completeness.observe import observe
from audit_ledger.completeness.report import GapRow, Report, StreamRow, report
from audit_ledger.completeness.state import State, decode_state, encode_state

__all__ = [
    "SEQUENCE_URL",
    "GapRow",
    "Numbered",
    "Report",
    "State",
    "StreamRow",
    "decode_state",
    "encode_state",
    "observe",
    "read_number",
    "report",
]
