"""The verifier against ledgers that the tests publish themselves, whole and tampered with."""
