"""Query: searches, single events, receipts and digests, for those who may ask."""
