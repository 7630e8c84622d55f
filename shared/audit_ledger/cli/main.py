"""The entry point of the `ledger` command: it ends with an exit code, and never a traceback.

Nothing is imported before it is needed: worker processes import this module again.
"""

import json
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import click

INTERRUPTED = 130  # 128 + SIGINT
PIPE_CLOSED = 141  # 128 + SIGPIPE
CANNOT_TELL = 3
USAGE = 2
EXTRAS = {
    "botocore": "aws",
    "click": "cli",
    "rich": "cli",
    "tzdata": "aws",
    "urllib3": "client",
    "zstandard": "aws",
}
"""The extra of this package (pyproject.toml) that installs each optional one."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit: 0 verified, 1 failed, 3 incomplete, 2 usage.

    As a shell reports a program that a signal ended: 130 if interrupted, 141 if the reader of a
    pipe closed it, so that neither is taken for an answer.
    """
    from audit_ledger.cli import standard_streams  # noqa: PLC0415

    if not standard_streams.prepare():
        if sys.stderr is not None:
            print("ledger: standard output is closed", file=sys.stderr)
        sys.exit(USAGE)
    try:
        code = run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        standard_streams.discard_output()
        code = PIPE_CLOSED
    except OSError as error:  # a full disk, mostly: of anything else the command knows more
        standard_streams.discard_output()
        where = f"{error.filename}: " if error.filename else ""
        print(f"ledger: {where}{error.strerror or error}", file=sys.stderr)
        code = CANNOT_TELL
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run the command and return the exit code; BrokenPipeError where a pipe was closed."""
    try:
        return _run(arguments)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        message = f"{package} is not installed: install audit-ledger[{EXTRAS[package]}]"
        print(f"ledger: {message}", file=sys.stderr)
        if _is_json_requested(arguments):
            print(json.dumps({"error": message, "exit_code": USAGE}))
        return USAGE


def _run(arguments: Sequence[str]) -> int:
    import click  # noqa: PLC0415

    from audit_ledger.cli.command import PipeClosedError  # noqa: PLC0415
    from audit_ledger.cli.commands import ledger  # noqa: PLC0415

    try:
        code = ledger.main(args=list(arguments), prog_name="ledger", standalone_mode=False)
    except PipeClosedError:
        raise BrokenPipeError from None
    except click.ClickException as error:
        _report(error, arguments)
        return error.exit_code
    except click.Abort:
        return INTERRUPTED
    return code if isinstance(code, int) else 0


def _report(error: "click.ClickException", arguments: Sequence[str]) -> None:
    """Write an error to standard error, and with `--json` to standard output as an object too."""
    import click  # noqa: PLC0415

    from audit_ledger.cli.exit_codes import CommandError  # noqa: PLC0415
    from audit_ledger.cli.json_output import echo_json  # noqa: PLC0415
    from audit_ledger.client.shown_text import printable  # noqa: PLC0415

    message = error.format_message()
    if isinstance(error, click.UsageError):
        error.show()
    else:
        click.echo(printable(f"ledger: {message}"), err=True)
    if _is_json_requested(arguments) and not (
        isinstance(error, CommandError) and error.is_reported
    ):
        echo_json({"error": message, "exit_code": error.exit_code})


def _is_json_requested(arguments: Sequence[str]) -> bool:
    options = list(arguments)
    if "--" in options:
        options = options[: options.index("--")]
    return (
        "--json" in options
        or "--format=json" in options
        or ("--format", "json") in pairwise(options)
    )
