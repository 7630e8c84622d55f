"""The way into the `ledger` command, and how it ends: an exit code, and never a traceback.

Nothing is imported before it is needed: worker processes import this module again.
"""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

INTERRUPTED = 130
CANNOT_TELL = 3


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit: 0 verified, 1 failed, 3 incomplete, 2 usage."""
    try:
        code = run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # who read the output has seen enough
        _say_no_more()
        code = INTERRUPTED
    except OSError as error:  # a full disk, mostly: of anything else the command knows more
        _say_no_more()
        where = f"{error.filename}: " if error.filename else ""
        print(f"ledger: {where}{error.strerror or error}", file=sys.stderr)
        code = CANNOT_TELL
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


def _say_no_more() -> None:
    """Have what is still to be written to standard output go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
