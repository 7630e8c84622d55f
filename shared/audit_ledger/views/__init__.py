"""Data that the follower stores and query reads: findings as they are stored, names of states."""

from typing import Final

from audit_ledger.views.skipped_entries import SkippedEntries, decode_left_out, encode_left_out
from audit_ledger.views.stored_finding import StoredFinding, open_finding, seal_finding

__all__ = [
    "COMPLETENESS",
    "LEFT_OUT",
    "RULES",
    "SkippedEntries",
    "StoredFinding",
    "decode_left_out",
    "encode_left_out",
    "open_finding",
    "seal_finding",
]

COMPLETENESS: Final = "completeness"
"""The name of the state of numbered events: see `audit_ledger.sequence_gaps`."""

RULES: Final = "rules"
"""The name of the state of rules: JSON, each rule with why it does not run, null where it does."""

LEFT_OUT: Final = "left-out"
"""The name of the state of entries that were left out: see `left_out`."""
