"""`make bench`: print figures and ratios, and leave them in build/bench.json (flat)."""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import million
from tests.bench.cost import cost_figures
from tests.bench.reads import read_figures
from tests.bench.starts import start_figures

BUILD = Path("build")
GOALS = {
    "sequencing_us_per_entry": "at most 5",
    "ingest_us_per_event": "at most 120",
    "verify_entries_per_second": "at least 400,000",
    "verify_peak_mb": "at most 300",
    "ingest_import_cpu_ms": "at most 300",
    "sequencer_import_ratio": "at most 1.5",
    "uncompiled_import_ratio": "what compiling saves",
    "cost_per_million_usd": "at most 4.00",
    "page_by_patient_cpu_ms": "at most 60",
}


def main() -> None:
    """Run all of it, or what `--only` names."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--only", choices=["core", "starts", "verify", "cost", "reads"], action="append"
    )
    parser.add_argument("--keep", action="store_true", help="keep the ledger of a million entries")
    arguments = parser.parse_args()
    console = Console(stderr=True)
    figures: dict[str, float] = {}
    parts: dict[str, Callable[[], dict[str, float]]] = {
        "core": core_figures,
        "starts": lambda: start_figures((BUILD / "bench" / "bundles").absolute()),
        "verify": lambda: verify_figures(keep=arguments.keep),
        "cost": cost_figures,
        "reads": read_figures,
    }
    for name, part in parts.items():
        if not arguments.only or name in arguments.only:
            with console.status(f"measuring: {name}"):
                figures |= part()
    BUILD.mkdir(exist_ok=True)
    rounded = {name: round(value, 3) for name, value in figures.items()}
    (BUILD / "bench.json").write_text(json.dumps(rounded, indent=1) + "\n")
    table = Table("figure", "measured", "goal")
    for name, value in rounded.items():
        table.add_row(name, f"{value:,.3f}".rstrip("0").rstrip("."), GOALS.get(name, ""))
    Console().print(table)


def core_figures() -> dict[str, float]:
    """CPU time of the ledger's own work, in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.core"]
    ran = subprocess.run(command, check=True, capture_output=True)
    figures: dict[str, float] = json.loads(ran.stdout)
    return figures


def verify_figures(*, keep: bool) -> dict[str, float]:
    """Verifying a million entries from plain files."""
    folder = BUILD / "bench" / "million"
    policy = folder.with_suffix(".policy")
    if not policy.exists():
        shutil.rmtree(folder, ignore_errors=True)
        million.make_ledger(folder)
    figures = million.verify_figures(folder, policy)
    if not keep:
        policy.unlink()
        shutil.rmtree(folder)
    return figures


main()
