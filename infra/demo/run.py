"""The demo from beginning to end."""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console

from audit_ledger.cli.exit_codes import FAILED, VERIFIED
from infra.demo.checks import answer_faults, faults
from infra.demo.console_output import DemoOutput
from infra.demo.day import Day
from infra.demo.expectations import SEEDED, expected_of
from infra.demo.hospital import hospital_day
from infra.demo.ledger_command import (
    ledger_receipt_verify,
    ledger_verify,
    short,
)
from infra.demo.metrics import figures_of, total_of
from infra.demo.moto_speedups import speed_up_moto
from infra.demo.options import Options
from infra.demo.posting import Portals
from infra.demo.queries import first_event, run_queries, save_receipt
from infra.demo.tampering import flip_a_byte
from infra.demo.templates import cloud_assembly
from infra.local.cloud import local_cloud

COMMITS = "it commits to this record"  # in the output of `ledger receipt verify`


def run_demo(options: Options, console: Console) -> bool:
    """Run the demo and print its progress; return whether all checks passed.

    Raises SettingsError, RuntimeError, OSError and LedgerError where it cannot go on.
    """
    output = DemoOutput(console)
    output.title()
    _remove_what_earlier_runs_left(options.build)

    # 1. The templates that `cdk deploy` would send to AWS.
    output.heading("Deploy the CDK app into an AWS that is emulated in this process")
    begun = time.monotonic()
    speed_up_moto()
    assembly, is_new = cloud_assembly()
    with (
        (options.build / "functions.log").open("w") as log,
        local_cloud(assembly, log_to=log) as cloud,
    ):
        ready = time.monotonic()
        output.deployed(cloud, is_new, ready - begun)

        # 2. Portals post; queues, sequencers and publishers do what they do on AWS. The day is
        # yesterday: the ledger marks events that lie ahead of it or long before it.
        output.heading("Send a day's events over HTTP; meanwhile they are chained and published")
        day_of_events = datetime.now(UTC).date() - timedelta(days=1)
        submissions = list(
            hospital_day(options.seed, options.events, day=day_of_events, also=SEEDED)
        )
        output.sending(submissions, cloud)
        with closing(Portals(cloud)) as portals:
            day = Day(cloud, portals, options.published)
            output.day(day, submissions)
        for ledger_id in cloud.ledgers:
            options.policy(ledger_id).write_bytes(cloud.policy(ledger_id))
        ledgers = [
            figures_of(cloud, portals, ledger, options.published(ledger.id))
            for ledger in cloud.ledgers.values()
        ]
        total = total_of(ledgers, cloud.meter.snapshot())
        output.counted(total, submissions)

        # 3. The follower reads the last digest; then come queries, each recorded in the ledger.
        # Their records are not published any more: what follows covers the day alone.
        output.heading("Query the ledger: accesses, disclosures, findings")
        day.batches += cloud.drain().batches
        expected = expected_of(options.seed, options.events, day_of_events)
        answers = run_queries(cloud, expected)
        output.answers(answers)
        for ledger_id in cloud.ledgers:
            is_asked_about = ledger_id == expected.ledger and answers.found
            event_id = (
                answers.found[0] if is_asked_about else first_event(cloud, ledger_id, day_of_events)
            )
            save_receipt(cloud, options, ledger_id, event_id)
        output.receipts([short(options.receipt(ledger_id)) for ledger_id in cloud.ledgers])
        wrong = [
            *faults(submissions, ledgers, cloud, day.batches),
            *answer_faults(expected, answers),
        ]

    # 4. The emulated AWS is gone. What is left are plain files.
    output.heading("Verify the published files as an outsider: no account, no secret")
    wrong += _verified(options, [ledger.name for ledger in ledgers], output)

    # 5. One bit of a copy.
    victim = ledgers[0].name
    copy = options.tampered(victim)
    output.heading("Tamper with a copy, and verify that")
    tampered = flip_a_byte(options.published(victim), copy)
    output.line(
        f"One byte of {short(copy / tampered.path)} is changed: entry {tampered.entry:,} "
        f"is now of {tampered.after} instead of {tampered.before}."
    )
    verification = ledger_verify(copy, options.policy(victim))
    output.verification(verification)
    if verification.exit_code != FAILED or tampered.path not in verification.report:
        wrong.append(f"{victim}: the changed byte of {tampered.path} was not found")

    output.tables(ledgers, total)
    output.end(wrong, time.monotonic() - ready)
    return not wrong


def _verified(options: Options, ledger_ids: Sequence[str], output: DemoOutput) -> Iterator[str]:
    """Verify each ledger and its receipt, and show the report; return what is not verified."""
    for ledger_id in ledger_ids:
        verification = ledger_verify(options.published(ledger_id), options.policy(ledger_id))
        output.verification(verification)
        if verification.exit_code != VERIFIED:
            yield f"{ledger_id}: not verified, exit {verification.exit_code}"
    for ledger_id in ledger_ids:
        files = options.receipt(ledger_id), options.policy(ledger_id), options.record(ledger_id)
        verification = ledger_receipt_verify(*files)
        output.verification(verification)
        if verification.exit_code != VERIFIED or COMMITS not in verification.report:
            yield f"{ledger_id}: receipt not verified, exit {verification.exit_code}"


def _remove_what_earlier_runs_left(build: Path) -> None:
    build.mkdir(parents=True, exist_ok=True)
    for folder in ("published", "tampered", "receipts"):
        shutil.rmtree(build / folder, ignore_errors=True)
    for policy in build.glob("*.policy"):
        policy.unlink()
