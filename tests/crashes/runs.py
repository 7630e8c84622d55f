"""Trials: a function runs under faults, the platform does what it does, all is recounted.

Each trial runs in a fork of its own and says what became of the run that the first fault hit: how
it ended, and what was there then (`tests.crashes.outcomes` names what may be). It raises where the
recount does not hold.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from audit_ledger.ledger.block import parse_body
from audit_ledger.ledger.index import stored_entries
from tests.crashes.containers import Container
from tests.crashes.faults import Fault
from tests.crashes.pipeline import MAX_DELIVERIES, Messages, Stage
from tests.crashes.portal import Request
from tests.crashes.recount import blocks_of
from tests.world import LEDGER, NAME, ORIGIN


class Recovery(Enum):
    """Who takes up what a run left."""

    SAME = "the same container, at once"
    OTHER = "another container, after others' work"


@dataclass(frozen=True)
class Tried:
    """What became of a trial. `calls`: all that the function made, the recovery's too."""

    outcome: str
    calls: tuple[str, ...]
    came_up: frozenset[int]


_TIMES = {1: "once", 2: "twice"}

Trial = Callable[[dict[int, Fault], Recovery], Tried]


@dataclass(frozen=True)
class IngestTrial:
    """A portal sends a request until it is answered; the ledger is then brought up to date."""

    stage: Stage
    request: Request
    publishes: bool = False

    def __call__(self, faults: dict[int, Fault], recovery: Recovery) -> Tried:
        """Try one set of faults."""
        stage, wire = self.stage, self.stage.wire
        wire.armed = faults
        container = stage.ingest
        first = ""
        for _ in range(MAX_DELIVERIES):
            with wire.under_test():
                answer = container(stage.portal.sends(self.request))
            is_accepted = stage.portal.is_answered(self.request, answer)
            if not first:
                first = self._first(container, is_accepted=is_accepted)
            if is_accepted:
                break
            if recovery is Recovery.OTHER:
                container = Container("ingest")
                stage.send(stage.request(), container)
        else:
            raise AssertionError("never accepted")
        stage.append(stage.world.messages())
        if wire.deliver_late() and stage.queued():
            stage.append(stage.world.messages())
        found = stage.check(is_published=self.publishes)
        copies = {found[name] for name in self.request.events}
        assert len(copies) == 1, "a request is accepted whole or not at all"
        times = copies.pop()  # without a key, each attempt that took effect without an answer
        outcome = f"{first}; in the ledger {_TIMES.get(times, f'{times} times')}"
        return Tried(outcome, tuple(wire.calls), frozenset(wire.came_up))

    def _first(self, container: Container, *, is_accepted: bool) -> str:
        answer = container.died or ("accepted" if is_accepted else "503")
        queued = self.stage.queued()
        return f"{answer}, queued {queued}"


@dataclass(frozen=True)
class SequencerTrial:
    """A batch is delivered until no message of it fails. `others`: the next batch."""

    stage: Stage
    batch: Messages
    others: Messages
    publishes: bool = False

    def __call__(self, faults: dict[int, Fault], recovery: Recovery) -> Tried:
        """Try one set of faults."""
        stage, wire = self.stage, self.stage.wire
        wire.armed = faults
        before = len(stage.world.items("blocks"))
        container, left, first = stage.sequencer, self.batch, ""
        for _ in range(MAX_DELIVERIES):
            with wire.under_test():
                answer = container({"Records": left})
            failed = {m["messageId"] for m in left}
            if answer is not None:
                failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
            if not first:
                first = self._first(container, before, done=not failed)
                if recovery is Recovery.OTHER:
                    stage.append(self.others, Container("sequencer"))
            left = [m for m in left if m["messageId"] in failed]
            if not left:
                break
            if recovery is Recovery.OTHER:
                container = Container("sequencer")
        else:
            raise AssertionError("never appended")
        wire.deliver_late()
        # SQS delivers at least once: what was deleted may come again, to a container that knows
        # its head and to a new one.
        stage.append([*self.batch, *self.others], container)
        stage.append(self.batch, Container("sequencer"))
        stage.check(is_published=self.publishes)
        return Tried(first, tuple(wire.calls), frozenset(wire.came_up))

    def _first(self, container: Container, before: int, *, done: bool) -> str:
        answer = container.died or ("done" if done else "failed")
        number = len(self.stage.world.items("blocks")) - before
        blocks = f"{number} block{'' if number == 1 else 's'}"
        newest = blocks_of(self.stage.world)[-1:]
        rows = [
            entry
            for block in newest
            for entry in stored_entries(block.first_seq, parse_body(block.body))
        ]
        index = {item["key"]["S"] for item in self.stage.world.items("events")}
        if any(f"{ORIGIN}#{entry.key}" not in index for entry in rows):
            return f"{answer}, {blocks}, newest not indexed"
        return f"{answer}, {blocks}"


@dataclass(frozen=True)
class PublisherTrial:
    """The schedule fires until a run meets no fault, and that one leaves all whole.

    `more`: new events.
    """

    stage: Stage
    more: Messages

    def __call__(self, faults: dict[int, Fault], recovery: Recovery) -> Tried:
        """Try one set of faults."""
        stage, wire = self.stage, self.stage.wire
        wire.armed = faults
        version = stage.published_state().version
        before = _blocks_and_index(stage)
        container, first = stage.publisher, ""
        for _ in range(MAX_DELIVERIES):
            stage.clock.now += 60
            met = len(wire.came_up)
            with wire.under_test():
                answer = container({})
            if not first:
                first = self._first(container, answer, version)
                if recovery is Recovery.OTHER:
                    stage.append(self.more)
                    container = Container("publisher")
                    continue
            if len(wire.came_up) == met:
                break
            if recovery is Recovery.OTHER:
                container = Container("publisher")
        assert not container.died, "a run that met no fault raised"
        if recovery is Recovery.SAME:
            assert _blocks_and_index(stage) == before, "a publisher changed blocks or index"
        if wire.deliver_late():
            if recovery is Recovery.SAME:
                stage.append(self.more)
            stage.publish(container)
            # What was put late, of a size that is outgrown, is read by nobody.
            stage.check_published(tidied=False)
        else:
            stage.check_published()
        return Tried(first, tuple(wire.calls), frozenset(wire.came_up))

    def _first(self, container: Container, answer: Any, version: int) -> str:
        state = self.stage.published_state()
        said = container.died or ("done" if answer["published"] else "lost race")
        if state.version == version:
            return f"{said}, not committed"
        files = self.stage.world.published()
        if files.get("checkpoint") != state.checkpoint:
            return f"{said}, committed, files behind"
        if state.name not in self.stage.wire.announced:
            return f"{said}, committed, not announced"
        if any(path.rpartition(".p/")[0] in files for path in files):
            return f"{said}, committed, partial tiles left"
        return f"{said}, committed, whole"


def _blocks_and_index(stage: Stage) -> list[Any]:
    return [stage.world.items("blocks"), stage.world.items("events")]


@dataclass(frozen=True)
class DeadLettersTrial:
    """Letters are delivered until none fails; the archive then holds each, once, to the byte."""

    stage: Stage
    letters: Messages

    def __call__(self, faults: dict[int, Fault], recovery: Recovery) -> Tried:
        """Try one set of faults."""
        stage, wire = self.stage, self.stage.wire
        wire.armed = faults
        container, first = Container("dead_letters"), ""
        left = [{**letter, **ADDRESSED} for letter in self.letters]
        for _ in range(MAX_DELIVERIES):
            with wire.under_test():
                answer = container({"Records": left})
            failed = {m["messageId"] for m in left}
            if answer is not None:
                failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
            if not first:
                said = container.died or f"{len(failed)} failed"
                first = f"{said}, {len(stage.world.archived())} copied"
            left = [m for m in left if m["messageId"] in failed]
            if not left:
                break
            if recovery is Recovery.OTHER:
                container = Container("dead_letters")
        else:
            raise AssertionError("never copied")
        wire.deliver_late()
        copies = stage.world.archived()
        assert {path.rpartition("/")[2] for path in copies} == {
            letter["messageId"] for letter in self.letters
        }
        for letter in self.letters:
            (copy,) = [c for path, c in copies.items() if path.endswith(letter["messageId"])]
            assert json.loads(copy) == {"sender": "AROA:ingest", "sent": 0, "body": letter["body"]}
        return Tried(first, tuple(wire.calls), frozenset(wire.came_up))


ADDRESSED = {
    "eventSourceARN": f"arn:aws:sqs:eu-central-1:123456789012:{NAME}-{LEDGER}-dead",
    "attributes": {"SenderId": "AROA:ingest", "SentTimestamp": "0"},
}
