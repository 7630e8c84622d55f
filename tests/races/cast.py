"""Who races: containers of sequencer and publisher, made as their Lambda handlers make them."""

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
from tests.races.recount import Recount
from tests.races.republished import check_published
from tests.races.stage import Actor, Stage
from tests.world import LEDGER, NAME, ORIGIN, World

Message = dict[str, Any]


def sequencer() -> Sequencer:
    """A new container of the sequencer."""
    return sequencing.sequencer.__wrapped__()


def publisher() -> Publisher:
    """A new container of the publisher."""
    return publishing.publisher.__wrapped__()


def appending(container: Sequencer, *messages: Message) -> Callable[[], AppendResult]:
    """What a container does with a batch."""

    def run() -> AppendResult:
        records, refused = read_messages(ORIGIN, messages)
        assert refused == []
        result = container.append(records)
        if result.stopped is not None:
            raise result.stopped
        return result

    return run


def accepted_by(messages: list[Message]) -> list[tuple[str, bytes, bytes]]:
    """What portals were told was accepted: event id, fingerprint, commitment."""
    records = [r for m in messages for r in parse_queue_message(m["body"]).records]
    return [(r.row.event_id, r.row.fingerprint, r.commitment) for r in records]


@dataclass
class Cast:
    """One ledger's world, and everything that its portals sent."""

    world: World
    clock: Clock
    stage: Stage
    sent: list[Message] = field(default_factory=list)

    def message(self, count: int = 1, event_id: str | None = None) -> Message:
        """A portal has `count` events accepted in one request."""
        made = message(*[sealed_record(event_id) for _ in range(count)])
        self.sent.append(made)
        return made

    def append(self, container: Sequencer, *messages: Message) -> Actor[AppendResult]:
        """A batch for a container that waits for its first step."""
        return self.stage.play(appending(container, *messages))

    def publish(self, container: Publisher) -> Actor[PublishResult]:
        """A run of a publisher that waits for its first step."""
        return self.stage.play(container.publish)

    def grow(self, count: int) -> None:
        """Another container appends so many events, from the first call to the last."""
        appending(sequencer(), self.message(count))()

    def pass_a_minute(self) -> None:
        """The schedule fires again."""
        self.clock.now += 60

    def lift_freeze(self) -> None:
        """An operator says that all is well."""
        self.world.dynamodb.update_item(
            TableName=f"{NAME}-ledgers",
            Key={"key": {"S": f"{ORIGIN}#published"}},
            UpdateExpression="REMOVE frozen",
        )

    def newest_files_are_the_states(self) -> None:
        """Checkpoint and newest digest are those of the commit point, and nothing is frozen."""
        state = publisher().state.published()
        assert state is not None
        assert state.frozen is None
        for path, data in (("checkpoint", state.checkpoint), ("digests/latest", state.digest)):
            key = {"Bucket": f"{NAME}-published", "Key": f"{LEDGER}/{path}"}
            assert self.world.s3.get_object(**key)["Body"].read() == data

    def all_is_whole(self) -> Recount:
        """Nothing was lost, doubled or forked, and nothing untrue was ever signed."""
        recount = Recount(self.world).follow()
        recount.check_events(accepted_by(self.sent))
        recount.check_index()
        recount.check_signed(self.stage.checkpoints())
        return recount

    def all_is_published(self) -> Recount:
        """And what is published is that, whole."""
        recount = self.all_is_whole()
        assert check_published(self.world, recount) == recount.size
        return recount
