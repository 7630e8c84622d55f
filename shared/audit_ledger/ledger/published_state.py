"""Published state: what is published of a ledger, to the byte."""

import msgspec


class PublishedState(msgspec.Struct, frozen=True):
    """What is published of a ledger.

    `version`: number of changes, from 1; `size`: number of entries; `time`: end of the newest
    digest's period, whole seconds; `checkpoint` and `digest`: the exact bytes; `frozen`: the reason
    of a freeze, None if there is none; `unfreeze_count`: how many freezes were lifted (stored as
    `lifts`): remembered blocks may have been lost in the meantime.
    """

    version: int
    size: int
    time: int
    checkpoint: bytes
    digest_name: str
    digest: bytes
    frozen: str | None = None
    unfreeze_count: int = 0
