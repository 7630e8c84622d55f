"""Lambda of the follower: runs after each digest, for that digest's ledger."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import msgspec
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit

from audit_ledger.aws import clients
from audit_ledger.aws.eventbridge import EventBus
from audit_ledger.aws.function_metrics import FunctionMetrics
from audit_ledger.aws.ssm_settings import SsmSettings
from audit_ledger.aws.staff_directory_objects import DirectoryFiles
from audit_ledger.aws.ttl_cache import TtlCache
from audit_ledger.aws.views_table import ViewsTable
from audit_ledger.detections.finding import PublicFinding
from audit_ledger.detections.settings import read_settings
from audit_ledger.detections.staff_directory import Directory
from audit_ledger.errors import LedgerError, LostRaceError, UnreachableError
from audit_ledger.reading.ledger import ReadableLedger, Tables, ledgers
from audit_ledger.settings.environment import FollowerEnvironment
from audit_ledger.settings.event_bus import FINDING
from functions.follower.follow import Announce, Follower, RebuildStep
from functions.follower.lag import behind_seconds
from functions.follower.run_state import FollowResult
from functions.follower.staff_directory import DirectoryReader

logger = Logger()
metrics = FunctionMetrics()

TIME_TO_COMMIT_MS = 30_000
WAIT_SECONDS = 2
MAX_LOGGED = 100  # entries of a kind; findings list all


@cache
def environment() -> FollowerEnvironment:
    """The function's environment variables, read once in each container."""
    return FollowerEnvironment.read(os.environ)


@cache
def readable() -> TtlCache[ReadableLedger]:
    """Return the container's cache of ledgers' settings and keys, which expires after minutes."""
    env = environment()
    tables = msgspec.convert(env, Tables, from_attributes=True)
    settings = SsmSettings(clients.ssm(), env.stage)
    return ledgers(env.stage, settings, clients.dynamodb(), clients.kms(), tables, time.monotonic)


def announcer(origin: str) -> Announce:
    """Return a function that announces findings on the bus, in the form without identifiers."""
    bus = EventBus(clients.events(), environment().event_bus)

    def announce(findings: Sequence[PublicFinding]) -> None:
        bus.put(FINDING, [{"origin": origin, **msgspec.to_builtins(f)} for f in findings])

    return announce


@cache
def directory_reader() -> DirectoryReader:
    """Return the container's reader, which caches the directory that it read last."""

    def report_fault(reason: str) -> None:
        logger.warning("staff directory: file cannot be read", reason=reason)
        metrics.add_metric("BadDirectory", MetricUnit.Count, 1)

    return DirectoryReader(report_fault)


def directory_of(ledger: ReadableLedger) -> Directory:
    """Return the staff directory of a ledger; an empty one if the stage has no bucket for it."""
    bucket = environment().directory_bucket
    if not bucket:
        return Directory()
    return directory_reader().read(DirectoryFiles(clients.s3(), bucket, ledger.id))


def _readable(origin: str) -> ReadableLedger:
    return readable().get(origin.rpartition("/")[2])


def _views(origin: str) -> ViewsTable:
    return ViewsTable(clients.dynamodb(), environment().views_table, origin)


def follow(
    origin: str, rebuild: RebuildStep | None, has_time: Callable[[], bool]
) -> FollowResult | None:
    """Follow a ledger as far as it is published; None if nothing is, or another run was faster."""
    ledger = _readable(origin)
    state = ledger.state.published()
    if ledger.keys is None or state is None or ledger.origin != origin:
        return None
    follower = Follower(
        ledger,
        _views(origin),
        directory_of(ledger),
        read_settings(ledger.detections),
        announcer(origin),
        lambda: int(time.time()),
        lambda: time.sleep(WAIT_SECONDS),
    )
    try:
        return follower.follow(state.size, has_time, rebuild=rebuild)
    except LostRaceError as error:
        logger.info("another follower was faster", reason=str(error))
        return None


@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Follow one ledger: `{"detail": {"origin": …}}` of a digest.

    `detail.rebuild` rebuilds its views, possibly in several runs: `"begin"`, then `"continue"`.
    Raise UnreachableError, after committing all results, if an error stopped it: Lambda retries.
    """
    origin: str = event["detail"]["origin"]

    def has_time() -> bool:
        return bool(context.get_remaining_time_in_millis() > TIME_TO_COMMIT_MS)

    try:
        return _follow_twice(origin, event["detail"].get("rebuild"), has_time)
    finally:  # also after failed or overtaken runs, so that a ledger without progress shows
        with suppress(LedgerError, *clients.AwsError):
            behind = behind_seconds(_readable(origin), _views(origin), int(time.time()))
            metrics.add_metric("BehindSeconds", MetricUnit.Seconds, behind)


def _follow_twice(
    origin: str, rebuild: RebuildStep | None, has_time: Callable[[], bool]
) -> dict[str, Any]:
    """Follow, and if a run stopped early, once more with keys that are read again."""
    result = _follow_once(origin, rebuild, has_time)
    opened_before = 0
    if result is not None and result.stopped:
        opened_before = result.opened
        readable().forget(origin.rpartition("/")[2])  # a key may have been created since
        result = _follow_once(origin, "continue" if rebuild else None, has_time)
    if result is None:
        return {"followed": opened_before}
    if result.newly_missing:
        logger.warning(
            "numbered events are missing",
            ledger=origin,
            more=result.newly_missing,
            missing=result.missing,
        )
    if result.stopped:
        raise UnreachableError(result.stopped)
    return {
        "followed": opened_before + result.opened,
        "generation": result.generation,
        "next_seq": result.next_seq,
        "size": result.size,
    }


def _follow_once(
    origin: str, rebuild: RebuildStep | None, has_time: Callable[[], bool]
) -> FollowResult | None:
    """Follow, and emit the metrics of the run; those of a handler's two runs add up."""
    result = follow(origin, rebuild, has_time)
    if result is None:
        metrics.add_metric("Followed", MetricUnit.Count, 0)
        return None
    for name, count in (
        ("Followed", result.opened),
        ("Erased", result.erased),
        ("Unopened", len(result.altered)),
        ("Unprocessed", len(result.unprocessed)),
        ("Findings", result.findings),
        ("NewlyMissing", result.newly_missing),
    ):
        metrics.add_metric(name, MetricUnit.Count, count)
    if result.altered or result.unprocessed:
        logger.error(
            "entries were skipped",
            ledger=origin,
            altered=result.altered[:MAX_LOGGED],
            unprocessed=result.unprocessed[:MAX_LOGGED],
        )
    return result
