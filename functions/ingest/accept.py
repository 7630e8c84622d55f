"""Accepting: a request's events are sealed and queued as one message, whole or not at all.

Once the queue has acknowledged the message, every event in it is accepted and will be in the
ledger; before that, nothing of the request is, and its sender tries again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from audit_ledger.access import OWN_PORTAL, Access, ForbiddenError
from audit_ledger.errors import NotFoundError
from audit_ledger.events import Event, PatientRule
from audit_ledger.records.queue_message import encode_queue_message
from functions.ingest.ledgers import Ledger, Ledgers
from functions.ingest.sealing import Accepted, Sealed, Sealer


@dataclass(frozen=True)
class Acceptor:
    """Takes events into the ledgers of a stage. `now_ms`: milliseconds since 1970."""

    ledgers: Ledgers
    now_ms: Callable[[], int]

    def ledger_of(self, access: Access) -> tuple[Ledger, PatientRule]:
        """Find the ledger and portal that a token names; ForbiddenError where one is not ours."""
        access.require("system", "c")
        portal, ledger_id = access.required_portal(), access.required_ledger()
        try:
            ledger = self.ledgers.get(ledger_id)
        except NotFoundError:
            raise ForbiddenError("the token's ledger does not exist") from None
        setting = ledger.portals.get(portal)
        if setting is None:
            raise ForbiddenError("the token's portal is not one of the ledger's") from None
        return ledger, PatientRule(setting.patient.system, setting.patient.reference)

    def accept(self, access: Access, events: Sequence[Accepted]) -> list[Sealed]:
        """Seal and queue all events of a request; they are accepted once this returns.

        TooLargeError when the sealed request is more than a message holds: nothing is queued.
        """
        ledger, rule = self.ledger_of(access)
        return self._take(ledger, access.portal, rule, events)

    def accept_own(self, ledger_id: str, rule: PatientRule, event: Event) -> Sealed:
        """Seal and queue an event that the ledger itself emits: somebody searched it.

        `rule`: how the event names its patient. NotFoundError where there is no such ledger.
        """
        (sealed,) = self._take(
            self.ledgers.get(ledger_id), OWN_PORTAL, rule, [Accepted(event, None)]
        )
        return sealed

    def _take(
        self, ledger: Ledger, portal: str, rule: PatientRule, events: Sequence[Accepted]
    ) -> list[Sealed]:
        if not events:
            return []
        received_ms = self.now_ms()
        sealer = Sealer(
            ledger.origin, portal, rule, ledger.keys, ledger.subjects.current, ledger.staff
        )
        sealed = sealer.seal(events, received_ms)
        records = [record for event in sealed for record in event.records]
        ledger.queue.send(encode_queue_message(ledger.origin, received_ms, records))
        return sealed
