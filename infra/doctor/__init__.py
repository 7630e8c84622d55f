"""`ledger doctor`: whether the settings can be deployed into an account, before anything is."""
