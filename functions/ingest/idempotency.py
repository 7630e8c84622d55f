"""Conflicts: an id of the sender's that an earlier event of other content has.

Such an event is accepted like any other, and the ledger keeps both. Its sender is told, as far as
ingest can know: an earlier event may have been accepted by another container, and may still be in
the queue. The sequencer, which knows, marks the conflict in the index in any case.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from functions.ingest.sealer import Accepted, Sealed

MAX_REMEMBERED = 10_000
"""Ids that a container remembers of a ledger, some 200 bytes each: what may still be queued."""

Fingerprints = Callable[[Iterable[str]], Mapping[str, bytes]]


class KnownIds:
    """The event ids of one ledger, with the fingerprint of the content that was first.

    `indexed`: looks ids up in the index, and gives what it finds.
    """

    def __init__(self, indexed: Fingerprints) -> None:
        self._indexed = indexed
        self._remembered: OrderedDict[str, bytes] = OrderedDict()

    def conflicts(self, accepted: Sequence[Accepted], sealed: Sequence[Sealed]) -> list[bool]:
        """Return of each event whether its id is known with other content.

        Only ids made of a sender's id are looked up: others are random. What the look-up raises
        passes through.
        """
        rows = [list(_rows(one, event)) for one, event in zip(accepted, sealed, strict=True)]
        ids = dict.fromkeys(event_id for row in rows for event_id, _ in row)
        known = {i: self._remembered[i] for i in ids if i in self._remembered}
        if unknown := [event_id for event_id in ids if event_id not in known]:
            known.update(self._indexed(unknown))
        return [any(known.setdefault(i, content) != content for i, content in row) for row in rows]

    def remember(self, accepted: Iterable[Accepted], sealed: Iterable[Sealed]) -> None:
        """Remember events that the queue has taken; the content that was first stays."""
        for one, event in zip(accepted, sealed, strict=True):
            for event_id, content in _rows(one, event):
                self._remembered.setdefault(event_id, content)
                if len(self._remembered) > MAX_REMEMBERED:
                    self._remembered.popitem(last=False)


def _rows(accepted: Accepted, sealed: Sealed) -> Iterator[tuple[str, bytes]]:
    """Return event id and fingerprint of each record of an event that has an id of its sender's."""
    if accepted.sender_id is not None:
        for record in sealed.records:
            yield record.row.event_id, record.row.fingerprint
