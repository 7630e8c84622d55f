"""The state of each numbered stream: small, bounded, and the same after every replay.

A **run** is a sequence of a portal's counter without restart; a restart begins another run. Every
number from the lowest to the highest of a run either has arrived or is in an open gap.
"""

from hashlib import sha256

import msgspec

from audit_ledger.private_repr import PrivateRepr
from audit_ledger.sequence_gaps.sequence_number import Counter

MAX_STREAMS = 64  # of a portal; events of further sources are counted as unwatched
MAX_RUNS = 4  # of a stream; of older runs only the number of missing events is stored
MAX_GAPS = 64  # of a run; beyond, the two closest gaps are merged to an inexact one
MAX_LATE = 32  # late arrivals of a stream, stored one by one
MAX_PARTED = 8  # events of several patients in a stream whose parts may still arrive
MAX_AHEAD = 16  # repeated numbers with later times: as many prove that the counter restarted
MAX_NAME = 256  # characters of a source's name; a longer name is replaced by its hash


class Gap(msgspec.Struct, frozen=True, gc=False):
    """Numbers from `first` to `last`, of which `missing` never arrived: all of them if exact.

    `noticed_at`: the entry that revealed it; `noticed_time`: its time, seconds since 1970.
    """

    first: int
    last: int
    missing: int
    noticed_at: int
    noticed_time: int

    @property
    def is_exact(self) -> bool:
        """Whether all its numbers are missing."""
        return self.missing == self.last - self.first + 1


class NumberRange(msgspec.Struct, frozen=True, gc=False):
    """One run of a counter: from `first` to before `next`, except the gaps, in order.

    `start_ms` and `newest_ms`: the events' own times, milliseconds since 1970.
    """

    first: int
    next: int
    start_ms: int
    newest_ms: int
    gaps: tuple[Gap, ...] = ()


class Late(msgspec.Struct, frozen=True, gc=False):
    """A number that filled a gap or is below the first one, with its entry and time."""

    number: int
    entry: int
    time: int


class Ahead(msgspec.Struct, frozen=True, gc=False):
    """A repeated number with a later time than all before: the counter may have restarted."""

    number: int
    time_ms: int
    entry: int
    entry_time: int


class Parted(msgspec.Struct, frozen=True, gc=False):
    """An event of several patients: its parts share one number, and each has other cuts."""

    number: int
    received: str
    time_ms: int
    cuts: tuple[str, ...]


class Stream(PrivateRepr, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The numbers of one source of one portal. `runs`: oldest first, never empty."""

    SHOWN = ("received",)
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


class GapState(PrivateRepr, msgspec.Struct, frozen=True, gc=False):
    """All streams by key, and the number of uncountable and unwatched events of each portal.

    `unread`: records of all portals that could not be opened: their numbers, if any, count as
    missing.
    """

    streams: dict[str, Stream] = {}
    uncountable: dict[str, int] = {}
    unwatched: dict[str, int] = {}
    unread: int = 0


def stream_key(portal: str, counter: Counter, source: str) -> str:
    """Return the key of a stream: 32 hex digits."""
    return sha256(msgspec.json.encode((portal, counter, source))).hexdigest()[:32]


def bounded_name(source: str) -> str:
    """Return the name of a source as it is stored: at most MAX_NAME characters."""
    if len(source) <= MAX_NAME:
        return source
    return f"sha-256:{sha256(source.encode('utf-8', 'surrogatepass')).hexdigest()}"
