"""The names of the states that the follower stores and query reads."""

from typing import Final

COMPLETENESS: Final = "completeness"
"""Numbered events: see `audit_ledger.sequence_gaps`."""

RULES: Final = "rules"
"""Rules, as JSON: for each rule the reason why it does not run, or null."""

SKIPPED: Final = "left-out"
"""Skipped entries: see `skipped_entries`."""
