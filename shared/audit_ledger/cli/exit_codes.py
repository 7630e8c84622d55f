"""Exit codes, and errors that end the command with one of them and one line."""

import click

from audit_ledger.verify.findings import Answer

VERIFIED = 0
FAILED = 1
USAGE = 2
INCOMPLETE = 3

EXIT_CODES = {
    Answer.VERIFIED: VERIFIED,
    Answer.FAILED: FAILED,
    Answer.INCOMPLETE: INCOMPLETE,
}


class WrongInputError(click.ClickException):
    """Something that the user gave cannot be used."""

    exit_code = USAGE


class FailedError(click.ClickException):
    """Something is not what was signed."""

    exit_code = FAILED


class CannotTellError(click.ClickException):
    """Something is missing or cannot be reached."""

    exit_code = INCOMPLETE
