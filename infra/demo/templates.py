"""The synthesized app of the demo's hospital, stored between runs: synthesis takes seconds."""

import hashlib
import json
import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from infra.demo.hospital import ST_ELSEWHERE
from infra.synth import REPOSITORY, synthesize

CACHE = REPOSITORY / "build" / "assembly"
UNFINISHED = "unfinished-"  # of a run that may still be at it
DOMAIN = "audit.example.org"
PUBLIC = frozenset({"st-elsewhere"})

# The demo's hospital, instead of the ledgers of cdk.json.
SETTINGS: dict[str, Any] = {
    "domain": DOMAIN,
    "account": None,
    "region": None,
    "certificate": None,
    "tokens": {},
    "stages": {},
    "ledgers": [
        {
            "id": ledger_id,
            "public": ledger_id in PUBLIC,
            "portals": [{"id": portal_id, **setting} for portal_id, setting in portals.items()],
        }
        for ledger_id, portals in ST_ELSEWHERE.ledgers.items()
    ],
}


def cloud_assembly(cache: Path = CACHE) -> tuple[Path, bool]:
    """Return the cloud assembly, and whether it was synthesized just now.

    It is stored in the folder `cache`, under a hash of its sources; older ones are removed.
    Raises SettingsError, RuntimeError: see `synthesize`.
    """
    assembly = cache / _made_of()
    if (assembly / "manifest.json").is_file():
        return assembly, False
    cache.mkdir(parents=True, exist_ok=True)
    older = [folder for folder in cache.iterdir() if not folder.name.startswith(UNFINISHED)]
    unfinished = Path(mkdtemp(dir=cache, prefix=UNFINISHED))
    synthesize(unfinished, settings=SETTINGS)
    for folder in older:
        shutil.rmtree(folder, ignore_errors=True)
    try:
        unfinished.rename(assembly)
    except OSError:
        if not (assembly / "manifest.json").is_file():
            raise
        shutil.rmtree(unfinished)  # another run made the same one meanwhile
    return assembly, True


# What determines the templates, beside `infra/*.py`.
PARTS_OF_THE_APP = (
    *(f"infra/{folder}" for folder in ("assets", "constructs", "iam", "settings", "stacks")),
    "shared/audit_ledger/http",
    "shared/audit_ledger/settings",
)


def _made_of() -> str:
    """Hash the settings, the CDK app and the versions it runs with (16 hex digits)."""
    files = [
        *REPOSITORY.glob("infra/*.py"),
        *(file for folder in PARTS_OF_THE_APP for file in REPOSITORY.glob(f"{folder}/*.py")),
        *map(REPOSITORY.joinpath, ("cdk.json", "requirements.txt")),
    ]
    made_of = hashlib.sha256(json.dumps(SETTINGS).encode())
    for file in sorted(files):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        made_of.update(f"\n{file.relative_to(REPOSITORY)} {content}".encode())
    return made_of.hexdigest()[:16]
