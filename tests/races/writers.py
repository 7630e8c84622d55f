"""Writers and publishers that run at once, against a DynamoDB server in another process.

They sign with keys in memory: the race is about the tables. Messages that failed are redelivered,
and some of the others too; each delivery goes to any writer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from threading import Event, Lock, Thread
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit_ledger.aws import clients
from audit_ledger.aws.blocks_table import BlocksTable
from audit_ledger.aws.events_table import EventsTable
from audit_ledger.aws.ledgers_table import LedgersTable
from audit_ledger.errors import FrozenError, LostRaceError
from functions.publisher.publish import Publisher
from functions.sequencer.append import AppendResult, Sequencer
from functions.sequencer.messages import read_messages
from tests.functions.pipeline import message, sealed_record
from tests.world import NAME, ORIGIN

Message = dict[str, Any]
Batch = list[Message]
MAX_DELIVERIES = 100
"""A batch that fails as often shows that no writer makes progress."""


@dataclass
class Tally:
    """The counts of all writers together."""

    entries: int = 0
    blocks: int = 0
    duplicates: int = 0
    conflicts: int = 0
    lost_races: int = 0
    deliveries: int = 0

    def add(self, result: AppendResult) -> None:
        """Count one delivery."""
        self.deliveries += 1
        for name in ("entries", "blocks", "duplicates", "conflicts", "lost_races"):
            setattr(self, name, getattr(self, name) + getattr(result, name))

    def merge(self, other: "Tally") -> None:
        """Add the counts of another tally."""
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def sent_by_portals(dice: Random, messages: int, records: int) -> list[Message]:
    """Return messages of so many events; one in twenty repeats an id, with other content."""
    sent: list[Message] = []
    used: list[str] = []
    for _ in range(messages):
        again = [dice.choice(used)] if used and dice.random() < 0.05 else []
        batch = [sealed_record(event_id) for event_id in again]
        while len(batch) < records:
            event_id = dice.randbytes(32).hex()
            batch.append(sealed_record(event_id))
            used.append(event_id)
        sent.append(message(*batch, accepted_ms=1_795_000_000_000 + dice.randrange(60_000)))
    return sent


def deliveries(
    dice: Random, sent: Sequence[Message], writers: int, a_batch: int
) -> list[list[Batch]]:
    """Return the batches of each writer: all messages, a third of them twice, shuffled."""
    delivered = [*sent, *dice.sample(list(sent), len(sent) // 3)]
    dice.shuffle(delivered)
    batches = [delivered[i : i + a_batch] for i in range(0, len(delivered), a_batch)]
    return [batches[writer::writers] for writer in range(writers)]


def writer(private_key: Ed25519PrivateKey, now: Callable[[], int]) -> Sequencer:
    """Return a sequencer as its handler creates it, except for key and clock."""
    dynamodb = clients.dynamodb()
    return Sequencer(
        ORIGIN,
        BlocksTable(dynamodb, f"{NAME}-blocks", ORIGIN),
        EventsTable(dynamodb, f"{NAME}-events", ORIGIN),
        LedgersTable(dynamodb, f"{NAME}-ledgers", ORIGIN),
        private_key.sign,
        now,
    )


def write(sequencer: Sequencer, batches: Sequence[Batch], tally: Tally) -> None:
    """Append batch after batch; redeliver one that fails, as the queue does."""
    for batch in batches:
        for _ in range(MAX_DELIVERIES):
            records, refused = read_messages(ORIGIN, batch)
            assert refused == []
            result = sequencer.append(records)
            assert not isinstance(result.stopped, FrozenError)
            tally.add(result)
            if result.committed:
                break
        else:
            raise AssertionError("a batch was never appended")


def publish_until(done: Event, publisher: Publisher, results: list[int]) -> None:
    """Publish repeatedly while others write, and once more; append the sizes to `results`."""
    is_last = False
    while not is_last:
        is_last = done.is_set()
        try:
            published = publisher.publish()
        except (*clients.AwsError, LostRaceError):
            is_last = False  # the other was first, or no response arrived: try again
            continue
        if published.digest_name:
            results.append(published.size)


class Together:
    """Threads that run at once; the first error is raised when all have ended."""

    def __init__(self) -> None:
        self._threads: list[Thread] = []
        self._errors: list[BaseException] = []
        self._lock = Lock()

    def run(self, function: Callable[..., None], *arguments: Any) -> None:
        """Start a thread."""
        thread = Thread(target=self._guarded, args=(function, *arguments))
        self._threads.append(thread)
        thread.start()

    def wait(self) -> None:
        """Wait for all threads."""
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def _guarded(self, function: Callable[..., None], *arguments: Any) -> None:
        try:
            function(*arguments)
        except BaseException as error:  # noqa: BLE001  # raised by `wait`
            with self._lock:
                self._errors.append(error)
