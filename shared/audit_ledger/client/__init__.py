"""What an outside program needs to talk to a ledger: no command line, no AWS."""
