"""The way into the `ledger` command, and how it ends: an exit code, and never a traceback.

Nothing is imported before it is needed: worker processes import this module again.
"""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit: 0 verified, 1 failed, 3 incomplete, 2 usage."""
    try:
        code = run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # who read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = INTERRUPTED
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit code."""
    import click  # noqa: PLC0415

    from audit_ledger.cli.commands import ledger  # noqa: PLC0415

    try:
        code = ledger.main(
            args=None if arguments is None else list(arguments),
            prog_name="ledger",
            standalone_mode=False,
        )
    except click.UsageError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        click.echo(f"ledger: {error.format_message()}", err=True)
        return error.exit_code
    except click.Abort:
        return INTERRUPTED
    return code if isinstance(code, int) else 0
