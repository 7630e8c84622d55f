"""`ledger doctor`: the checks are beside the settings, in the checkout that is deployed from."""

import subprocess
import sys
from pathlib import Path

import click

from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.exit_codes import UsageError

CHECKOUT = Path(__file__).resolve().parents[4]


@click.command("doctor", cls=LedgerCommand)
@click.option("--stage", type=click.Choice(["dev", "prod"]), required=True)
@click.option("--try-keys", is_flag=True, help="Make a KMS key of each spec, and delete it.")
@click.option("--json", "as_json", is_flag=True, help="Report to standard output as JSON.")
def command(stage: str, try_keys: bool, as_json: bool) -> int:
    """Check whether cdk.json can be deployed into an AWS account, before you deploy.

    It reads, and changes nothing but with --try-keys. It runs in a checkout, with your credentials.

    Exit codes: 0 nothing stands in the way, 1 something does, 2 usage, 3 something is not known.
    """
    return run_doctor(stage, try_keys=try_keys, as_json=as_json)


def run_doctor(stage: str, *, try_keys: bool, as_json: bool, checkout: Path = CHECKOUT) -> int:
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
