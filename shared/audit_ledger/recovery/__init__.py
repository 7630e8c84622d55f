"""Getting a ledger back: tables rebuilt from the archive, and a freeze lifted. Break-glass only."""
