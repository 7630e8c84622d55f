"""What a follower has counted, also of records that were erased since they were counted.

A number stands in the record, and goes with it: views that are made anew from the first entry would
call the numbers of whoever was erased missing, and so show which they were. Therefore a counting
that begins anew goes on with the old one beside it, from where that was; at its end the one that
could read more is kept.
"""

import msgspec
from msgspec.structs import replace

from audit_ledger.completeness.observe import observe
from audit_ledger.completeness.state import State
from audit_ledger.errors import FormatError
from audit_ledger.records.opened_event import OpenedEvent


class Counted(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """`state`: of all records up to now. `before`: the old counting, which had got to `before_seq`.

    None: there is no old one, or it was settled which one is kept.
    """

    state: State = State()
    before: State | None = None
    before_seq: int = 0

    def observed(self, event: OpenedEvent) -> "Counted":
        """Give what is counted after one more event; events come in ledger order, each once."""
        before = self.before
        if before is not None and event.seq >= self.before_seq:
            before = observe(before, event)
        return replace(self, state=observe(self.state, event), before=before)

    def unread(self, seq: int) -> "Counted":
        """Give what is counted after an entry whose record nobody can open."""
        before = self.before
        if before is not None and seq >= self.before_seq:
            before = _one_unread(before)
        return replace(self, state=_one_unread(self.state), before=before)

    def settled(self) -> "Counted":
        """Give the counting that could read more; the new one where both read all the same."""
        if self.before is not None and self.before.unread < self.state.unread:
            return Counted(self.before)
        return Counted(self.state)


_decoder = msgspec.json.Decoder(Counted)
_encoder = msgspec.json.Encoder(order="deterministic")


def encode_counted(counted: Counted) -> bytes:
    """Give the bytes to keep between runs: JSON, equal for what is equal."""
    return _encoder.encode(counted)


def decode_counted(data: bytes) -> Counted:
    """Read what `encode_counted` writes; FormatError for anything else."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise FormatError("completeness: not a state as it is kept between runs") from None


def _one_unread(state: State) -> State:
    return replace(state, unread=state.unread + 1)
