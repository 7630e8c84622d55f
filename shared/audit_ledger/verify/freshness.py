"""Signed times: how fresh the ledger is, and whether a time in it is in the future.

Only signed times count: those of digests and cosignatures, which commit to the times of entries.
Only the ledger's own keys show that it is fresh: a witness cosigns any old checkpoint that it is
shown, at any time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from audit_ledger.errors import FormatError
from audit_ledger.instants import format_instant, parse_instant
from audit_ledger.tlog.tiles import CHECKPOINT
from audit_ledger.verify.findings import Finding, FindingCode

FRESH_SECONDS = 75 * 60
"""A ledger publishes at least hourly; 15 minutes are left for transient failures."""

SKEW_SECONDS = 5 * 60
"""By how much the clocks of signer and verifier may differ."""


@dataclass(frozen=True)
class SignedTimes:
    """Times that keys of the policy signed, whole seconds since 1970, by their place.

    `own`: by the ledger's own keys; `of_witnesses`: by name.
    """

    own: Mapping[str, int]
    of_witnesses: Mapping[str, int]

    @property
    def newest(self) -> int | None:
        """The newest time that the ledger's own keys signed; None if they state none."""
        stated = [time for time in self.own.values() if time]
        return max(stated) if stated else None


def check_times(signed: SignedTimes, last: int, last_time: bytes, now: int) -> Iterator[Finding]:
    """Judge freshness as of `now`.

    `last`, `last_time`: index of the last entry, and its time as written, empty where unknown.
    """
    for where, time in signed.own.items():
        if time > now + SKEW_SECONDS:
            message = f"{where}: signed for {format_time(time)}, after {format_time(now)}"
            yield Finding(FindingCode.FUTURE_TIME, where, None, message)
    for name, time in signed.of_witnesses.items():
        if time > now + SKEW_SECONDS:
            message = f"cosigned by {name} for {format_time(time)}, after {format_time(now)}"
            yield Finding(FindingCode.FUTURE_TIME, CHECKPOINT, None, message)
    if last_time and (time := _read(last_time)) > now + SKEW_SECONDS:
        message = f"entry {last}: its time is {format_time(time)}, after {format_time(now)}"
        yield Finding(FindingCode.FUTURE_TIME, "tile/entries", (last, last), message)
    newest = signed.newest
    if newest is not None and newest < now - FRESH_SECONDS:
        message = (
            f"the newest time that the ledger signed is {format_time(newest)}, over "
            f"{FRESH_SECONDS // 60} minutes before {format_time(now)}: what came since is not here"
        )
        yield Finding(FindingCode.STALE, CHECKPOINT, None, message)


def _read(time: bytes) -> int:
    try:
        return parse_instant(time.decode("ascii", "replace"))
    except FormatError:
        return 0  # reported with the entry


def format_time(time: int) -> str:
    """Format a signed time for people, also one out of the range of dates."""
    try:
        return format_instant(time)
    except (ValueError, OverflowError, OSError):  # cosignatures count to 2^63
        return f"second {time}"
