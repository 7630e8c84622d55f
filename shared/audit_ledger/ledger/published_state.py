"""Published state: what is published of a ledger, to the byte."""

import msgspec


class PublishedState(msgspec.Struct, frozen=True):
    """What is published of a ledger.

    `version` counts changes, from 1; `size`: number of entries; `time`: end of the newest digest's
    period, whole seconds; `checkpoint` and `digest`: the exact bytes; `frozen`: why nothing more
    may be written, None in health; `lifts`: how often a freeze was lifted, behind which the blocks
    may not be those that somebody remembers.
    """

    version: int
    size: int
    time: int
    checkpoint: bytes
    digest_name: str
    digest: bytes
    frozen: str | None = None
    lifts: int = 0
