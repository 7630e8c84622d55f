"""Decimal numbers from 0, without sign and leading zeros, as the C2SP formats write them."""

import re

from audit_ledger.tlog.errors import FormatError

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


def parse(text: str, *, what: str) -> int:
    """Read a number of at most 19 digits; raises FormatError for anything else."""
    if not _NUMBER.fullmatch(text):
        raise FormatError(f"{what} is not a decimal number without leading zeros")
    return int(text)
