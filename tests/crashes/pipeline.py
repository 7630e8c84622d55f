"""A ledger with its portal, queue and containers, to be brought to where a trial starts."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from tests.crashes.containers import Container, kept_apart
from tests.crashes.faults import Wire, injected
from tests.crashes.portal import Portal, Request
from tests.crashes.recount import (
    PublishedCheck,
    check_archive,
    check_chain,
    check_signatures,
    check_tiles,
)
from tests.crashes.state_view import SeenWorld
from tests.functions.publishing import Clock
from tests.world import NAME, World

Messages = list[dict[str, Any]]
MAX_DELIVERIES = 10


@dataclass(frozen=True)
class State:
    """The published state. `name`: of the newest digest."""

    version: int
    checkpoint: bytes
    name: str


@dataclass
class Stage:
    """What a trial acts on. The containers are warm if they did something on the way here."""

    world: World
    wire: Wire
    clock: Clock
    portal: Portal = field(default_factory=Portal)
    ingest: Container = field(default_factory=lambda: Container("ingest"))
    sequencer: Container = field(default_factory=lambda: Container("sequencer"))
    publisher: Container = field(default_factory=lambda: Container("publisher"))
    _names: Any = field(default_factory=count)

    def request(self, events: int = 1, *, key: bool = True, patient: str = "") -> Request:
        """Return a request of so many events with names of their own; a patient of its own too."""
        names = tuple(f"event-{next(self._names)}" for _ in range(events))
        return Request(names, f"key of {names[0]}" if key else "", patient or names[0])

    def accept(self, *requests: Request) -> Messages:
        """Have requests accepted without a fault; gives the messages that the queue then holds."""
        for request in requests:
            self.send(request, self.ingest)
        return self.world.messages()

    def send(self, request: Request, container: Container) -> None:
        """Have a request accepted without a fault."""
        answer = container(self.portal.sends(request))
        assert self.portal.is_answered(request, answer)

    def append(self, messages: Messages, container: Container | None = None) -> None:
        """Have messages appended without a fault."""
        answer = (container or self.sequencer)({"Records": messages})
        assert answer == {"batchItemFailures": []}

    def publish(self, container: Container | None = None) -> None:
        """A minute passes and the schedule fires, without a fault."""
        self.clock.now += 60
        publisher = container or self.publisher
        publisher({})
        assert not publisher.died, "the publisher raised though nothing failed"

    def queued(self) -> int:
        """How many messages the queue holds."""
        asked = {
            "QueueUrl": self.world.queue_url,
            "AttributeNames": ["ApproximateNumberOfMessages"],
        }
        answer = self.world.sqs.get_queue_attributes(**asked)
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def published_state(self) -> State:
        """What is published, of a ledger never published nothing."""
        for item in self.world.items("ledgers"):
            if "version" in item:
                checkpoint = bytes(item["checkpoint"]["B"])
                return State(int(item["version"]["N"]), checkpoint, item["digest_name"]["S"])
        return State(0, b"", "")

    def check(self, *, is_published: bool = True) -> dict[str, int]:
        """Recount all of the ledger; gives how often each event is in it.

        `is_published`: publish what there is, and recount that too.
        """
        found = self.portal.check_ledger(self.world)
        commitments = check_chain(self.world)
        assert len(commitments) == sum(found.values())
        if is_published:
            self.publish()
            self.check_published()
        return found

    def check_published(self, *, tidied: bool = True) -> None:
        """Recount what is published and what was ever signed."""
        check = PublishedCheck(self.world)
        check()
        check.all_digests_are_chained()
        check_tiles(self.world, tidied=tidied)
        check_archive(self.world)
        assert check_signatures(self.world, self.wire.signed) >= 3 * len(check.digests)
        unannounced = check.digests - set(self.wire.announced)
        assert not unannounced, f"never announced on the bus: {sorted(unannounced)}"


def made_stage(world: World, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Put the wire in and make new containers."""
    assert NAME in world.queue_url
    wire = injected(monkeypatch)
    return Stage(SeenWorld.of(world), wire, kept_apart(monkeypatch))
