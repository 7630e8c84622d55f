"""docs/deployment.md states what the templates contain."""

import json
import re

import msgspec
import pytest

from infra.settings import Ledger, Portal, Settings
from tests.conftest import REPOSITORY
from tests.infra.assembly import LEDGERS, Assembly

DOCUMENT = (REPOSITORY / "docs" / "deployment.md").read_text()


def section(title: str) -> str:
    """The text under a heading."""
    return DOCUMENT.split(f"## {title}\n")[1].split("\n## ")[0]


def test_every_setting_is_explained() -> None:
    """By its name in cdk.json."""
    explained = set(re.findall(r"`([^`]+)`", section("1. Declare what you want")))
    wanted = {field.name for field in msgspec.structs.fields(Settings)} - {"stage", "ledgers"}
    wanted |= {f"ledgers[].{f.name}" for f in msgspec.structs.fields(Ledger)} - {
        "ledgers[].portals"
    }
    wanted |= {f"ledgers[].portals[].{f.name}" for f in msgspec.structs.fields(Portal)}
    assert wanted <= explained


def test_every_output_is_there(dev: Assembly) -> None:
    """And none that a person needs is left out."""
    rows = re.findall(r"^\| (\S+) \| (`.+?) \|", section("2. Deploy"), re.MULTILINE)
    documented: dict[str, set[str]] = {}
    for stack, names in rows:
        documented.setdefault(stack, set()).update(re.findall(r"`([^`]+)`", names))
    for stack in ("api", "buckets", "bus", "delivery", "operations"):
        named = ("Client", "Public", "Exports")
        there = {name for name in dev.outputs(stack) if not name.startswith(named)}
        assert documented[stack] - {"Client…", "Public…"} == there
    for ledger in LEDGERS:
        assert documented["ledger-…"] == set(dev.outputs(f"ledger-{ledger}"))


def test_counts_behind_the_costs_are_the_templates(dev: Assembly) -> None:
    """Keys and metrics that alarms look at, shared and per ledger."""
    costs = section("What it costs, and who pays")

    def count(kind: str, weight: str) -> tuple[int, int]:
        shared = per_ledger = 0
        for resource in dev.resources(kind):
            metrics = [m for m in resource.properties.get(weight, []) if "MetricStat" in m]
            if resource.stack.endswith("-ledger-st-elsewhere"):
                per_ledger += len(metrics) or 1
            elif "-ledger-riverside" not in resource.stack:
                shared += len(metrics) or 1
        return shared, per_ledger

    assert "KMS keys ({}; {} a ledger)".format(*count("AWS::KMS::Key", "")) in costs
    assert "alarms ({} metrics; {} a ledger)".format(
        *count("AWS::CloudWatch::Alarm", "Metrics")
    ) in (costs)
    per_ledger_metrics = 0
    for function in ("sequencer", "publisher"):
        handler = (REPOSITORY / "functions" / function / "handler.py").read_text()
        per_ledger_metrics += len(
            set(re.findall(r'add_metric\("(\w+)"', handler)) - {"Frozen", "UnfinishedBatches"}
        )
    shared = 0
    for function in ("ingest", "query"):
        handler = (REPOSITORY / "functions" / function / "handler.py").read_text()
        shared += len(set(re.findall(r'add_metric\("(\w+)"', handler)))
        assert handler.count('add_metric(f"Answers{') == 1
        shared += len(("Answers2xx", "Answers4xx", "Answers5xx"))
    handler = (REPOSITORY / "functions" / "follower" / "handler.py").read_text()
    shared += len(set(re.findall(r'\("(\w+)", (?:len\(result|result|MetricUnit)\b', handler)))
    assert f"our own metrics ({shared}; {per_ledger_metrics} a ledger)" in costs


def test_snapstart_costs_what_its_functions_memory_costs(dev: Assembly) -> None:
    """A snapshot is stored all month: $0.0000015046 a GB and second."""
    megabytes = {
        r.properties["FunctionName"].rpartition("-")[2]: r.properties["MemorySize"]
        for r in dev.resources("AWS::Lambda::Function")
        if "SnapStart" in r.properties
    }
    ingest, query = megabytes.pop("ingest") / 1024, megabytes.pop("query") / 1024
    assert not megabytes
    cost = (ingest + query) * 30 * 86_400 * 0.0000015046
    row = f"| SnapStart of ingest ({ingest:g} GB) and query ({query:.2f} GB) | {cost:.2f} |"
    assert row in section("What it costs, and who pays")


@pytest.mark.parametrize("column", [1, 2, 3])
def test_the_costs_add_up(column: int) -> None:
    """Column by column."""
    rows = [
        [cell.strip(" *") for cell in line.strip("|").split("|")]
        for line in section("What it costs, and who pays").split("\n\n")[1].splitlines()
    ]
    figures = [float(row[column] or 0) for row in rows[2:]]
    assert sum(figures[:-1]) == pytest.approx(figures[-1])


def rows_of_events() -> dict[int, list[float]]:
    """The table of what a million events cost: by rate, the figures of its columns."""
    found = {}
    for line in section("What it costs, and who pays").splitlines():
        cells = [cell.strip(" *").replace(",", "") for cell in line.strip("|").split("|")]
        if len(cells) == 7 and cells[0].isdecimal():
            found[int(cells[0])] = [float(cell) for cell in cells[1:]]
    return found


def test_the_cost_of_events_adds_up_and_is_what_the_readme_says() -> None:
    """Whole dollars there; a month has 30 days."""
    rows = rows_of_events()
    assert list(rows) == [1, 5, 100, 1000]
    for rate, (*parts, whole, month) in rows.items():
        assert sum(parts) == pytest.approx(whole)
        assert whole * rate * 30 * 86_400 / 1_000_000 == pytest.approx(month, rel=0.01)
    readme = (REPOSITORY / "README.md").read_text()
    (three,) = re.findall(
        r"about\s+\$(\d+); at 5 events a second \$(\d+), at one \$(\d+)\.", readme
    )
    assert [int(n) for n in three] == [round(rows[rate][4]) for rate in (100, 5, 1)]
    (idle,) = re.findall(r"\| \*\*sum\*\* \| \*\*([\d.]+)\*\* \| \*\*([\d.]+)\*\*", DOCUMENT)
    said = re.findall(
        r"A stage costs \$(\d+) a month.*?one\s+portal and one reader \$(\d+)", readme, re.S
    )
    assert [tuple(str(round(float(n))) for n in idle)] == said


def test_reserved_concurrency_is_what_prod_reserves(prod: Assembly) -> None:
    """For the stage and for a ledger."""
    reserved = {
        r.properties["FunctionName"]: r.properties["ReservedConcurrentExecutions"]
        for r in prod.resources("AWS::Lambda::Function")
    }
    per_ledger = sum(n for name, n in reserved.items() if "-st-elsewhere-" in name)
    shared = sum(reserved.values()) - per_ledger * len(LEDGERS)
    assert f"{shared} for the stage and {per_ledger} a ledger" in DOCUMENT


def test_alarm_names_end_as_the_table_says(dev: Assembly) -> None:
    """Every alarm has its line."""
    documented = re.findall(r"`([-_][a-z-]+)`", section("When an alarm comes"))
    for alarm in dev.resources("AWS::CloudWatch::Alarm"):
        name = alarm.properties["AlarmName"]
        assert any(name.endswith(end) for end in documented), name


def test_the_cdk_command_has_one_version() -> None:
    """Here and wherever else it is named."""
    texts = [DOCUMENT, (REPOSITORY / "infra" / "app.py").read_text()]
    versions = {v for text in texts for v in re.findall(r"aws-cdk@([\d.]+)", text)}
    assert len(versions) == 1


def test_the_retention_of_stages_is_documented(dev: Assembly, prod: Assembly) -> None:
    """Days of logs."""
    table = section("1. Declare what you want")
    retained = [
        {r.properties["RetentionInDays"] for r in stage.resources("AWS::Logs::LogGroup")}
        for stage in (dev, prod)
    ]
    assert [len(days) for days in retained] == [1, 1]
    assert f"| logs | {retained[0].pop()} days | {retained[1].pop()} days |" in table


def test_the_permission_for_portals_is_json() -> None:
    """As it can be pasted."""
    statement = re.search(r'^\{"Effect".*\}$', DOCUMENT, re.MULTILINE)
    assert statement is not None
    assert json.loads(statement[0])["Action"] == "events:PutEvents"
