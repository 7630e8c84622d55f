"""Digest name: the path of a digest below its ledger's prefix, by end of the period and size."""

import re

from audit_ledger.instants import format_instant

LATEST = "digests/latest"  # a copy of the newest digest
_NAME = re.compile(
    r"digests/([0-9]{4})/([0-9]{2})/([0-9]{2})/\1\2\3T[0-9]{6}Z-(?:0|[1-9][0-9]{0,18})"
)


def digest_name(period_to: int, size_after: int) -> str:
    """Name a digest: `digests/2026/11/22/20261122T055900Z-42`."""
    time = format_instant(period_to)
    compact = time.replace("-", "").replace(":", "")
    return f"digests/{time[:4]}/{time[5:7]}/{time[8:10]}/{compact}-{size_after}"


def is_digest_name(name: str) -> bool:
    """Whether a name has the form of a digest's."""
    return _NAME.fullmatch(name) is not None


def digest_name_order(name: str) -> tuple[str, int]:
    """Return the sort key of a digest's name: time, then size as a number."""
    time, _, size = name.rpartition("/")[2].partition("-")
    return time, int(size)
