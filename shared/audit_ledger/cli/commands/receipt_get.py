"""`ledger receipt get`: an event's receipt from the API, in the two files that are verified."""

import os
from pathlib import Path

import click
import msgspec

from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.commands import receipt_verify
from audit_ledger.cli.exit_codes import VERIFIED
from audit_ledger.cli.parameters import FILE, EventId, with_connection
from audit_ledger.cli.progress import show_waiting
from audit_ledger.cli.receipt_files import record_file
from audit_ledger.client.api import ConnectionOptions, open_api
from audit_ledger.client.private_files import write_for_owner
from audit_ledger.client.receipts import fetch_receipt


@click.command("get", cls=LedgerCommand)
@click.argument("event_id", type=EventId(), metavar="ID")
@click.option("-o", "--output", type=FILE, required=True, help="The proof; FILE.record.json too.")
@click.option(
    "--wait",
    "wait_seconds",
    type=click.IntRange(min=0),
    default=120,
    metavar="SECONDS",
    help="For a checkpoint to cover it. [120]",
)
@click.option("--without-record", is_flag=True, help="Disclose the index row alone.")
@click.option("--policy", "policy_file", type=FILE, help="Whom to trust: verify it at once.")
@with_connection
def command(
    connection: ConnectionOptions,
    event_id: str,
    output: Path,
    wait_seconds: int,
    without_record: bool,
    policy_file: Path | None,
) -> int:
    """Get the receipt of an event: what proves to anybody that it is in the ledger.

    OUTPUT is the proof (C2SP tlog-proof), OUTPUT.record.json what the entry commits to, for
    `ledger receipt verify --record`. The record tells of a patient: only you may read the file.
    With --without-record, OUTPUT.record.json has the event's id, its own time and its pseudonyms,
    and no record: it still shows that the entry commits to them.
    """
    api = open_api(connection, os.environ)
    receipt = fetch_receipt(api, event_id, wait_seconds, show_waiting)
    beside = output.with_name(f"{output.name}.record.json")
    record = msgspec.json.encode(record_file(receipt, with_record=not without_record))
    write_for_owner(output, receipt.proof.encode())
    write_for_owner(beside, msgspec.json.format(record, indent=1))
    click.echo(f"receipt of entry {receipt.index}: {output}, {beside}")
    if policy_file is not None:
        return receipt_verify.verify(output, policy_file, beside, as_json=False)
    click.echo(f"  ledger receipt verify {output} --policy FILE --record {beside}")
    return VERIFIED
