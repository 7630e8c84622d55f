"""Times: is the ledger still going on, and does nothing come from the future.

Only signed times count: digests' and cosignatures'. An entry's own time is committed to by them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from audit_ledger.errors import FormatError
from audit_ledger.instants import format_instant, parse_instant
from audit_ledger.verify.findings import Code, Finding

FRESH_SECONDS = 75 * 60
"""A ledger publishes at least hourly; a quarter of an hour is left for trouble that passes."""

SKEW_SECONDS = 5 * 60
"""By how much the clocks of signer and verifier may differ."""


@dataclass(frozen=True)
class SignedTimes:
    """Times that keys of the policy signed, whole seconds since 1970, by what they stand in."""

    times: Mapping[str, int]

    @property
    def newest(self) -> int | None:
        """The newest; None where nothing states a time."""
        stated = [time for time in self.times.values() if time]
        return max(stated) if stated else None


def check_times(
    signed: SignedTimes, last_entry: tuple[int, bytes] | None, now: int
) -> Iterator[Finding]:
    """Judge freshness as of `now`. `last_entry`: index and time as written, where known."""
    for where, time in signed.times.items():
        if time > now + SKEW_SECONDS:
            message = f"{where}: signed for {written(time)}, after {written(now)}"
            yield Finding(Code.FUTURE_TIME, where, None, message)
    if last_entry is not None and (time := _read(last_entry[1])) > now + SKEW_SECONDS:
        message = f"entry {last_entry[0]}: its time is {written(time)}, after {written(now)}"
        yield Finding(Code.FUTURE_TIME, "tile/entries", (last_entry[0], last_entry[0]), message)
    newest = signed.newest
    if newest is not None and newest < now - FRESH_SECONDS:
        message = (
            f"the newest signed time is {written(newest)}, over {FRESH_SECONDS // 60} minutes "
            f"before {written(now)}: what came since is not here"
        )
        yield Finding(Code.STALE, "checkpoint", None, message)


def _read(time: bytes) -> int:
    try:
        return parse_instant(time.decode("ascii", "replace"))
    except FormatError:
        return 0  # told with the entry


def written(time: int) -> str:
    """Write a time as people read it, whatever somebody signed."""
    try:
        return format_instant(time)
    except (ValueError, OverflowError, OSError):  # cosignatures count to 2^63
        return f"second {time}"
