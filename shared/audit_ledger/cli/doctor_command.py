"""`ledger doctor`: the checks are beside the settings, in the checkout that is deployed from."""

import subprocess
import sys
from pathlib import Path

from audit_ledger.cli.exit_codes import UsageError

CHECKOUT = Path(__file__).resolve().parents[3]


def run(stage: str, *, try_keys: bool, as_json: bool, checkout: Path = CHECKOUT) -> int:
    """Run the checks in a process of their own, with this Python; give their exit code."""
    if not (checkout / "infra" / "doctor").is_dir():
        raise UsageError(
            "doctor checks the settings of a checkout: run .venv/bin/ledger of the one whose "
            "cdk.json you deploy"
        )
    options = [*(["--try-keys"] if try_keys else []), *(["--json"] if as_json else [])]
    command = [sys.executable, "-m", "infra.doctor", "--stage", stage, *options]
    return subprocess.run(  # noqa: S603  this very Python, on the checkout's own module
        command, cwd=checkout, check=False
    ).returncode
