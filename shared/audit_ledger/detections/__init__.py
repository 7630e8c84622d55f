"""Detect suspicious accesses for a privacy team, in opened events in ledger order."""
