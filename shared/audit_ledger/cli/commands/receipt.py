"""`ledger receipt`: the commands about the proof that one entry is in a ledger."""

import click

from audit_ledger.cli.command import LazyGroup

_SUMMARIES = {
    "get": "Get the receipt of an event: what proves to anybody that it is in the ledger.",
    "make": "Make the proof of the entry with number INDEX (from 0) from tiles.",
    "show": "Say what a .tlog-proof FILE proves, and what it does not.",
    "verify": "Verify a .tlog-proof FILE, and with --record what the entry commits to.",
}


@click.group("receipt", cls=LazyGroup, modules=f"{__name__}_", summaries=_SUMMARIES)
def command() -> None:
    """Prove that one entry is in a ledger."""
