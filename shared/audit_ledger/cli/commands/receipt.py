"""`ledger receipt`: the commands about the proof that one entry is in a ledger."""

import click

from audit_ledger.cli.command import LazyGroup

_COMMANDS = {
    "get": (
        f"{__name__}_get",
        "Get the receipt of an event: what proves to anybody that it is in the ledger.",
    ),
    "make": (
        f"{__name__}_make",
        "Make the proof of the entry with number INDEX (from 0) from tiles.",
    ),
    "show": (f"{__name__}_show", "Say what a .tlog-proof FILE proves, and what it does not."),
    "verify": (
        f"{__name__}_verify",
        "Verify a .tlog-proof FILE, and with --record what the entry commits to.",
    ),
}


@click.group("receipt", cls=LazyGroup, commands_of=_COMMANDS)
def command() -> None:
    """Prove that one entry is in a ledger."""
