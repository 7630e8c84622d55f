"""Trials: a function runs with faults, the platform recovers it, and the ledger is recounted.

Each trial runs in a fork of its own and returns the outcome of the run with the first fault: how it
ended, and what it had stored (`tests.crashes.outcomes` names the possible ones). It raises
AssertionError if the recount differs.
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
from tests.crashes.pipeline import MAX_DELIVERIES, Messages, Pipeline
from tests.crashes.portal import Request
from tests.crashes.recount import blocks_of
from tests.world import LEDGER, NAME, ORIGIN


class Recovery(Enum):
    """The container that runs next."""

    SAME = "the same container, at once"
    OTHER = "another container, after others' work"


@dataclass(frozen=True)
class TrialResult:
    """The result of a trial. `calls`: of the function, during recovery too."""

    outcome: str
    calls: tuple[str, ...]
    occurred: frozenset[int]


_TIMES = {1: "once", 2: "twice"}

Trial = Callable[[dict[int, Fault], Recovery], TrialResult]


@dataclass(frozen=True)
class IngestTrial:
    """A portal sends a request until it is accepted; the queue is then appended."""

    pipeline: Pipeline
    request: Request
    publishes: bool = False

    def __call__(self, faults: dict[int, Fault], recovery: Recovery) -> TrialResult:
        """Try one set of faults."""
        pipeline, wire = self.pipeline, self.pipeline.wire
        wire.armed = faults
        container = pipeline.ingest
        first = ""
        for _ in range(MAX_DELIVERIES):
            with wire.under_test():
                answer = container(pipeline.portal.sends(self.request))
            is_accepted = pipeline.portal.is_answered(self.request, answer)
            if not first:
                first = self._first(container, is_accepted=is_accepted)
            if is_accepted:
                break
            if recovery is Recovery.OTHER:
                container = Container("ingest")
                pipeline.send(pipeline.request(), container)
        else:
            raise AssertionError("never accepted")
        pipeline.append(pipeline.world.messages())
        if wire.deliver_late() and pipeline.queued():
            pipeline.append(pipeline.world.messages())
        found = pipeline.check(is_published=self.publishes)
        copies = {found[name] for name in self.request.events}
        assert len(copies) == 1, "a request is accepted completely or not at all"
        times = copies.pop()  # without a key, also each attempt whose response was lost
        outcome = f"{first}; in the ledger {_TIMES.get(times, f'{times} times')}"
        return TrialResult(outcome, tuple(wire.calls), frozenset(wire.occurred))

    def _first(self, container: Container, *, is_accepted: bool) -> str:
        answer = container.died or ("accepted" if is_accepted else "503")
        queued = self.pipeline.queued()
        return f"{answer}, queued {queued}"


@dataclass(frozen=True)
class SequencerTrial:
    """A batch is delivered until none of its messages fails. `others`: the next batch."""

    pipeline: Pipeline
    batch: Messages
    others: Messages
    publishes: bool = False

    def __call__(self, faults: dict[int, Fault], recovery: Recovery) -> TrialResult:
        """Try one set of faults."""
        pipeline, wire = self.pipeline, self.pipeline.wire
        wire.armed = faults
        before = len(pipeline.world.items("blocks"))
        container, left, first = pipeline.sequencer, self.batch, ""
        for _ in range(MAX_DELIVERIES):
            with wire.under_test():
                answer = container({"Records": left})
            failed = {m["messageId"] for m in left}
            if answer is not None:
                failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
            if not first:
                first = self._first(container, before, done=not failed)
                if recovery is Recovery.OTHER:
                    pipeline.append(self.others, Container("sequencer"))
            left = [m for m in left if m["messageId"] in failed]
            if not left:
                break
            if recovery is Recovery.OTHER:
                container = Container("sequencer")
        else:
            raise AssertionError("never appended")
        wire.deliver_late()
        # SQS delivers at least once: deleted messages may come again, to a warm container and to a
        # new one.
        pipeline.append([*self.batch, *self.others], container)
        pipeline.append(self.batch, Container("sequencer"))
        pipeline.check(is_published=self.publishes)
        return TrialResult(first, tuple(wire.calls), frozenset(wire.occurred))

    def _first(self, container: Container, before: int, *, done: bool) -> str:
        answer = container.died or ("done" if done else "failed")
        number = len(self.pipeline.world.items("blocks")) - before
        blocks = f"{number} block{'' if number == 1 else 's'}"
        newest = blocks_of(self.pipeline.world)[-1:]
        rows = [
            entry
            for block in newest
            for entry in stored_entries(block.first_seq, parse_body(block.body))
        ]
        index = {item["key"]["S"] for item in self.pipeline.world.items("events")}
        if any(f"{ORIGIN}#{entry.key}" not in index for entry in rows):
            return f"{answer}, {blocks}, newest not indexed"
        return f"{answer}, {blocks}"


@dataclass(frozen=True)
class PublisherTrial:
    """The publisher runs until a run has no fault, which completes everything. `more`: events."""

    pipeline: Pipeline
    more: Messages

    def __call__(self, faults: dict[int, Fault], recovery: Recovery) -> TrialResult:
        """Try one set of faults."""
        pipeline, wire = self.pipeline, self.pipeline.wire
        wire.armed = faults
        version = pipeline.published_state().version
        before = _blocks_and_index(pipeline)
        container, first = pipeline.publisher, ""
        for _ in range(MAX_DELIVERIES):
            pipeline.clock.now += 60
            faults_before = len(wire.occurred)
            with wire.under_test():
                answer = container({})
            if not first:
                first = self._first(container, answer, version)
                if recovery is Recovery.OTHER:
                    pipeline.append(self.more)
                    container = Container("publisher")
                    continue
            if len(wire.occurred) == faults_before:
                break
            if recovery is Recovery.OTHER:
                container = Container("publisher")
        assert not container.died, "a run without a fault raised an error"
        if recovery is Recovery.SAME:
            assert _blocks_and_index(pipeline) == before, "a publisher changed blocks or index"
        if wire.deliver_late():
            if recovery is Recovery.SAME:
                pipeline.append(self.more)
            pipeline.publish(container)
            # Late partial tiles of an earlier size are not deleted, and not read.
            pipeline.check_published(tidied=False)
        else:
            pipeline.check_published()
        return TrialResult(first, tuple(wire.calls), frozenset(wire.occurred))

    def _first(self, container: Container, answer: Any, version: int) -> str:
        state = self.pipeline.published_state()
        end = container.died or ("done" if answer["published"] else "lost race")
        if state.version == version:
            return f"{end}, not committed"
        files = self.pipeline.world.published()
        if files.get("checkpoint") != state.checkpoint:
            return f"{end}, committed, files behind"
        if state.digest_name not in self.pipeline.wire.announced:
            return f"{end}, committed, not announced"
        if any(path.rpartition(".p/")[0] in files for path in files):
            return f"{end}, committed, partial tiles left"
        return f"{end}, committed, whole"


def _blocks_and_index(pipeline: Pipeline) -> list[Any]:
    return [pipeline.world.items("blocks"), pipeline.world.items("events")]


@dataclass(frozen=True)
class DeadLettersTrial:
    """Dead letters are delivered until none fails; the archive then has each once."""

    pipeline: Pipeline
    letters: Messages

    def __call__(self, faults: dict[int, Fault], recovery: Recovery) -> TrialResult:
        """Try one set of faults."""
        pipeline, wire = self.pipeline, self.pipeline.wire
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
                end = container.died or f"{len(failed)} failed"
                first = f"{end}, {len(pipeline.world.archived())} copied"
            left = [m for m in left if m["messageId"] in failed]
            if not left:
                break
            if recovery is Recovery.OTHER:
                container = Container("dead_letters")
        else:
            raise AssertionError("never copied")
        wire.deliver_late()
        copies = pipeline.world.archived()
        assert {path.rpartition("/")[2] for path in copies} == {
            letter["messageId"] for letter in self.letters
        }
        for letter in self.letters:
            (copy,) = [c for path, c in copies.items() if path.endswith(letter["messageId"])]
            assert json.loads(copy) == {"sender": "AROA:ingest", "sent": 0, "body": letter["body"]}
        return TrialResult(first, tuple(wire.calls), frozenset(wire.occurred))


ADDRESSED = {
    "eventSourceARN": f"arn:aws:sqs:eu-central-1:123456789012:{NAME}-{LEDGER}-dead",
    "attributes": {"SenderId": "AROA:ingest", "SentTimestamp": "0"},
}
