"""The long form: 100,000 events by eight writers on a DynamoDB server, and more interleavings.

`make soak` runs it; tests/races/test_writers.py is the short form. Writers are processes, two
publishers are threads, tables are on disk; the operating system schedules them.
"""

import os
import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from threading import Event

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from functions.publisher import handler as publishing
from tests.conftest import REPOSITORY
from tests.dynamodb_server.served_world import served_world
from tests.dynamodb_server.server import install
from tests.races.keys import sequencer_key
from tests.races.published_recount import check_published
from tests.races.race import accepted_by
from tests.races.recount import Recount
from tests.races.scheduler import install_scheduler
from tests.races.test_any_interleaving import Races
from tests.races.writers import (
    Batch,
    Tally,
    Together,
    deliveries,
    publish_until,
    sent_by_portals,
    write,
    writer,
)

EVENTS = 100_000
WRITERS = 8
RECORDS = 50  # a message
A_BATCH = 10  # messages: so 500 events, two blocks and more
SEED = 20261125
INTERLEAVINGS = 300

Progress = Callable[[str], None]
Rows = list[tuple[str, str]]


def long_form(progress: Progress) -> Rows:
    """Run both; raise on any violation. Return rows: what was tried, and the result."""
    return [*at_once(progress), *any_interleaving(progress)]


def any_interleaving(progress: Progress, examples: int = INTERLEAVINGS) -> Rows:
    """Let Hypothesis generate interleavings; check each against the model."""
    progress(f"{examples} interleavings, call by call")
    run_state_machine_as_test(
        Races,
        settings=settings(
            parent=Races.TestCase.settings, max_examples=examples, stateful_step_count=50
        ),
    )
    return [("interleavings against the model, each of up to 50 steps", f"{examples:,}")]


def at_once(progress: Progress, events: int = EVENTS, writers: int = WRITERS) -> Rows:
    """Append, publish, recount."""
    monkeypatch = pytest.MonkeyPatch()
    program = install(REPOSITORY / "build" / "dynamodb_server")
    try:
        with (
            TemporaryDirectory() as folder,
            served_world(monkeypatch, program, Path(folder) / "tables") as (world, _),
        ):
            scheduler = install_scheduler(monkeypatch)
            key = sequencer_key(world)
            dice = Random(SEED)
            sent = sent_by_portals(dice, events // RECORDS, RECORDS)
            shares = deliveries(dice, sent, writers, A_BATCH)
            progress(f"{events} events in {len(sent)} messages for {writers} writers")
            began = time.monotonic()
            results: list[int] = []
            tally = _written(key, shares, results, progress)
            seconds = time.monotonic() - began
            progress(f"written in {seconds:.0f} s, recounting")
            recount = Recount(world).follow()
            recount.check_events(accepted_by(sent))
            recount.check_index()
            recount.check_signed(scheduler.checkpoints())
            assert check_published(world, recount) == recount.size == events + 1
            assert sorted(results) == sorted(set(results)), "two digests of one size"
            return _rows(
                tally, seconds, writers, recount, len(results), len(scheduler.checkpoints())
            )
    finally:
        monkeypatch.undo()


def _written(
    key: Ed25519PrivateKey, shares: list[list[Batch]], results: list[int], progress: Progress
) -> Tally:
    """Run writers and publishers at once until all is written and published."""
    done = Event()
    publishers = Together()
    for _ in range(2):
        publishers.run(publish_until, done, publishing.publisher.__wrapped__(), results)
    tally = Tally()
    try:
        with get_context("spawn").Pool(len(shares)) as pool:
            work = [(key.private_bytes_raw(), share) for share in shares]
            for number, one in enumerate(pool.imap_unordered(_write_share, work), 1):
                tally.merge(one)
                progress(f"{number} of {len(shares)} writers done")
    finally:
        done.set()
        publishers.wait()
    return tally


def _write_share(work: tuple[bytes, list[Batch]]) -> Tally:
    """Run one writer in a process of its own; the environment names the server."""
    assert os.environ["AWS_ENDPOINT_URL_DYNAMODB"].startswith("http://127.0.0.1:")
    private_key, share = work
    tally = Tally()
    key = Ed25519PrivateKey.from_private_bytes(private_key)
    write(writer(key, lambda: int(time.time())), share, tally)
    return tally


def _rows(
    tally: Tally, seconds: float, writers: int, recount: Recount, digests: int, signed: int
) -> Rows:
    conflicts = sum(event.is_conflict for event in recount.events)
    return [
        ("events accepted, each in the ledger exactly once", f"{len(recount.events):,}"),
        ("writers at once, each a process", str(writers)),
        (
            "deliveries of batches, among them redelivered and reordered ones",
            f"{tally.deliveries:,}",
        ),
        ("records left out as known already", f"{tally.duplicates:,}"),
        ("stored as conflicts: other content under a known id", f"{conflicts:,}"),
        ("blocks, each linked to the one before it", f"{len(recount.archived):,}"),
        ("races lost, and run again", f"{tally.lost_races:,}"),
        ("digests published by two publishers at once, one chain", f"{digests:,}"),
        ("checkpoints signed, none of which disagrees with the recount", f"{signed:,}"),
        ("seconds to write and publish on this machine", f"{seconds:.0f}"),
    ]


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    for what, result in at_once(print, *numbers) if numbers else long_form(print):
        print(f"{what}: {result}")
