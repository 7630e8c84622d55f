"""Detect conflicts: events whose sender's id is in use by an earlier event of other content.

Such an event is accepted like any other, and the ledger stores both. The response notifies the
sender, as far as ingest can know: the earlier event may be in the queue, from another container.
The sequencer detects every conflict and marks it in the index.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import structs

from audit_ledger.events import Event
from audit_ledger.records.sealed_record import SealedRecord
from functions.ingest.sealer import SealedParts

MAX_REMEMBERED = 10_000
"""Ids of a ledger that a container caches, some 200 bytes each: their events may be queued."""

Fingerprints = Callable[[Iterable[str]], Mapping[str, bytes]]


class KnownIds:
    """The event ids of one ledger, with the fingerprint of their first content.

    `indexed`: returns the fingerprints of the ids in the index.
    """

    def __init__(self, indexed: Fingerprints) -> None:
        self._indexed = indexed
        self._remembered: OrderedDict[str, bytes] = OrderedDict()

    def mark_conflicts(
        self, events: Sequence[Event], sealed: Sequence[SealedParts]
    ) -> list[SealedParts]:
        """Return the records, marked if their id is in use by other content.

        Look up only ids derived from a sender's id: others are random. Errors of the look-up
        propagate.
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
        """Cache the ids of queued events; the first content of an id stays."""
        for event_id, content in _rows(events, sealed):
            self._remembered.setdefault(event_id, content)
            if len(self._remembered) > MAX_REMEMBERED:
                self._remembered.popitem(last=False)


def _rows(events: Iterable[Event], sealed: Iterable[SealedParts]) -> Iterator[tuple[str, bytes]]:
    """Yield event id and fingerprint of each record of events that have a sender's id."""
    for event, parts in zip(events, sealed, strict=True):
        if event.sender_id is not None:
            for record in parts:
                yield record.row.event_id, record.row.fingerprint
