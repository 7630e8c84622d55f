"""Settings: one schema for cdk.json, the SSM parameter of a ledger and the functions. Pure."""
