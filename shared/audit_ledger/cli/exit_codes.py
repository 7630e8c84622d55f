"""Exit codes, and errors that end the command with one of them and one line."""

import click

from audit_ledger.client.errors import ClientError, InvalidInputError
from audit_ledger.verify.findings import Verdict

VERIFIED = 0
FAILED = 1
USAGE = 2
INCOMPLETE = 3

EXIT_CODES = {
    Verdict.VERIFIED: VERIFIED,
    Verdict.FAILED: FAILED,
    Verdict.INCOMPLETE: INCOMPLETE,
}


class CommandError(click.ClickException):
    """An error that ends a command. `is_reported`: the JSON report that was written states it."""

    def __init__(self, message: str, *, is_reported: bool = False) -> None:
        super().__init__(message)
        self.is_reported = is_reported


class UsageError(CommandError):
    """An input of the user cannot be used."""

    exit_code = USAGE


class FailedError(CommandError):
    """Something differs from what was signed."""

    exit_code = FAILED


class IncompleteError(CommandError):
    """Something is missing or cannot be reached."""

    exit_code = INCOMPLETE


def command_error(error: ClientError) -> CommandError:
    """Return the error that ends a command because of an error of the client."""
    kind = UsageError if isinstance(error, InvalidInputError) else IncompleteError
    return kind(str(error))
