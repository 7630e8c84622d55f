"""Runs: the index of a ledger as sorted, hashed files, a pure function of its committed rows."""
