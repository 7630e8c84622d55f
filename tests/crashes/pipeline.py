"""A ledger with its portal, queue and containers, to be prepared for a trial."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from tests.crashes.containers import Container, separate_containers
from tests.crashes.faults import Wire, install_wire
from tests.crashes.portal import Portal, Request
from tests.crashes.recount import (
    PublishedCheck,
    check_archive,
    check_chain,
    check_signatures,
    check_tiles,
)
from tests.crashes.state_view import MotoWorld
from tests.functions.publishing import Clock
from tests.world import World

Messages = list[dict[str, Any]]
MAX_DELIVERIES = 10


@dataclass(frozen=True)
class State:
    """The published state, empty if nothing was published."""

    version: int
    checkpoint: bytes
    digest_name: str


@dataclass
class Pipeline:
    """The ledger of a trial. Containers that a scenario used are warm."""

    world: World
    wire: Wire
    clock: Clock
    monkeypatch: pytest.MonkeyPatch
    portal: Portal = field(default_factory=Portal)
    ingest: Container = field(default_factory=lambda: Container("ingest"))
    sequencer: Container = field(default_factory=lambda: Container("sequencer"))
    publisher: Container = field(default_factory=lambda: Container("publisher"))
    _names: Any = field(default_factory=count)

    def request(self, events: int = 1, *, key: bool = True, patient: str = "") -> Request:
        """Return a request of so many new events, by default about a new patient."""
        names = tuple(f"event-{next(self._names)}" for _ in range(events))
        return Request(names, f"key of {names[0]}" if key else "", patient or names[0])

    def accept(self, *requests: Request) -> Messages:
        """Accept requests without a fault; return the messages in the queue."""
        for request in requests:
            self.send(request, self.ingest)
        return self.world.messages()

    def send(self, request: Request, container: Container) -> None:
        """Accept a request without a fault."""
        answer = container(self.portal.sends(request))
        assert self.portal.is_answered(request, answer)

    def append(self, messages: Messages, container: Container | None = None) -> None:
        """Append messages without a fault."""
        answer = (container or self.sequencer)({"Records": messages})
        assert answer == {"batchItemFailures": []}

    def publish(self, container: Container | None = None) -> None:
        """Run the publisher a minute later, without a fault."""
        self.clock.now += 60
        publisher = container or self.publisher
        publisher({})
        assert not publisher.died, "the publisher raised an error without a fault"

    def queued(self) -> int:
        """Return the number of messages in the queue."""
        answer = self.world.sqs.get_queue_attributes(
            QueueUrl=self.world.queue_url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def published_state(self) -> State:
        """Return the published state."""
        for item in self.world.items("ledgers"):
            if "version" in item:
                checkpoint = bytes(item["checkpoint"]["B"])
                return State(int(item["version"]["N"]), checkpoint, item["digest_name"]["S"])
        return State(0, b"", "")

    def check(self, *, is_published: bool = True) -> dict[str, int]:
        """Recount the whole ledger; return how often each event is in it.

        `is_published`: publish it, and recount that too.
        """
        found = self.portal.check_ledger(self.world)
        commitments = check_chain(self.world)
        assert len(commitments) == sum(found.values())
        if is_published:
            self.publish()
            self.check_published()
        return found

    def check_published(self, *, tidied: bool = True) -> None:
        """Recount all published files and everything that was ever signed."""
        check = PublishedCheck(self.world)
        check()
        check.all_digests_are_chained()
        check_tiles(self.world, tidied=tidied)
        check_archive(self.world)
        assert check_signatures(self.world, self.wire.signed) >= 3 * len(check.digests)
        unannounced = check.digests - set(self.wire.announced)
        assert not unannounced, f"not announced on the bus: {sorted(unannounced)}"


def make_pipeline(world: World, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """Install the wire and start new containers."""
    wire = install_wire(monkeypatch)
    clock = separate_containers(monkeypatch)
    return Pipeline(MotoWorld.of(world), wire, clock, monkeypatch)
