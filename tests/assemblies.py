"""Cloud assemblies of the tests: each is synthesized once in a run, for all of its processes."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from infra.synth import synthesize

RUN_FOLDER = "AUDIT_LEDGER_TEST_RUN"
"""The environment variable with the folder that the processes of a run share."""

PORTAL_ACCOUNT = "111122223333"
LEDGERS = [
    {
        "id": "north",
        "public": False,
        "portals": [
            {"id": "ehr", "patient": {"system": "https://north.example/mrn"}},
            {"id": "bus", "patient": {"reference": True}, "account": PORTAL_ACCOUNT},
        ],
    },
    {"id": "south", "public": True, "portals": [{"id": "lab", "patient": {"reference": True}}]},
]


def run_folder() -> Path:
    """Return the folder that all processes of this run share."""
    return Path(os.environ[RUN_FOLDER])


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Let one process of the run at a time into the block of this name."""
    with (run_folder() / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def synthesized(settings: Mapping[str, Any] | None = None, **options: Any) -> Path:
    """Return the assembly of these settings and options of `synthesize`. Do not change its files.

    Raises what `synthesize` raises.
    """
    wanted = json.dumps([settings, options], sort_keys=True)
    folder = run_folder() / f"assembly-{sha256(wanted.encode()).hexdigest()[:16]}"
    with locked(folder.name):
        if not folder.is_dir():
            part = folder.with_suffix(".part")
            synthesize(part, settings=settings, **options)
            part.rename(folder)
    return folder
