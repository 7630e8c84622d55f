"""What a million events cost at list price, counted at 1, 5, 100 and 1,000 single posts a second.

One ledger, second by second: posts of one FHIR AuditEvent each, then one sequencer batch of what
the event source mapping gathers in a second; at the end of the minute, the publisher and, once it
announced its digest, the follower.
Before it, seconds that are not counted warm everything up: what a container reads once, and most
patients' first event of the year. Tokens of the portal's limit are leased by the clock of these
seconds, in one container; each further one leases for itself. Calls, items and payloads are those
of the real functions under the deployed templates. API Gateway, Lambda and logs come on top: see
`all_in`. Not in it: storage, transfer, what is there without events (docs/deployment.md). A receive
is taken to be full (ten messages), as where messages wait.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from unittest import mock

from rich import box
from rich.console import Console
from rich.table import Table

import audit_ledger.limits
from infra.demo.hospital import (
    Submission,
    clinical_events,
    submissions_of,
    world_of,
)
from infra.demo.moto_speedups import speed_up_moto
from infra.demo.templates import cloud_assembly
from infra.local.api_gateway.http_event import HttpRequest
from infra.local.api_gateway.http_server import HttpApi
from infra.local.aws.calls import Call, observing
from infra.local.cloud import REGION, LocalCloud, LocalLedger, local_cloud
from infra.local.cost.dynamodb_units import write_units
from infra.local.cost.list_prices import MILLION, USD
from infra.local.cost.meter import Usage
from infra.local.lambda_runtime.function_log import metric_sums
from infra.local.lambda_runtime.sqs_event_source import QueuePump
from tests.bench.all_in import all_in, taken

LEDGER = "st-elsewhere"
LIMITS_TABLE = "audit-ledger-dev-limits"
POSTS_A_SECOND = 100
WARM_SECONDS = 20
SECONDS_AT = {1: 120, 5: 60, POSTS_A_SECOND: 60, 1_000: 3}
"""How long is counted, by posts a second. At 1,000, three seconds carry a whole publication."""

PUBLISH_SECONDS = 60
RATE_COLUMNS = ("events a second", "AWS calls", "API Gateway", "Lambda", "logs", "in all")
DAY_EVENTS = 16_000  # of which three in four are AuditEvents
SEED = 1
_RECORDED = re.compile(rb'("recorded": *")(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?)')


def cost_figures() -> dict[str, float]:
    """Count at each rate, print the split by function and unit at the middle one; give figures."""
    speed_up_moto()
    assembly, _ = cloud_assembly()
    warming, later, single_entries = _posts()
    figures: dict[str, float] = {}
    title = "USD a million events, each sent singly"
    table = Table(*RATE_COLUMNS, title=title, box=box.SIMPLE_HEAD)
    clock = Clock()
    with clock.of_limits(), local_cloud(assembly) as cloud:
        simulated = Simulated(cloud, cloud.ledger(LEDGER), clock)
        simulated.pass_by(warming, POSTS_A_SECOND)
        for rate, seconds in SECONDS_AT.items():
            counted, later = later[: rate * seconds], later[rate * seconds :]
            priced = simulated.priced(counted, rate)
            whole = sum(priced.values())
            table.add_row(f"{rate:,}", *(f"{usd:.2f}" for usd in (*priced.values(), whole)))
            suffix = "" if rate == POSTS_A_SECOND else f"_at_{rate}"
            figures[f"cost_per_million_usd{suffix}"] = priced["AWS calls"]
            figures[f"cost_all_in_per_million_usd{suffix}"] = whole
            leased = simulated.units_by_table[LIMITS_TABLE] / len(counted)
            figures[f"limits_write_units_per_event{suffix}"] = leased
        batch = simulated.calls_of_a_batch(single_entries)
        figures["aws_calls_per_batch"] = float(sum(batch.values()))
        figures |= {f"aws_calls_per_batch_{_snake(name)}": float(n) for name, n in batch.items()}
        log = cloud.runner.log_of(simulated.ledger.sequencer)
        figures["lost_races"] = float(metric_sums(log.lines)["LostRaces"])
    Console(stderr=True, width=100).print(table)
    return figures


@dataclass
class Clock:
    """The time of the seconds that pass, in microseconds since 1970."""

    now: float = field(default_factory=lambda: datetime.now(UTC).timestamp() * 1_000_000)

    @contextmanager
    def of_limits(self) -> Iterator[None]:
        """Let functions that start within the block lease and spend tokens by this clock."""
        limits = audit_ledger.limits.Limits

        def by_this(buckets: Any, _: Any, count_unchecked: Any) -> audit_ledger.limits.Limits:
            return limits(buckets, lambda: int(self.now), count_unchecked)

        with mock.patch.object(audit_ledger.limits, "Limits", by_this):
            yield


@dataclass
class Simulated:
    """One ledger in a deployed app, driven second by second."""

    cloud: LocalCloud
    ledger: LocalLedger
    clock: Clock
    units_by_table: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Write units while tables were watched, those of a table's indexes included."""

    def __post_init__(self) -> None:
        """Take API and queue by themselves: nothing happens until the benchmark starts it."""
        (mapping,) = (m for m in self.cloud.deployment.mappings if m.queue == self.ledger.queue)
        self._pump = QueuePump(mapping, self.cloud.runner, REGION)
        keys = self.cloud.tokens.issuer.public_keys
        self._api = HttpApi(self.cloud.deployment, self.cloud.runner, keys)

    def priced(self, posts: Sequence[Submission], rate: int) -> dict[str, float]:
        """Let these posts pass by at a rate; give US dollars a million events, by what is paid."""
        cloud = self.cloud
        self.units_by_table.clear()
        with self.watching_tables():
            before, taken_before = cloud.meter.snapshot(), taken(cloud.runner)
            requests = self.pass_by(posts, rate)
            used = cloud.meter.snapshot() - before
        if rate == POSTS_A_SECOND:
            _print_split(used, self.units_by_table, len(posts))
        now, calls = taken(cloud.runner), used.calls_by_caller
        beside = all_in(cloud.deployment, taken_before, now, calls, requests)
        paid = (used.cost_usd(), beside.api_usd, beside.lambda_usd, beside.logs_usd)
        million = MILLION / len(posts)
        return {name: usd * million for name, usd in zip(RATE_COLUMNS[1:5], paid, strict=True)}

    def pass_by(self, posts: Sequence[Submission], rate: int) -> Counter[int]:
        """Let seconds pass: each its posts and one batch; each minute, and at the end, a digest.

        Gives the API's requests by their size.
        """
        seconds = range(0, len(posts), rate)
        for second, start in enumerate(seconds, 1):
            self._accept(posts[start : start + rate], rate)
            self._sequence(min(rate, len(posts) - start))
            if second % PUBLISH_SECONDS == 0 or second == len(seconds):
                self._publish()
        return Counter(len(post.body) for post in posts)

    def _publish(self) -> None:
        self.cloud.publish(self.ledger.id)
        delivered = self.cloud.bus.drain()  # the digest starts the follower
        if not delivered or not all(delivery.error is None for delivery in delivered):
            raise SystemExit("cost: the follower did not run")

    def calls_of_a_batch(self, posts: Sequence[Submission]) -> dict[str, int]:
        """Count the sequencer's calls, by operation, for one batch of these posts."""
        self._accept(posts, POSTS_A_SECOND)
        before = self.cloud.meter.snapshot()
        self._sequence(len(posts))
        used = self.cloud.meter.snapshot() - before
        return {name: n for (_, name), n in used.calls(self.ledger.sequencer).items()}

    @contextmanager
    def watching_tables(self) -> Iterator[None]:
        """Tell write units apart by table within the block."""

        def record_call(call: Call) -> None:
            if call.caller is not None and call.service == "dynamodb":
                for table in _tables(call.parameters):
                    self.units_by_table[table] += write_units(call, REGION)

        with observing(record_call):
            yield

    def _accept(self, posts: Sequence[Submission], rate: int) -> None:
        token = self.cloud.tokens.portal(self.ledger.id, posts[0].portal)
        for post in posts:
            self.clock.now += 1_000_000 / rate
            headers = {**post.headers, "authorization": f"Bearer {token}"}
            body = _RECORDED.sub(_now, post.body)  # portals send what happens now
            answer = self._api.answer(HttpRequest("POST", post.path, tuple(headers.items()), body))
            if answer.status != 201:
                raise SystemExit(f"cost: POST {post.path} returned {answer.status}")

    def _sequence(self, messages: int) -> None:
        batch = self._pump.deliver()
        if batch is None or batch.failed or len(batch.messages) != messages:
            raise SystemExit("cost: not every post of a second became part of its batch")


def _tables(request: Mapping[str, Any]) -> set[str]:
    """Return the tables that a call names; every call here writes into one of them at most."""
    parts = [part for item in request.get("TransactItems", ()) for part in item.values()]
    named = {part["TableName"] for part in (*parts, request) if "TableName" in part}
    return named | set(request.get("RequestItems", ()))


def _posts() -> tuple[list[Submission], list[Submission], list[Submission]]:
    """Invent a hospital's AuditEvents of today, sent singly; of the last, each is one entry."""
    world = world_of(SEED, DAY_EVENTS, datetime.now(UTC).date())
    audit_events = (
        replace(event, system="app")  # the app's way to send: one by one
        for event in clinical_events(world, SEED, DAY_EVENTS)
        if event.system != "lab"
    )
    posts = list(submissions_of(audit_events, SEED, resent_per_mille=0))
    warm = WARM_SECONDS * POSTS_A_SECOND
    end = warm + sum(rate * seconds for rate, seconds in SECONDS_AT.items())
    last = [post for post in posts[end:] if post.new_entries == 1][:POSTS_A_SECOND]
    return posts[:warm], posts[warm:end], last


def _now(recorded: re.Match[bytes]) -> bytes:
    """Return this instant, spelled as long as the one that it replaces."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
    return recorded[1] + now[: len(recorded[2])].encode()


def _print_split(used: Usage, units_by_table: dict[str, int], events: int) -> None:
    """Show where the money goes: by service; by function and unit; write units by table."""

    def cost(unit: str, amount: float) -> str:
        return f"{amount * USD[unit] / events * MILLION:.3f}"

    table = Table("", "", "each event", "USD a million events", box=box.SIMPLE_HEAD)
    for service, usd in used.cost_by_service_usd().items():
        table.add_row(service, "in all", "", f"{usd / events * MILLION:.3f}", style="bold")
    by_caller = used.units_by_caller.items()
    for (caller, unit), amount in sorted(by_caller, key=lambda item: -item[1] * USD[item[0][1]]):
        table.add_row(_short(caller), unit, f"{amount / events:.4f}", cost(unit, amount))
    for name, amount in units_by_table.items():
        written = cost("dynamodb.write_units", amount)
        table.add_row(f"table {_short(name)}", "write units", f"{amount / events:.4f}", written)
    Console(stderr=True, width=100).print(table)


def _short(name: str) -> str:
    return re.sub("audit-ledger-[a-z]+-", "", name)


def _snake(operation: str) -> str:
    """`BatchGetItem` → `batch_get_item`."""
    return re.sub("(?<!^)([A-Z])", r"_\1", operation).lower()
