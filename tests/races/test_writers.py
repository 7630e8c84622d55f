"""Writers, publishers and a DynamoDB server that run at once, scheduled by the operating system.

Short forms of tests/races/long_form.py, with the same assertions.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from threading import Event

import pytest

from tests.dynamodb_server.served_world import served_world
from tests.dynamodb_server.server import DynamoDBServer
from tests.races.keys import sequencer_key
from tests.races.published_recount import check_published
from tests.races.race import accepted_by, publisher
from tests.races.recount import Recount
from tests.races.scheduler import Scheduler, install_scheduler
from tests.races.writers import (
    Tally,
    Together,
    deliveries,
    publish_until,
    sent_by_portals,
    write,
    writer,
)
from tests.world import World


@pytest.fixture
def served(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    dynamodb_program: Path,
    tmp_path: Path,
) -> Iterator[tuple[World, DynamoDBServer]]:
    """One ledger with its tables on a server in a process of its own."""
    tables = tmp_path / "tables" if request.param == "on disk" else None
    with served_world(monkeypatch, dynamodb_program, tables) as served:
        yield served


@pytest.fixture
def scheduler(served: tuple[World, DynamoDBServer], monkeypatch: pytest.MonkeyPatch) -> Scheduler:
    """Records the signed messages; no run is stopped."""
    return install_scheduler(monkeypatch)


def now() -> int:
    return int(time.time())


@pytest.mark.parametrize(
    ("served", "writers"),
    [("in memory", 2), ("in memory", 8), ("on disk", 5)],
    indirect=["served"],
)
def test_concurrent_writers_and_publishers_store_each_event_once(
    served: tuple[World, DynamoDBServer], scheduler: Scheduler, writers: int
) -> None:
    """With redelivered and reordered batches; a zombie of each kind continues at the end."""
    world, _ = served
    dice = Random(writers)
    sent = sent_by_portals(dice, messages=30, records=8)
    key, sizes = sequencer_key(world), list[int]()
    zombie_writer, zombie_publisher = writer(key, now), publisher()
    write(zombie_writer, [sent[:1]], Tally())
    zombie_publisher.publish()
    done, publishers, together = Event(), Together(), Together()
    for _ in range(2):
        publishers.run(publish_until, done, publisher(), sizes)
    for share in deliveries(dice, sent, writers, a_batch=5):
        together.run(write, writer(key, now), share, Tally())
    try:
        together.wait()
    finally:
        done.set()
        publishers.wait()
    write(zombie_writer, [sent[-3:]], Tally())
    assert zombie_publisher.publish().digest_name == ""
    recount = Recount(world).follow()
    recount.check_events(accepted_by(sent))
    recount.check_index()
    recount.check_signed(scheduler.checkpoints())
    assert check_published(world, recount) == recount.size
    assert len(sizes) == len(set(sizes))
