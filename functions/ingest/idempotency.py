"""Conflicts: an id of the sender's that an earlier event of other content has.

Such an event is accepted like any other, and the ledger keeps both. Its sender is told, as far as
ingest can know: an earlier event may have been accepted by another container, and may still be in
the queue. The sequencer, which knows, marks the conflict in the index in any case.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import structs

from audit_ledger.events import Event
from audit_ledger.records.sealed_record import SealedRecord
from functions.ingest.sealer import SealedParts

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

    def mark_conflicts(
        self, events: Sequence[Event], sealed: Sequence[SealedParts]
    ) -> list[SealedParts]:
        """Return the records, marked where their id is known with other content.

        Only ids made of a sender's id are looked up: others are random. What the look-up raises
        passes through.
        """
        ids = dict.fromkeys(event_id for event_id, _ in _rows(events, sealed))
        known = {i: self._remembered[i] for i in ids if i in self._remembered}
        if unknown := [event_id for event_id in ids if event_id not in known]:
            known.update(self._indexed(unknown))

        def marked(record: SealedRecord) -> SealedRecord:
            content = record.row.fingerprint
            if known.setdefault(record.row.event_id, content) == content:
                return record
            return structs.replace(record, conflict=True)

        return [tuple(map(marked, parts)) for parts in sealed]

    def remember(self, events: Iterable[Event], sealed: Iterable[SealedParts]) -> None:
        """Remember events that the queue has taken; the content that was first stays."""
        for event_id, content in _rows(events, sealed):
            self._remembered.setdefault(event_id, content)
            if len(self._remembered) > MAX_REMEMBERED:
                self._remembered.popitem(last=False)


def _rows(events: Iterable[Event], sealed: Iterable[SealedParts]) -> Iterator[tuple[str, bytes]]:
    """Return event id and fingerprint of each record of events with an id of their sender's."""
    for event, parts in zip(events, sealed, strict=True):
        if event.sender_id is not None:
            for record in parts:
                yield record.row.event_id, record.row.fingerprint
