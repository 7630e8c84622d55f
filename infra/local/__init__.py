"""A whole local ledger: the synthesized templates in moto, the real handlers in this process."""
