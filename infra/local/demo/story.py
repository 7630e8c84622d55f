"""The demo from beginning to end."""

import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from audit_ledger.cli.exit_codes import FAILED, VERIFIED
from infra.local.cloud import local_cloud
from infra.local.demo.checks import faults
from infra.local.demo.day import Day
from infra.local.demo.figures import figures_of, total_of
from infra.local.demo.ledger_command import ledger_verify, short
from infra.local.demo.narrator import Narrator
from infra.local.demo.options import Options
from infra.local.demo.posting import portals_of
from infra.local.demo.quick_moto import quicken_moto
from infra.local.demo.tampering import flip_a_byte
from infra.local.demo.templates import cloud_assembly
from infra.local.hospital import ST_ELSEWHERE, hospital_day


def tell(options: Options, console: Console) -> bool:
    """Run the demo and say what happens; give whether everything held.

    Raises SettingsError, RuntimeError, OSError and LedgerError where it cannot go on.
    """
    say = Narrator(console)
    say.title()
    _remove_what_earlier_runs_left(options.build)

    # 1. The templates that `cdk deploy` would send to AWS.
    say.heading("Deploy the CDK app into an AWS that is emulated in this process")
    begun = time.monotonic()
    quicken_moto()
    assembly, is_new = cloud_assembly()
    with (
        (options.build / "functions.log").open("w") as log,
        local_cloud(assembly, log_to=log) as cloud,
    ):
        ready = time.monotonic()
        say.deployed(cloud, is_new, ready - begun)

        # 2. Portals post; queues, sequencers and publishers do what they do on AWS. Events carry
        # today's date: the ledger flags what happened long before it was sent.
        say.heading("Send a day's events over HTTP; meanwhile they are chained and published")
        today = datetime.now(UTC).date()
        submissions = list(hospital_day(options.seed, options.events, ST_ELSEWHERE, day=today))
        say.sending(submissions, cloud)
        with portals_of(cloud) as portals:
            day = Day(cloud, portals, options.published)
            say.day(day, submissions)
        for ledger_id in cloud.ledgers:
            options.policy(ledger_id).write_bytes(cloud.policy(ledger_id))
        ledgers = [
            figures_of(cloud, portals, ledger, options.published(ledger.id))
            for ledger in cloud.ledgers.values()
        ]
        total = total_of(ledgers, cloud.meter.snapshot())
        wrong = list(faults(submissions, ledgers, cloud, day.batches))
        say.counted(total, submissions)

    # 3. The emulated AWS is gone. What is left are plain files.
    say.heading("Verify the published files as a stranger would: no account, no secret")
    for ledger in ledgers:
        verification = ledger_verify(options.published(ledger.name), options.policy(ledger.name))
        say.verification(verification)
        if verification.exit_code != VERIFIED:
            wrong.append(f"{ledger.name}: not verified, exit {verification.exit_code}")

    # 4. One bit of a copy.
    victim = ledgers[0].name
    copy = options.tampered(victim)
    say.heading("Tamper with a copy, and verify that")
    tampered = flip_a_byte(options.published(victim), copy)
    say.line(
        f"One byte of {short(copy / tampered.path)} is changed: entry {tampered.entry:,} "
        f"now says {tampered.after}, and not {tampered.before}."
    )
    verification = ledger_verify(copy, options.policy(victim))
    say.verification(verification)
    if verification.exit_code != FAILED or tampered.path not in verification.report:
        wrong.append(f"{victim}: the changed byte of {tampered.path} was not found")

    say.tables(ledgers, total)
    say.end(wrong, time.monotonic() - ready)
    return not wrong


def _remove_what_earlier_runs_left(build: Path) -> None:
    build.mkdir(parents=True, exist_ok=True)
    for folder in ("published", "tampered"):
        shutil.rmtree(build / folder, ignore_errors=True)
    for policy in build.glob("*.policy"):
        policy.unlink()
