"""Tables: short, and every figure counted."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from infra.demo.metrics import Figures
from infra.local.cost.list_prices import MILLION
from infra.local.cost.meter import Usage

SERVICES = {
    "dynamodb": "DynamoDB",
    "sqs": "SQS",
    "kms": "KMS",
    "s3": "S3",
    "events": "EventBridge",
    "ssm": "Systems Manager",
}
SHOWN_OPERATIONS = 3

_ROWS: tuple[tuple[str, Callable[[Figures], str]], ...] = (
    ("events", lambda f: f"{f.events:,}"),
    ("entries", lambda f: f"{f.entries:,}"),
    ("blocks", lambda f: f"{f.blocks:,}"),
    ("digests", lambda f: f"{f.digests:,}"),
    ("AWS calls", lambda f: f"{f.calls:,}"),
    ("sequencer calls a batch", lambda f: f"{f.calls_per_batch:.1f}"),
    ("lost races", lambda f: f"{f.lost_races:,}"),
    ("USD a million events", lambda f: f"{f.usd_per_million_events:.2f}"),
)


def ledgers_table(columns: Sequence[Figures]) -> Table:
    """One column a ledger, and the last for all."""
    table = Table("", box=box.SIMPLE_HEAD, pad_edge=False)
    for figures in columns:
        table.add_column(figures.name, justify="right", style="bold" * (figures is columns[-1]))
    for name, value in _ROWS:
        table.add_row(name, *(value(figures) for figures in columns))
    return table


def calls_table(used: Usage, events: int) -> Table:
    """One row a service: calls, cost, and the operations called most."""
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        caption="List prices, as counted on this short day; make bench takes 100 events a second.",
        caption_justify="left",
    )
    table.add_column("")
    for name in ("AWS calls", "USD a million events"):
        table.add_column(name, justify="right")
    table.add_column("most of them")
    calls = used.calls()
    costs = used.cost_by_service_usd()
    for service, name in SERVICES.items():
        operations = Counter({o: count for (s, o), count in calls.items() if s == service})
        if not operations:
            continue
        most = ", ".join(f"{o} {n:,}" for o, n in operations.most_common(SHOWN_OPERATIONS))
        cost = costs.get(service, 0.0) / max(1, events) * MILLION
        table.add_row(name, f"{operations.total():,}", f"{cost:.2f}", most)
    return table


def rows_table(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> Table:
    """Lay out rows of a report. `columns`: heading by key."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for key, heading in columns.items():
        numbers = all(isinstance(row[key], int) for row in rows)
        table.add_column(heading, justify="right" if numbers else "left")
    for row in rows:
        table.add_row(*("" if row[key] is None else Text(str(row[key])) for key in columns))
    return table
