"""What is remembered of each numbered stream: small, bounded, and the same after every replay.

A **run** is one life of a portal's counter; a counter that begins anew begins another run. Within a
run every number from the lowest to the highest that came either came or lies in an open gap.
"""

from hashlib import sha256

import msgspec

from audit_ledger.sequence_gaps.sequence_number import Counter

MAX_STREAMS = 64  # a portal; what claims more sources than that is counted, not watched
MAX_RUNS = 4  # a stream; older ones are forgotten, and what they lacked is only counted
MAX_GAPS = 64  # a run; beyond, the two that lie closest become one that is no longer exact
MAX_LATE = 32  # arrivals a stream that are remembered one by one
MAX_PARTED = 8  # events of several patients a stream whose parts may still be coming
MAX_AHEAD = 16  # numbers that came again with later times: so many make a counter that began anew
MAX_NAME = 256  # characters of a source's name; what is longer is named by its hash


class Gap(msgspec.Struct, frozen=True, gc=False):
    """Numbers from `first` to `last` of which `missing` never came: all of them, where exact.

    `noticed_at`: the entry that showed it; `noticed_time`: that entry's, seconds since 1970.
    """

    first: int
    last: int
    missing: int
    noticed_at: int
    noticed_time: int

    @property
    def is_exact(self) -> bool:
        """Whether every number of it is missing."""
        return self.missing == self.last - self.first + 1


class NumberRange(msgspec.Struct, frozen=True, gc=False):
    """One life of a counter: from `first` to before `next`, but for the gaps, in order.

    `start_ms` and `newest_ms`: the events' own times, milliseconds since 1970.
    """

    first: int
    next: int
    start_ms: int
    newest_ms: int
    gaps: tuple[Gap, ...] = ()


class Late(msgspec.Struct, frozen=True, gc=False):
    """A number that filled a gap, or came before the first: in which entry, and when."""

    number: int
    entry: int
    time: int


class Ahead(msgspec.Struct, frozen=True, gc=False):
    """A number that came again, later than all before: the counter may have begun anew."""

    number: int
    time_ms: int
    entry: int
    entry_time: int


class Parted(msgspec.Struct, frozen=True, gc=False):
    """An event of several patients: its parts carry one number and each lacks other elements."""

    number: int
    received: str
    time_ms: int
    cuts: tuple[str, ...]


class Stream(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The numbers of one source of one portal. `runs`: oldest first, never empty."""

    portal: str
    counter: Counter
    source: str
    runs: tuple[NumberRange, ...]
    received: int = 0
    repeats: int = 0
    conflicts: int = 0
    resets: int = 0
    late: int = 0
    latest_late: tuple[Late, ...] = ()
    forgotten_missing: int = 0
    ahead: tuple[Ahead, ...] = ()
    parted: tuple[Parted, ...] = ()

    def __repr__(self) -> str:
        """Say how much there is, and not whose."""
        return f"Stream({self.received} received)"


class GapState(msgspec.Struct, frozen=True, gc=False):
    """All streams by their key; events a portal that could not be counted, or were not watched.

    `unread`: records that nobody could open any more, of whatever portal: their numbers, where they
    had any, count as missing.
    """

    streams: dict[str, Stream] = {}
    uncountable: dict[str, int] = {}
    unwatched: dict[str, int] = {}
    unread: int = 0

    def __repr__(self) -> str:
        """Say how much there is, and not whose."""
        return f"GapState({len(self.streams)} streams)"


def stream_key(portal: str, counter: Counter, source: str) -> str:
    """Return the key of a stream: 32 hex digits."""
    return sha256(msgspec.json.encode((portal, counter, source))).hexdigest()[:32]


def bounded_name(source: str) -> str:
    """Return the name of a source as it is kept: at most MAX_NAME characters."""
    if len(source) <= MAX_NAME:
        return source
    return f"sha-256:{sha256(source.encode('utf-8', 'surrogatepass')).hexdigest()}"
