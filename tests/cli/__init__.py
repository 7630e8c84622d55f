"""The `ledger` command: what it prints, and how it exits."""
