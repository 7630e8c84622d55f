"""Any interleaving that hypothesis thinks of, call by call, against a plain model of the ledger.

Two containers of each kind run, pause, die and are replaced; portals send, resend and contradict
themselves; an operator freezes and lifts. The model knows only what was sent, and looks at each
block as it is committed: does it hold what a ledger may hold at that point, and nothing else?
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
from tests.races.cast import Cast, Message, accepted_by, appending, publisher, sequencer
from tests.races.recount import Counted, Recount
from tests.races.stage import Actor, set_stage
from tests.world import made_world

EVENT_IDS = [f"{n:02x}" * 32 for n in range(4)]
TURNS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5)), min_size=1, max_size=12)
"""Who goes on, among those who run, and by how many calls."""


@dataclass
class Reference:
    """What a ledger is, in plain words: a set of contents, the first of an id being the event."""

    sent: set[tuple[str, bytes]] = field(default_factory=set)
    kept: set[tuple[str, bytes]] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)

    def commit(self, event: Counted) -> None:
        """An entry was committed: it was sent, it is new, and it is a conflict if its id is not."""
        content = (event.event_id, event.fingerprint)
        assert content in self.sent, "never sent"
        assert content not in self.kept, "doubled"
        assert event.kept_as_conflict == (event.event_id in self.ids), "the wrong verdict"
        self.kept.add(content)
        self.ids.add(event.event_id)


class Races(RuleBasedStateMachine):
    """Containers by place: `writers` and `publishers` remember, `runs` are what they are at."""

    def __init__(self) -> None:
        super().__init__()
        self.monkeypatch = pytest.MonkeyPatch()
        self.clock = Clock()
        for module in (publishing, sequencing):
            self.monkeypatch.setattr(module, "time", self.clock)
        self.monkeypatch.setattr(appending_rules, "MAX_ENTRIES", 4)
        self._made = made_world(self.monkeypatch)
        self.cast = Cast(self._made.__enter__(), self.clock, set_stage(self.monkeypatch))
        self.writers = [sequencer(), sequencer()]
        self.publishers = [publisher(), publisher()]
        self.runs: dict[tuple[str, int], Actor[Any]] = {}
        self.batches: dict[tuple[str, int], list[Message]] = {}
        self.reference = Reference()
        self.recount = Recount(self.cast.world)
        self.judged = 0
        self.published_size = 0
        self.is_frozen = False

    # What portals and the platform do.

    @rule(ids=st.lists(st.sampled_from([*EVENT_IDS, None]), min_size=1, max_size=6))
    def send(self, ids: list[str | None]) -> None:
        """A request is accepted; ids that were used before come with other content."""
        made = message(*[sealed_record(event_id) for event_id in ids])
        self.cast.sent.append(made)
        self.reference.sent |= {content[:2] for content in accepted_by([made])}

    @precondition(lambda self: self.cast.sent and self._idle("writer"))
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        """Each idle sequencer gets messages, in any order and as often as the queue likes."""
        newest = len(self.cast.sent) - 1
        numbers = st.integers(0, newest).map(lambda back: newest - back)
        for who in self._idle("writer"):
            chosen = data.draw(st.lists(numbers, min_size=1, max_size=3, unique=True))
            self.batches[who] = [self.cast.sent[number] for number in chosen]
            run = appending(self.writers[who[1]], *self.batches[who])
            self.runs[who] = self.cast.stage.play(run)

    @precondition(lambda self: self._idle("publisher"))
    @rule()
    def fire(self) -> None:
        """The schedule starts each idle publisher."""
        for who in self._idle("publisher"):
            self.runs[who] = self.cast.publish(self.publishers[who[1]])

    @precondition(lambda self: self.runs)
    @rule(turns=TURNS)
    def go_on(self, turns: list[tuple[int, int]]) -> None:
        """They take turns of some calls; who is not named stays where it is."""
        for number, calls in turns:
            if not self.runs:
                return
            who = sorted(self.runs)[number % len(self.runs)]
            self.runs[who].pass_calls(calls)
            if self.runs[who].is_over:
                self._end(who)

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def go_to_the_end(self, data: st.DataObject) -> None:
        """One of those who run is not stopped any more."""
        self._end(data.draw(st.sampled_from(sorted(self.runs))))

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        """A container is gone where it stands, and a new one takes its place."""
        who = data.draw(st.sampled_from(sorted(self.runs)))
        self.runs.pop(who).die()
        self._replace(who)

    @rule(seconds=st.sampled_from([0, 1, 60, HEARTBEAT_SECONDS]))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.clock.now += seconds

    @precondition(lambda self: self.runs)
    @rule(turns=TURNS)
    def go_on_while_frozen(self, turns: list[tuple[int, int]]) -> None:
        """An operator stops the ledger, and lets it go on some turns later."""
        self.publishers[0].state.freeze("a test says so")
        self.is_frozen = True
        size = self.published_size
        self.go_on(turns)
        self.what_is_published_only_grows()
        assert self.published_size == size, "published over a freeze"
        self.cast.lift_freeze()
        self.is_frozen = False

    # What must hold, whatever they did.

    @invariant()
    def each_block_is_what_the_model_allows(self) -> None:
        """At the moment it was committed, and the chain goes on without a fork."""
        self.recount.follow()
        for event in self.recount.events[self.judged :]:
            self.reference.commit(event)
        self.judged = len(self.recount.events)

    @invariant()
    def what_is_published_only_grows(self) -> None:
        """Never beyond the blocks, never back; nobody but the operator ever froze it."""
        state = self.publishers[0].state.published()
        if state is not None:
            assert (state.frozen is not None) == self.is_frozen, state.frozen
            assert self.published_size <= state.size <= self.recount.size
            self.published_size = state.size

    @invariant()
    def one_truth_was_signed(self) -> None:
        """Put or thrown away."""
        self.recount.check_signed(self.cast.stage.checkpoints())

    def teardown(self) -> None:
        """All that was delivered or left comes once more; then all is there, and published."""
        try:
            for who in sorted(self.runs):
                self._end(who)
            if self.cast.sent:
                appending(self.writers[0], *self.cast.sent)()
                self.each_block_is_what_the_model_allows()
                assert self.reference.kept == self.reference.sent
                self.clock.now += 60
                self.publishers[0].publish()
                self.cast.all_is_published()
        finally:
            self.cast.stage.clear()
            self._made.__exit__(None, None, None)
            self.monkeypatch.undo()

    def _end(self, who: tuple[str, int]) -> None:
        """A run ends, by one of the errors that it may end by, or with all of its batch done."""
        run = self.runs.pop(who)
        try:
            run.finish()
        except (LostRaceError, FrozenError):
            pass
        except LedgerError as error:
            raise AssertionError(f"{who} ended with {error!r}") from error
        else:
            if who[0] == "writer":
                self.each_block_is_what_the_model_allows()
                done = {content[:2] for content in accepted_by(self.batches[who])}
                assert done <= self.reference.kept, "answered as done, and not in the ledger"

    def _idle(self, kind: str) -> list[tuple[str, int]]:
        return [who for who in ((kind, 0), (kind, 1)) if who not in self.runs]

    def _replace(self, who: tuple[str, int]) -> None:
        kind, place = who
        if kind == "writer":
            self.writers[place] = sequencer()
        else:
            self.publishers[place] = publisher()


Races.TestCase.settings = settings(
    max_examples=10,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestRaces = Races.TestCase
