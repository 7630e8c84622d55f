"""The `ledger` command: what a person or a script does with a published ledger."""
