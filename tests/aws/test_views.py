"""The views table: commits that are whole or nothing, after a crash and a lost race; no bounds."""

from collections.abc import Callable
from typing import Any

import pytest

from audit_ledger.aws.views_table import MAX_PLACES, PIECE_BYTES, REBUILD, ViewsTable
from audit_ledger.errors import FormatError, LostRaceError
from audit_ledger.ledger.follower_views import DocumentEntries, FollowerCursor, Gaps
from tests.aws.counted_calls import counted_calls
from tests.world import NAME, World

BIG = bytes(range(256)) * (PIECE_BYTES // 64)  # four pieces
DOCUMENT = "ab" * 32


@pytest.fixture
def views(world: World, origin: str) -> ViewsTable:
    return ViewsTable(world.dynamodb, f"{NAME}-views", origin)


def commit(views: ViewsTable, claimed: FollowerCursor, **states: bytes) -> FollowerCursor:
    """Commit the next entry with these states."""
    return views.commit(
        claimed,
        next_seq=claimed.next_seq + 1,
        announced=claimed.next_seq + 1,
        findings=claimed.findings,
        states=states,
    )


def place(seq: int) -> str:
    return f"{seq} 0 {seq:064x}"


def test_a_commit_is_read_back(views: ViewsTable) -> None:
    """Cursor and states, whatever their size; nothing before the first commit."""
    assert views.cursor() == FollowerCursor()
    assert views.state(views.cursor(), "a") is None
    states = {"a": BIG, "b": b"small", **{f"rule {n}": BIG for n in range(4)}}  # over 4 MB in all
    moved = commit(views, views.claim(views.cursor()), **states)
    assert views.cursor() == moved
    assert (moved.next_seq, moved.states["a"], moved.states["b"]) == (1, 4, 1)
    assert {name: views.state(moved, name) for name in states} == states


def test_a_crash_before_the_commit_point_leaves_the_old_views(
    views: ViewsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After any number of its writes; and the next run commits over what it left."""
    old = commit(views, views.claim(views.cursor()), a=BIG, b=b"1")
    put = views._client.put_item
    for writes in range(6):
        done = iter(range(writes))

        def dies(done: Any = done, **arguments: Any) -> Any:
            if next(done, None) is None:
                raise ConnectionError
            return put(**arguments)

        claimed = views.claim(views.cursor())
        with monkeypatch.context() as dying:
            dying.setattr(views._client, "put_item", dies)
            with pytest.raises(ConnectionError):
                commit(views, claimed, a=BIG[::-1], b=b"2")
        now = views.cursor()
        assert (now.next_seq, now.written, now.slot) == (old.next_seq, old.written, old.slot)
        assert (views.state(now, "a"), views.state(now, "b")) == (BIG, b"1")
    moved = commit(views, views.claim(views.cursor()), a=b"short", b=b"2")
    assert (views.state(moved, "a"), views.state(moved, "b")) == (b"short", b"2")


Late = Callable[[ViewsTable, FollowerCursor], object]
LATE: dict[str, Late] = {
    "commit": lambda views, claimed: commit(views, claimed, a=b"late", b=BIG),
    "finding": lambda views, claimed: views.put_finding(claimed, 0, b"late"),
}


@pytest.mark.parametrize("what", LATE)
def test_an_overtaken_run_overwrites_nothing(views: ViewsTable, what: str) -> None:
    """Neither a finding nor a state that the faster one put, nor the cursor."""
    late = views.claim(views.cursor())
    faster = views.claim(views.cursor())
    views.put_finding(faster, 0, b"of the faster")
    moved = views.commit(faster, next_seq=2, announced=2, findings=1, states={"a": b"1"})
    with pytest.raises(LostRaceError):
        LATE[what](views, late)
    assert views.cursor() == moved
    assert views.state(moved, "a") == b"1"
    assert views.findings(moved, [0]) == [b"of the faster"]


def test_one_of_two_concurrent_claims_succeeds(views: ViewsTable) -> None:
    """Both read the same cursor; one claims its next number."""
    seen = commit(views, views.claim(views.cursor()), a=b"1")
    views.claim(seen)
    with pytest.raises(LostRaceError):
        views.claim(seen)


def test_a_reader_sees_that_the_views_moved_on(views: ViewsTable) -> None:
    """Two commits later the slot contains other states than those of its cursor."""
    seen = commit(views, views.claim(views.cursor()), a=b"1")
    second = commit(views, views.claim(seen), a=b"2")
    assert views.state(seen, "a") == b"1"
    commit(views, views.claim(second), a=b"3")
    with pytest.raises(LostRaceError):
        views.state(seen, "a")


def test_more_findings_than_a_batch_are_read_by_number(views: ViewsTable) -> None:
    """DynamoDB returns at most 100 items a batch; a missing one is an error."""
    claimed = views.claim(views.cursor())
    for number in range(102):
        views.put_finding(claimed, number, b"%d" % number)
    cursor = views.commit(claimed, next_seq=1, announced=1, findings=102, states={})
    numbers = range(1, 102)
    with counted_calls(views._client, "BatchGetItem") as calls:
        assert views.findings(cursor, numbers) == [b"%d" % number for number in numbers]
    sizes = [len(t["Keys"]) for call in calls for t in call["RequestItems"].values()]
    assert sizes == [100, 1]
    with pytest.raises(FormatError):
        views.findings(cursor, [102])


@pytest.mark.parametrize("lot", [7, MAX_PLACES, 10_000])
def test_the_first_places_of_a_document_are_stored_in_lots_of_any_size(
    views: ViewsTable, lot: int
) -> None:
    """In lots of any size, once or again: the same places, and that there are more."""
    cursor = views.claim(views.cursor())
    places = [place(seq) for seq in range(9, 9 + MAX_PLACES + 60)]
    for start in range(0, len(places), lot):
        some = places[start : start + lot]
        views.add_places(cursor, DOCUMENT, some)
        views.add_places(cursor, DOCUMENT, some)
        seen = places[: start + lot]
        wanted = DocumentEntries(tuple(seen[:MAX_PLACES]), len(seen) > MAX_PLACES)
        assert views.places(DOCUMENT) == wanted
    assert views.places("cd" * 32) == DocumentEntries((), more=False)


def test_a_repeated_place_is_stored_once(views: ViewsTable) -> None:
    """DynamoDB refuses a set that names a member twice."""
    views.add_places(views.cursor(), DOCUMENT, [place(1), place(1)])
    views.add_places(views.cursor(), DOCUMENT, [place(2), place(1), place(2)])
    assert views.places(DOCUMENT) == DocumentEntries((place(1), place(2)), more=False)


def test_rebuilt_views_replace_the_live_ones_on_request(views: ViewsTable) -> None:
    """Beside what is read meanwhile; who followed the old one is overtaken."""
    live = commit(views, views.claim(views.cursor()), a=b"old")
    views.add_places(live, DOCUMENT, [place(1)])
    made = views.rebuild(begin=True)
    assert (made.item, made.generation, made.next_seq) == (REBUILD, 1, 0)
    made = commit(views, views.claim(made), a=b"new")
    assert views.rebuild(begin=False) == made
    assert views.cursor() == live
    assert views.state(live, "a") == b"old"
    old_follower = views.claim(live)
    taken = views.take_over(made)
    assert views.cursor() == taken
    assert views.state(taken, "a") == b"new"
    assert views.places(DOCUMENT) == DocumentEntries((), more=False)
    with pytest.raises(LostRaceError):
        commit(views, old_follower, a=b"late")
    newer = commit(views, views.claim(taken), a=b"newer")
    assert views.rebuild(begin=False) == newer
    assert views.rebuild(begin=True).generation == 2


def test_an_abandoned_rebuild_leaves_the_live_views(views: ViewsTable) -> None:
    """An abandoned rebuild is no generation: the next never writes where the live one is."""
    live = commit(views, views.claim(views.cursor()), a=b"live")
    views.add_places(live, DOCUMENT, [place(1)])
    views.put_finding(live, 0, b"live")
    for _ in range(3):
        made = views.claim(views.rebuild(begin=True))
        views.add_places(made, DOCUMENT, [place(2)])
        views.put_finding(made, 0, b"made")
        made = commit(views, made, a=b"made")
        commit(views, views.claim(made), a=b"made")
        assert views.state(live, "a") == b"live"
        assert views.places(DOCUMENT) == DocumentEntries((place(1),), more=False)
        assert views.findings(live, [0]) == [b"live"]
    taken = views.take_over(views.cursor(REBUILD))
    assert views.state(taken, "a") == b"made"
    assert views.places(DOCUMENT) == DocumentEntries((place(2),), more=False)


def test_a_take_over_is_not_overtaken(views: ViewsTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a follower of the old views that claims a number just before."""
    live = commit(views, views.claim(views.cursor()), a=b"old")
    made = commit(views, views.claim(views.rebuild(begin=True)), a=b"new")
    read, claims = views.cursor, [True, True]

    def overtaken(*which: str) -> FollowerCursor:
        seen = read(*which)
        if not which and claims and claims.pop():
            views.claim(seen)
        return seen

    with monkeypatch.context() as racing:
        racing.setattr(views, "cursor", overtaken)
        taken = views.take_over(made)
    assert views.cursor() == taken
    assert taken.attempt > live.attempt + 2
    assert views.state(taken, "a") == b"new"


def test_a_late_take_over_replaces_nothing(views: ViewsTable) -> None:
    """Of a run that stood still while another one finished, and what is read moved on."""
    made = commit(views, views.claim(views.rebuild(begin=True)), a=b"new")
    taken = views.take_over(made)
    assert views.take_over(made) == taken  # once more, where only the answer was lost
    live = commit(views, views.claim(taken), a=b"newer")
    with pytest.raises(LostRaceError):
        views.take_over(made)
    assert views.cursor() == live
    assert views.state(live, "a") == b"newer"


def test_a_generation_takes_the_place_of_the_one_before_the_last(views: ViewsTable) -> None:
    """Nothing is deleted, and nothing of what was is taken for what is."""
    cursor = views.claim(views.cursor())
    for document in (DOCUMENT, "cd" * 32):
        views.add_places(cursor, document, [place(1), place(2)])
    views.put_finding(cursor, 0, b"first")
    views.put_finding(cursor, 1, b"second")
    views.commit(cursor, next_seq=3, announced=3, findings=2, states={"a": BIG})
    for generation in (1, 2):
        made = views.claim(views.rebuild(begin=True))
        assert made.generation == generation
        views.add_places(made, DOCUMENT, [place(2)])
        views.put_finding(made, 0, b"%d" % generation)
        made = views.commit(
            made, next_seq=3, announced=3, findings=1, states={"a": b"%d" % generation}
        )
        taken = views.take_over(made)
        assert views.places(DOCUMENT) == DocumentEntries((place(2),), more=False)
        assert views.places("cd" * 32) == DocumentEntries((), more=False)
        assert views.findings(taken, [0]) == [b"%d" % generation]
        assert views.state(taken, "a") == b"%d" % generation
    with pytest.raises(LostRaceError):
        views.add_places(cursor, DOCUMENT, [place(3)])  # of a run that began two generations ago


def test_a_claim_of_rebuilt_views_does_not_write_into_live_ones(views: ViewsTable) -> None:
    """A second rebuild that runs on after the take-over writes into nothing that is read."""
    made = commit(views, views.claim(views.rebuild(begin=True)), a=b"1")
    late = views.claim(made)
    taken = views.take_over(made)
    commit(views, late, a=b"late")
    assert views.state(views.cursor(), "a") == b"1"
    moved = commit(views, views.claim(taken), a=b"2")
    with pytest.raises(LostRaceError):
        commit(views, late, a=b"later still")
    assert views.state(views.cursor(), "a") == views.state(moved, "a") == b"2"


def test_an_older_count_does_not_replace_a_newer(views: ViewsTable) -> None:
    """A digest never returns to the counts of a slower run."""
    assert views.gaps() is None
    older = views.claim(views.cursor())
    newer = views.claim(older)
    views.put_gaps(newer, Gaps(7, {"ehr": 2}, 1, (5,)))
    views.put_gaps(older, Gaps(3))
    assert views.gaps() == Gaps(7, {"ehr": 2}, 1, (5,))


IMPOSSIBLE_GAPS = (
    Gaps(-1),
    Gaps(7, {"ehr": -2}),
    Gaps(7, {"ehr": 0}),
    Gaps(0, {"ehr": 2}),
    Gaps(7, {}, -1),
    Gaps(0, {}, 1, (5,)),
)


def test_impossible_counts_are_an_error(views: ViewsTable) -> None:
    """Otherwise a digest would contain them that no reader accepts."""
    cursor = views.cursor()
    for gaps in IMPOSSIBLE_GAPS:
        cursor = views.claim(cursor)
        views.put_gaps(cursor, gaps)
        with pytest.raises(FormatError):
            views.gaps()
