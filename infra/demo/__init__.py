"""`make demo`: a hospital's day, from portals' events to a digest that anyone can verify.

What it leaves, in `build/demo`: `published/<ledger id>/` (plain files, as published),
`<ledger id>.policy`, `receipts/<ledger id>.tlog-proof` and `.record.json` (an event's receipt),
`tampered/<ledger id>/` (a copy with one byte flipped) and `functions.log`.
"""
