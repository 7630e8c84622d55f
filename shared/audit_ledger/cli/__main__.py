"""`python -m audit_ledger.cli` is the `ledger` command."""

if __name__ == "__main__":  # worker processes import this module again
    from audit_ledger.cli.main import main

    main()
