"""One request of a portal, and the expected content of a ledger after many."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

How = Literal[
    "audit-event",  # POST /AuditEvent
    "bundle-batch",  # POST /
    "bundle-transaction",  # POST /
    "cloudevent-structured",  # POST /events
    "cloudevent-binary",  # POST /events, attributes in `ce-` headers
    "cloudevents-batch",  # POST /events
]
_PATHS: dict[How, str] = {
    "audit-event": "/AuditEvent",
    "bundle-batch": "/",
    "bundle-transaction": "/",
    "cloudevent-structured": "/events",
    "cloudevent-binary": "/events",
    "cloudevents-batch": "/events",
}


@dataclass(frozen=True, slots=True)
class Submission:
    """One POST, without the token.

    `sent_ms`: when the portal sends it, milliseconds since 1970; submissions come in that order.
    `attributes`: the `ce-` headers of a binary CloudEvent. `events`: events inside, also of one
    that is resent. `new_events` and `new_entries`: what it adds to the ledger, nothing where
    `is_resent`: a resent one has the bytes, the Idempotency-Key and the event ids of the first.
    `flawed`: events inside with a BALP fault seeded on purpose; they are accepted and flagged.
    """

    sent_ms: int
    ledger: str
    portal: str
    how: How
    content_type: str
    body: bytes
    events: int
    new_events: int
    new_entries: int
    idempotency_key: str | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    flawed: int = 0
    is_resent: bool = False

    @property
    def path(self) -> str:
        """Its path below the API's root."""
        return _PATHS[self.how]

    @property
    def headers(self) -> dict[str, str]:
        """HTTP headers by lower-case name."""
        headers = {"content-type": self.content_type, **dict(self.attributes)}
        if self.idempotency_key is not None:
            headers["idempotency-key"] = self.idempotency_key
        return headers


@dataclass(frozen=True, slots=True)
class Tally:
    """The events and entries of a ledger after some submissions, without control entries."""

    events: int = 0
    entries: int = 0


def tally(submissions: Iterable[Submission]) -> dict[str, Tally]:
    """Count what each ledger (by id) should contain after all of these were accepted."""
    tallies: dict[str, Tally] = {}
    for submission in submissions:
        so_far = tallies.get(submission.ledger, Tally())
        tallies[submission.ledger] = Tally(
            so_far.events + submission.new_events,
            so_far.entries + submission.new_entries,
        )
    return tallies
