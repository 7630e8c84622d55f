"""What a million events cost at list price, counted at 100 single posts a second.

A minute of one ledger, second by second: 100 posts of one FHIR AuditEvent each, then one sequencer
batch of what the event source mapping gathers in a second; at the end of the minute, the publisher
and, once it announced its digest, the follower.
Before it, seconds that are not counted warm everything up: what a container reads once, and most
patients' first event of the year. Calls, items and payloads are those of the real functions under
the deployed templates. Not in it: Lambda, storage, transfer, polling of idle queues (under a cent).
A receive is taken to be full (ten messages), as where messages wait.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from infra.local.aws_calls import Call, observing
from infra.local.cloud import REGION, LocalCloud, LocalLedger, local_cloud
from infra.local.demo.quick_moto import quicken_moto
from infra.local.demo.templates import cloud_assembly
from infra.local.dynamodb_units import write_units
from infra.local.hospital import (
    ST_ELSEWHERE,
    Submission,
    happenings_of,
    submissions_of,
    world_of,
)
from infra.local.http_event import Request
from infra.local.http_server import HttpApi
from infra.local.list_prices import MILLION, USD
from infra.local.meter import Usage
from infra.local.metrics import metric_sums
from infra.local.queue_pump import QueuePump

LEDGER = "st-elsewhere"
POSTS_A_SECOND = 100
WARM_SECONDS = 20
COUNTED_SECONDS = 60
DAY_EVENTS = 11_000  # of which three in four are AuditEvents
SEED = 1
_RECORDED = re.compile(rb'("recorded": *")(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?)')


def cost_figures() -> dict[str, float]:
    """Count, print the split by function and unit, and give the figures by name."""
    warming, counted, single_entries = _posts()
    quicken_moto()
    assembly, _ = cloud_assembly()
    with local_cloud(assembly) as cloud:
        simulated = Simulated(cloud, cloud.ledger(LEDGER))
        simulated.pass_by(warming)
        with simulated.watching_tables():
            before = cloud.meter.snapshot()
            simulated.pass_by(counted)
            used = cloud.meter.snapshot() - before
        batch = simulated.calls_of_a_batch(single_entries)
        log = cloud.runner.log_of(simulated.ledger.sequencer)
    _print_split(used, simulated.units_by_table, len(counted))
    return {
        "cost_per_million_usd": used.cost_usd() / len(counted) * MILLION,
        "aws_calls_per_batch": float(sum(batch.values())),
        **{f"aws_calls_per_batch_{_snake(name)}": float(n) for name, n in batch.items()},
        "lost_races": float(metric_sums(log.lines)["LostRaces"]),
    }


@dataclass
class Simulated:
    """One ledger in a deployed app, driven second by second."""

    cloud: LocalCloud
    ledger: LocalLedger
    units_by_table: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Write units while tables were watched, those of a table's indexes included."""

    def __post_init__(self) -> None:
        """Take API and queue by themselves: nothing happens but when it is told to."""
        (mapping,) = (m for m in self.cloud.deployment.mappings if m.queue == self.ledger.queue)
        self._pump = QueuePump(mapping, self.cloud.runner, REGION)
        keys = self.cloud.tokens.issuer.public_keys
        self._api = HttpApi(self.cloud.deployment, self.cloud.runner, keys)

    def pass_by(self, posts: Sequence[Submission]) -> None:
        """Let seconds pass: each its posts and one batch; publish and follow at the end."""
        for start in range(0, len(posts), POSTS_A_SECOND):
            self._accept(posts[start : start + POSTS_A_SECOND])
            self._sequence()
        self.cloud.publish(self.ledger.id)
        delivered = self.cloud.bus.drain()  # the digest starts the follower
        if not delivered or not all(delivery.error is None for delivery in delivered):
            raise SystemExit("cost: the follower did not run")

    def calls_of_a_batch(self, posts: Sequence[Submission]) -> dict[str, int]:
        """Count the sequencer's calls, by operation, for one batch of these posts."""
        self._accept(posts)
        before = self.cloud.meter.snapshot()
        self._sequence()
        used = self.cloud.meter.snapshot() - before
        return {name: n for (_, name), n in used.calls(self.ledger.sequencer).items()}

    @contextmanager
    def watching_tables(self) -> Iterator[None]:
        """Tell write units apart by table within the block."""

        def answered(call: Call) -> None:
            if call.caller is not None and call.service == "dynamodb":
                for table in _tables(call.parameters):
                    self.units_by_table[table] += write_units(call, REGION)

        with observing(answered):
            yield

    def _accept(self, posts: Sequence[Submission]) -> None:
        token = self.cloud.tokens.portal(self.ledger.id, posts[0].portal)
        for post in posts:
            headers = {**post.headers, "authorization": f"Bearer {token}"}
            answer = self._api.answer(Request("POST", post.path, tuple(headers.items()), post.body))
            if answer.status != 201:
                raise SystemExit(f"cost: POST {post.path} answered {answer.status}")

    def _sequence(self) -> None:
        batch = self._pump.deliver()
        if batch is None or batch.failed or len(batch.messages) != POSTS_A_SECOND:
            raise SystemExit("cost: not every post of a second became part of its batch")


def _tables(asked: Mapping[str, Any]) -> set[str]:
    """Give the tables that a call names; every call here writes into one of them at most."""
    parts = [part for item in asked.get("TransactItems", ()) for part in item.values()]
    named = {part["TableName"] for part in (*parts, asked) if "TableName" in part}
    return named | set(asked.get("RequestItems", ()))


def _posts() -> tuple[list[Submission], list[Submission], list[Submission]]:
    """Invent a hospital's AuditEvents of today, sent singly; of the last, each is one entry."""
    world = world_of(SEED, DAY_EVENTS, datetime.now(UTC).date())
    audit_events = (
        replace(happening, system="app")  # the app's way to send: one by one
        for happening in happenings_of(world, SEED, DAY_EVENTS)
        if happening.system != "lab"
    )
    posts = [
        replace(post, body=_RECORDED.sub(_now, post.body))  # portals send what happens now
        for post in submissions_of(ST_ELSEWHERE, audit_events, SEED, resent_per_mille=0)
    ]
    warm = WARM_SECONDS * POSTS_A_SECOND
    end = warm + COUNTED_SECONDS * POSTS_A_SECOND
    last = [post for post in posts[end:] if post.new_entries == 1][:POSTS_A_SECOND]
    return posts[:warm], posts[warm:end], last


def _now(recorded: re.Match[bytes]) -> bytes:
    """Give this instant, spelled as long as the one that it replaces."""
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
