"""A race: containers of sequencer and publisher, created as their Lambda handlers create them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from audit_ledger.records.queue_message import parse_queue_message
from functions.publisher import handler as publishing
from functions.publisher.publish import Publisher, PublishResult
from functions.sequencer import handler as sequencing
from functions.sequencer.append import AppendResult, Sequencer
from functions.sequencer.messages import read_messages
from tests.functions.pipeline import message, sealed_record
from tests.functions.publishing import Clock
from tests.races.published_recount import check_published
from tests.races.recount import Recount
from tests.races.scheduler import Scheduler, SteppedRun
from tests.world import LEDGER, NAME, ORIGIN, World

Message = dict[str, Any]


def sequencer() -> Sequencer:
    """Return a new container of the sequencer."""
    return sequencing.sequencer.__wrapped__()


def publisher() -> Publisher:
    """Return a new container of the publisher."""
    return publishing.publisher.__wrapped__()


def appending(container: Sequencer, *messages: Message) -> Callable[[], AppendResult]:
    """Return the run of a container on a batch."""

    def run() -> AppendResult:
        records, refused = read_messages(ORIGIN, messages)
        assert refused == []
        result = container.append(records)
        if result.stopped is not None:
            raise result.stopped
        return result

    return run


def accepted_by(messages: list[Message]) -> list[tuple[str, bytes, bytes]]:
    """Return event id, fingerprint and commitment of each accepted record."""
    records = [r for m in messages for r in parse_queue_message(m["body"]).records]
    return [(r.row.event_id, r.row.fingerprint, r.commitment) for r in records]


@dataclass
class Race:
    """One ledger on moto, and all messages of its portals."""

    world: World
    clock: Clock
    scheduler: Scheduler
    sent: list[Message] = field(default_factory=list)

    def message(self, count: int = 1, event_id: str | None = None) -> Message:
        """Return the message of one accepted request of `count` events."""
        accepted = message(*[sealed_record(event_id) for _ in range(count)])
        self.sent.append(accepted)
        return accepted

    def append(self, container: Sequencer, *messages: Message) -> SteppedRun[AppendResult]:
        """Start a container on a batch."""
        return self.scheduler.start(appending(container, *messages))

    def publish(self, container: Publisher) -> SteppedRun[PublishResult]:
        """Start a run of a publisher."""
        return self.scheduler.start(container.publish)

    def grow(self, count: int) -> None:
        """Append so many events by another container, without a pause."""
        appending(sequencer(), self.message(count))()

    def pass_a_minute(self) -> None:
        """Move the clock to the next run of the schedule."""
        self.clock.now += 60

    def lift_freeze(self) -> None:
        """Lift the freeze."""
        self.world.dynamodb.update_item(
            TableName=f"{NAME}-ledgers",
            Key={"key": {"S": f"{ORIGIN}#published"}},
            UpdateExpression="REMOVE frozen",
        )

    def check_newest_files(self) -> None:
        """Check that checkpoint and newest digest are those of the state, which is not frozen."""
        state = publisher().state.published()
        assert state is not None
        assert state.frozen is None
        for path, data in (("checkpoint", state.checkpoint), ("digests/latest", state.digest)):
            key = {"Bucket": f"{NAME}-published", "Key": f"{LEDGER}/{path}"}
            assert self.world.s3.get_object(**key)["Body"].read() == data

    def check_ledger(self) -> Recount:
        """Check that nothing was lost, doubled or forked, and every signed checkpoint is true."""
        recount = Recount(self.world).follow()
        recount.check_events(accepted_by(self.sent))
        recount.check_index()
        recount.check_signed(self.scheduler.checkpoints())
        return recount

    def check_publication(self) -> Recount:
        """Check the ledger, and that all of it is published."""
        recount = self.check_ledger()
        assert check_published(self.world, recount) == recount.size
        return recount
