"""The ledger: events in, hash-linked entries and signed digests out, and their verification."""
