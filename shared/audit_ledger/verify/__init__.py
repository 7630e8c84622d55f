"""The verifier of published ledgers, which trusts nothing but the keys of a policy."""
