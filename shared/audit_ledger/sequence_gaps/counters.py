"""What a follower has counted, also of records that were erased since they were counted.

A number stands in the record, and goes with it: views that are made anew from the first entry would
call the numbers of whoever was erased missing, and so show which they were. Therefore a counting
that begins anew goes on with the old one beside it, from where that was; at its end the one that
could read more is kept.
"""

import msgspec
from msgspec.structs import replace

from audit_ledger.errors import FormatError
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.sequence_gaps.state import GapState
from audit_ledger.sequence_gaps.tracker import track


class CountedState(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """`state`: of all records up to now. `before`: the old counting, which had got to `before_seq`.

    None: there is no old one, or it was settled which one is kept.
    """

    state: GapState = GapState()
    before: GapState | None = None
    before_seq: int = 0

    def observed(self, event: OpenedEvent) -> "CountedState":
        """Return what is counted after one more event; events come in ledger order, each once."""
        before = self.before
        if before is not None and event.seq >= self.before_seq:
            before = track(before, event)
        return replace(self, state=track(self.state, event), before=before)

    def unread(self, seq: int) -> "CountedState":
        """Return what is counted after an entry whose record nobody can open."""
        before = self.before
        if before is not None and seq >= self.before_seq:
            before = _one_unread(before)
        return replace(self, state=_one_unread(self.state), before=before)

    def settled(self) -> "CountedState":
        """Return the counting that could read more; the new one where both read all the same."""
        if self.before is not None and self.before.unread < self.state.unread:
            return CountedState(self.before)
        return CountedState(self.state)


_decoder = msgspec.json.Decoder(CountedState)
_encoder = msgspec.json.Encoder(order="deterministic")


def encode_counted(counted: CountedState) -> bytes:
    """Return the bytes to keep between runs: JSON, equal for what is equal."""
    return _encoder.encode(counted)


def encode_within(counted: CountedState, most_bytes: int) -> tuple[CountedState, bytes]:
    """Return what is counted, and its bytes, as far as they fit.

    Where they do not, the portal whose numbers take most is counted anew from now on, and what it
    sent so far counts as not watched: whatever numbers it claims, it neither stops the counting nor
    takes the place of others.
    """
    data = encode_counted(counted)
    while len(data) > most_bytes and (portal := _largest(counted)) is not None:
        before = counted.before
        counted = replace(
            counted,
            state=_without(counted.state, portal),
            before=None if before is None else _without(before, portal),
        )
        data = encode_counted(counted)
    return counted, data


def decode_counted(data: bytes) -> CountedState:
    """Read what `encode_counted` writes; FormatError for anything else."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise FormatError("completeness: not a state as it is kept between runs") from None


def _largest(counted: CountedState) -> str | None:
    """Return the portal whose streams take most bytes; None where there are no streams."""
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
