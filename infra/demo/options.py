"""The command line of the demo."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.synth import REPOSITORY

EVENTS = 5_000
MIN_EVENTS = 50
SEED = 1
BUILD = REPOSITORY / "build" / "demo"


@dataclass(frozen=True)
class Options:
    """What to invent, and the folder to leave it in."""

    events: int = EVENTS
    seed: int = SEED
    build: Path = BUILD

    def published(self, ledger_id: str) -> Path:
        """Folder of the plain files that a ledger published."""
        return self.build / "published" / ledger_id

    def policy(self, ledger_id: str) -> Path:
        """A ledger's policy file."""
        return self.build / f"{ledger_id}.policy"

    def receipt(self, ledger_id: str) -> Path:
        """The proof of one entry of a ledger, a C2SP tlog-proof."""
        return self.build / "receipts" / f"{ledger_id}.tlog-proof"

    def record(self, ledger_id: str) -> Path:
        """What that entry commits to, as its holder keeps it."""
        return self.build / "receipts" / f"{ledger_id}.record.json"

    def tampered(self, ledger_id: str) -> Path:
        """Folder of the copy that is tampered with."""
        return self.build / "tampered" / ledger_id


def read_options(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; SystemExit with status 2 for a wrong one."""
    parser = argparse.ArgumentParser(
        prog="make demo",
        description="A hospital's day through two local ledgers to digests that anyone can verify.",
        epilog='With make, options go in DEMO: make demo DEMO="--events 1000"',
    )
    parser.add_argument(
        "--events", type=_events, default=EVENTS, help=f"how many happen that day ({EVENTS:,})"
    )
    parser.add_argument("--seed", type=int, default=SEED, help=f"another day ({SEED})")
    parser.add_argument("--build", type=Path, default=BUILD, help="where to leave files")
    given = parser.parse_args(arguments)
    return Options(given.events, given.seed, given.build.resolve())


def _events(text: str) -> int:
    """Read a number of events; so few that a ledger could stay empty make no demo."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < MIN_EVENTS:
        raise argparse.ArgumentTypeError(f"{text}: expected a number, {MIN_EVENTS} at least")
    return number
