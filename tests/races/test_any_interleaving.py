"""Interleavings that Hypothesis generates, call by call, against a plain model of the ledger.

Two containers of each kind run, pause, are killed and replaced; portals send, repeat and contradict
events; an operator freezes and unfreezes. The model knows what was sent, and checks each block when
it is committed: are its entries those that a ledger may contain at that point?
"""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from audit_ledger.errors import FrozenError, LedgerError, LostRaceError
from functions.publisher import handler as publishing
from functions.publisher.publish import HEARTBEAT_SECONDS
from functions.sequencer import append as appending_rules
from functions.sequencer import handler as sequencing
from tests.functions.pipeline import message, sealed_record
from tests.functions.publishing import Clock
from tests.races.race import Message, Race, accepted_by, appending, publisher, sequencer
from tests.races.recount import Counted, Recount
from tests.races.scheduler import SteppedRun, install_scheduler
from tests.world import made_world

EVENT_IDS = [f"{n:02x}" * 32 for n in range(4)]
TURNS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5)), min_size=1, max_size=12)
"""Which of the current runs proceeds, and by how many calls."""


@dataclass
class Reference:
    """The model: a set of contents, of which the first of each id is the event."""

    sent: set[tuple[str, bytes]] = field(default_factory=set)
    stored: set[tuple[str, bytes]] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)

    def commit(self, event: Counted) -> None:
        """Check a committed entry: it was sent, is new, and is a conflict if its id is known."""
        content = (event.event_id, event.fingerprint)
        assert content in self.sent, "never sent"
        assert content not in self.stored, "doubled"
        assert event.is_conflict == (event.event_id in self.ids), "wrongly a conflict, or none"
        self.stored.add(content)
        self.ids.add(event.event_id)


class Races(RuleBasedStateMachine):
    """Two sequencers (`writers`) and two publishers; `runs`: current runs by kind and number."""

    def __init__(self) -> None:
        super().__init__()
        self.monkeypatch = pytest.MonkeyPatch()
        self.clock = Clock()
        for module in (publishing, sequencing):
            self.monkeypatch.setattr(module, "time", self.clock)
        self.monkeypatch.setattr(appending_rules, "MAX_ENTRIES", 4)
        self._made = made_world(self.monkeypatch)
        self.race = Race(self._made.__enter__(), self.clock, install_scheduler(self.monkeypatch))
        self.writers = [sequencer(), sequencer()]
        self.publishers = [publisher(), publisher()]
        self.runs: dict[tuple[str, int], SteppedRun[Any]] = {}
        self.batches: dict[tuple[str, int], list[Message]] = {}
        self.reference = Reference()
        self.recount = Recount(self.race.world)
        self.judged = 0
        self.published_size = 0
        self.is_frozen = False

    # Actions of portals and the platform.

    @rule(ids=st.lists(st.sampled_from([*EVENT_IDS, None]), min_size=1, max_size=6))
    def send(self, ids: list[str | None]) -> None:
        """Accept a request; ids that were used before have other content."""
        accepted = message(*[sealed_record(event_id) for event_id in ids])
        self.race.sent.append(accepted)
        self.reference.sent |= {content[:2] for content in accepted_by([accepted])}

    @precondition(lambda self: self.race.sent and self._idle("writer"))
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        """Deliver messages to each idle sequencer, in any order and any number of times."""
        newest = len(self.race.sent) - 1
        numbers = st.integers(0, newest).map(lambda back: newest - back)
        for who in self._idle("writer"):
            chosen = data.draw(st.lists(numbers, min_size=1, max_size=3, unique=True))
            self.batches[who] = [self.race.sent[number] for number in chosen]
            run = appending(self.writers[who[1]], *self.batches[who])
            self.runs[who] = self.race.scheduler.start(run)

    @precondition(lambda self: self._idle("publisher"))
    @rule()
    def fire(self) -> None:
        """Start each idle publisher."""
        for who in self._idle("publisher"):
            self.runs[who] = self.race.publish(self.publishers[who[1]])

    @precondition(lambda self: self.runs)
    @rule(turns=TURNS)
    def step_runs(self, turns: list[tuple[int, int]]) -> None:
        """Let runs take turns of some calls."""
        for number, calls in turns:
            if not self.runs:
                return
            who = sorted(self.runs)[number % len(self.runs)]
            self.runs[who].pass_calls(calls)
            if self.runs[who].is_over:
                self._end(who)

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        """Let one run proceed to its end."""
        self._end(data.draw(st.sampled_from(sorted(self.runs))))

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        """Kill a container where it stopped, and replace it by a new one."""
        who = data.draw(st.sampled_from(sorted(self.runs)))
        self.runs.pop(who).die()
        self._replace(who)

    @rule(seconds=st.sampled_from([0, 1, 60, HEARTBEAT_SECONDS]))
    def wait(self, seconds: int) -> None:
        """Move the clock."""
        self.clock.now += seconds

    @precondition(lambda self: self.runs)
    @rule(turns=TURNS)
    def freeze_for_some_turns(self, turns: list[tuple[int, int]]) -> None:
        """Freeze the ledger for some turns."""
        self.publishers[0].state.freeze("test freeze")
        self.is_frozen = True
        size = self.published_size
        self.step_runs(turns)
        self.the_published_size_only_grows()
        assert self.published_size == size, "published over a freeze"
        self.race.lift_freeze()
        self.is_frozen = False

    # Invariants.

    @invariant()
    def each_block_agrees_with_the_model(self) -> None:
        """Checked when it is committed; the chain continues without a fork."""
        self.recount.follow()
        for event in self.recount.events[self.judged :]:
            self.reference.commit(event)
        self.judged = len(self.recount.events)

    @invariant()
    def the_published_size_only_grows(self) -> None:
        """It never exceeds the blocks or decreases; only the operator freezes the ledger."""
        state = self.publishers[0].state.published()
        if state is not None:
            assert (state.frozen is not None) == self.is_frozen, state.frozen
            assert self.published_size <= state.size <= self.recount.size
            self.published_size = state.size

    @invariant()
    def all_signed_checkpoints_agree(self) -> None:
        """Published or discarded."""
        self.recount.check_signed(self.race.scheduler.checkpoints())

    def teardown(self) -> None:
        """Deliver everything once more; then all of it is stored and published."""
        try:
            for who in sorted(self.runs):
                self._end(who)
            if self.race.sent:
                appending(self.writers[0], *self.race.sent)()
                self.each_block_agrees_with_the_model()
                assert self.reference.stored == self.reference.sent
                self.clock.now += 60
                self.publishers[0].publish()
                self.race.check_publication()
        finally:
            self.race.scheduler.clear()
            self._made.__exit__(None, None, None)
            self.monkeypatch.undo()

    def _end(self, who: tuple[str, int]) -> None:
        """Finish a run: with an error that it may have, or with its whole batch stored."""
        run = self.runs.pop(who)
        try:
            run.finish()
        except (LostRaceError, FrozenError):
            pass
        except LedgerError as error:
            raise AssertionError(f"{who} ended with {error!r}") from error
        else:
            if who[0] == "writer":
                self.each_block_agrees_with_the_model()
                done = {content[:2] for content in accepted_by(self.batches[who])}
                assert done <= self.reference.stored, "reported as committed, and not in the ledger"

    def _idle(self, kind: str) -> list[tuple[str, int]]:
        return [who for who in ((kind, 0), (kind, 1)) if who not in self.runs]

    def _replace(self, who: tuple[str, int]) -> None:
        kind, number = who
        if kind == "writer":
            self.writers[number] = sequencer()
        else:
            self.publishers[number] = publisher()


Races.TestCase.settings = settings(
    max_examples=10,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestRaces = Races.TestCase
