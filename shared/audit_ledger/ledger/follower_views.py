"""Follower views: how far a ledger was followed, and what was counted and found on the way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

FOLLOWER: Final = "follower"


@dataclass(frozen=True)
class FollowerCursor:
    """How far a ledger was followed.

    `item`: its name; `attempt`: the newest number claimed; `written`: the one that wrote `states`
    (name → number of pieces) into `slot`; `next_seq`: the first entry that was not followed;
    `announced`: findings of entries below it are on the bus; `findings`: their number.
    """

    item: str = FOLLOWER
    generation: int = 0
    attempt: int = 0
    written: int = 0
    slot: int = 0
    next_seq: int = 0
    announced: int = 0
    findings: int = 0
    states: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Gaps:
    """What the follower found lacking of the first `followed` entries, for all to know.

    `missing`: numbered events that never came, of gaps that are settled, by portal: those alone
    that lack some. `altered`: how many entries are not as they were sent; `first_altered`: the
    first of them.
    """

    followed: int
    missing: Mapping[str, int] = field(default_factory=dict)
    altered: int = 0
    first_altered: tuple[int, ...] = ()


@dataclass(frozen=True)
class DocumentEntries:
    """The first entries that recorded a document, in order, and whether there are more."""

    entries: tuple[str, ...]
    more: bool
