"""Query: searches, single events, receipts, digests and reports, for authorized callers."""
