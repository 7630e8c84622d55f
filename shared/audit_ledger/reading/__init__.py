"""Reading a ledger by those who may open it: its blocks as of one size, its records, its keys."""
