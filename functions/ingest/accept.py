"""Accept the events of a request: seal and queue them as one message, all or none.

Once the queue has acknowledged the message, all its events are accepted and will be in the ledger;
before that none is, and the sender retries.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from audit_ledger.aws.clients import AwsError
from audit_ledger.aws.subjects_table import GENERATIONS_PER_YEAR
from audit_ledger.errors import LedgerError, NotFoundError, TooLargeError
from audit_ledger.events import Event, PatientRule, patient_rule
from audit_ledger.http.authorization import OWN_PORTAL, Authorization, ForbiddenError
from audit_ledger.records.queue_message import (
    MAX_MESSAGE_BYTES,
    MessageTooLargeError,
    QueueMessage,
)
from audit_ledger.records.subject_secret import SubjectSecret
from functions.ingest.ledger_context import LedgerContext, LedgerContexts
from functions.ingest.sealer import SealedParts, Sealer

# Upper bounds in a queue message: of a record's envelope, seal and index row; of an agent; a flag.
AROUND_BYTES = 1024
AGENT_BYTES = 32
FLAG_BYTES = 72


@dataclass(frozen=True)
class Acceptor:
    """Accepts events for the ledgers of a stage. `now_ms`: milliseconds since 1970.

    `count_unchecked`: called if conflicts could not be looked up.
    """

    ledgers: LedgerContexts
    now_ms: Callable[[], int]
    count_unchecked: Callable[[], None] = lambda: None

    def sender(self, access: Authorization) -> "Sender":
        """Return the portal of a token; raise ForbiddenError if the ledger has no such portal."""
        access.require("system", "c")
        portal, ledger_id = access.required_portal(), access.required_ledger()
        try:
            ledger = self.ledgers.get(ledger_id)
        except NotFoundError:
            raise ForbiddenError("the token's ledger does not exist") from None
        setting = ledger.settings.portals.get(portal)
        if setting is None:
            raise ForbiddenError("the ledger does not have the token's portal") from None
        return Sender(self, ledger, portal, patient_rule(portal, setting.patient))

    def own_sender(self, ledger_id: str, rule: PatientRule) -> "Sender":
        """Return the ledger itself as a sender; raise NotFoundError if it does not exist.

        `rule`: how its events name their patients.
        """
        return Sender(self, self.ledgers.get(ledger_id), OWN_PORTAL, rule)


@dataclass(frozen=True, repr=False)
class Sender:
    """A portal that may send events to a ledger. `rule`: how it names its patients."""

    acceptor: Acceptor
    ledger: LedgerContext
    portal: str
    rule: PatientRule

    def accept(self, events: Sequence[Event]) -> list[SealedParts]:
        """Seal and queue all events of a request; they are accepted once this returns.

        Raise TooLargeError if the sealed request exceeds a message: nothing is queued.
        """
        if not events:
            return []
        ledger, received_ms = self.ledger, self.acceptor.now_ms()
        sealer = Sealer(
            ledger.origin,
            self.portal,
            self.rule,
            ledger.keys,
            ledger.subjects.current,
            ledger.staff,
        )
        is_one_record = len(events) == 1 and len(events[0].parts) == 1  # 256 KB at most
        if not is_one_record and most_bytes(events) > MAX_MESSAGE_BYTES:
            # A rejected request must leave nothing: subjects' secrets would stay for ever.
            rehearsal = replace(sealer, secrets=rehearsed_secrets)
            _message(ledger.origin, received_ms, rehearsal.seal(events, received_ms))
        sealed = sealer.seal(events, received_ms)
        message = _message(ledger.origin, received_ms, sealed)
        marked = self._mark_conflicts(events, sealed)
        ledger.queue.send(message)
        ledger.known_ids.remember(events, sealed)
        return marked

    def _mark_conflicts(
        self, events: Sequence[Event], sealed: list[SealedParts]
    ) -> list[SealedParts]:
        """Mark the records that conflict; none if the look-up fails.

        Acceptance does not depend on it: the sequencer detects conflicts itself.
        """
        try:
            return self.ledger.known_ids.mark_conflicts(events, sealed)
        except (*AwsError, LedgerError):
            self.acceptor.count_unchecked()
            return sealed


def most_bytes(events: Sequence[Event]) -> int:
    """Return an upper bound of the size of these events' message, without compression."""
    of_records = 0
    for event in events:
        around = AROUND_BYTES + AGENT_BYTES * len(event.agents) + FLAG_BYTES * len(event.flags)
        for part in event.parts:
            named = sum(6 * len(path) + 3 for path in part.cut)  # a character may be \u0001
            of_records += around + (len(part.resource) + named) * 129 // 128
    return of_records * 4 // 3


def rehearsed_secrets(row_keys: Sequence[str], year: int) -> dict[str, SubjectSecret]:
    """Return fake secrets, with which sealed records have their final length."""
    generation = year * GENERATIONS_PER_YEAR
    return {key: SubjectSecret(generation, bytes.fromhex(key)) for key in row_keys}


def _message(origin: str, received_ms: int, sealed: Sequence[SealedParts]) -> str:
    """Return the queue message of sealed events; raise TooLargeError if it exceeds SQS's limit.

    The error states how many events of this size fit, so that the sender can split the request.
    """
    records = [record for parts in sealed for record in parts]
    try:
        return QueueMessage(origin, received_ms, tuple(records)).to_text()
    except MessageTooLargeError as error:
        fitting = len(sealed) * MAX_MESSAGE_BYTES * 9 // (error.size_bytes * 10)  # some are larger
        if len(sealed) == 1 or not fitting:
            raise
        raise TooLargeError(f"{error}: send at most {fitting:,} such events a request") from None
