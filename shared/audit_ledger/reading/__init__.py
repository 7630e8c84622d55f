"""Reading a ledger for functions that may open it: blocks as of one size, records, keys."""
