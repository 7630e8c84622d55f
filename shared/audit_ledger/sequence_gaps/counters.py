"""The follower's sequence counts, which include records that were erased after being counted.

A record contains its number, so erasing the record erases the number: rebuilding the views from the
first entry would report erased numbers as missing, and so reveal which were erased. A rebuild
therefore continues the old counts beside the new ones from where they ended; at its end the counts
that could read more records are stored.
"""

import msgspec
from msgspec.structs import replace

from audit_ledger.errors import FormatError
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.sequence_gaps.state import GapState
from audit_ledger.sequence_gaps.tracker import track


class CountedState(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The counts of all records so far (`state`), and the old ones in a rebuild (`before`).

    `before_seq`: the first entry that is not in the old counts. `before` is None outside a rebuild.
    """

    state: GapState = GapState()
    before: GapState | None = None
    before_seq: int = 0

    def with_event(self, event: OpenedEvent) -> "CountedState":
        """Return the counts after one more event; events come in ledger order, each once."""
        before = self.before
        if before is not None and event.seq >= self.before_seq:
            before = track(before, event)
        return replace(self, state=track(self.state, event), before=before)

    def with_unread(self, seq: int) -> "CountedState":
        """Return the counts after an entry whose record cannot be opened."""
        before = self.before
        if before is not None and seq >= self.before_seq:
            before = _one_unread(before)
        return replace(self, state=_one_unread(self.state), before=before)

    def rebuilt(self) -> "CountedState":
        """Return the counts that could read more records; the new ones if equal."""
        if self.before is not None and self.before.unread < self.state.unread:
            return CountedState(self.before)
        return CountedState(self.state)

    def to_bytes(self) -> bytes:
        """Return the bytes to store between runs: canonical JSON."""
        return _encoder.encode(self)


_decoder = msgspec.json.Decoder(CountedState)
_encoder = msgspec.json.Encoder(order="deterministic")


def fit_within(counted: CountedState, max_bytes: int) -> tuple[CountedState, bytes]:
    """Return counts that fit into `max_bytes`, and their bytes.

    If they do not fit, restart the counts of the portal that takes most bytes, and count its events
    so far as unwatched: no numbers that a portal claims stop the counting or displace others.
    """
    data = counted.to_bytes()
    while len(data) > max_bytes and (portal := _largest(counted)) is not None:
        before = counted.before
        counted = replace(
            counted,
            state=_without(counted.state, portal),
            before=None if before is None else _without(before, portal),
        )
        data = counted.to_bytes()
    return counted, data


def parse_counted_state(data: bytes) -> CountedState:
    """Parse the bytes of `CountedState.to_bytes`; raise FormatError for anything else."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise FormatError("completeness: expected a stored state of sequence counts") from None


def _largest(counted: CountedState) -> str | None:
    """Return the portal whose streams take most bytes; None if there are no streams."""
    sizes: dict[str, int] = {}
    for state in (counted.state, counted.before or GapState()):
        for stream in state.streams.values():
            size = len(_encoder.encode(stream))
            sizes[stream.portal] = sizes.get(stream.portal, 0) + size
    return max(sizes, key=lambda portal: (sizes[portal], portal), default=None)


def _without(state: GapState, portal: str) -> GapState:
    dropped = sum(one.received for one in state.streams.values() if one.portal == portal)
    return replace(
        state,
        streams={key: one for key, one in state.streams.items() if one.portal != portal},
        unwatched=state.unwatched | {portal: state.unwatched.get(portal, 0) + dropped},
    )


def _one_unread(state: GapState) -> GapState:
    return replace(state, unread=state.unread + 1)
