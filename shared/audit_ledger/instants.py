"""The time format of the ledger: RFC 3339, UTC, whole seconds, `2026-11-22T05:59:00Z`."""

import re
from datetime import UTC, datetime

from audit_ledger.errors import FormatError

_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def format_instant(unix_seconds: int) -> str:
    """Return the text of whole seconds since 1970 (UTC); years 1970 to 9999."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_instant(text: str, *, what: str = "time") -> int:
    """Return whole seconds since 1970; raise FormatError for any text but `format_instant`'s."""
    if not _FORM.fullmatch(text):
        raise FormatError(f"{what}: not of the form 2026-11-22T05:59:00Z")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise FormatError(f"{what}: no such date or time") from None
    seconds = int(moment.timestamp())
    if seconds < 0:
        raise FormatError(f"{what}: before 1970")
    return seconds
