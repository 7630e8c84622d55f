"""`ledger receipt get`: an event's receipt from the API, in the two files that are verified."""

import os
import time
from pathlib import Path

import click
import msgspec

from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.commands import receipt_verify
from audit_ledger.cli.exit_codes import VERIFIED, IncompleteError
from audit_ledger.cli.parameters import FILE, EventId, event_path, with_connection
from audit_ledger.cli.progress import waiting
from audit_ledger.client.api import Api, ConnectionOptions, json_of, open_api
from audit_ledger.client.http_client import ApiRequest, ApiResponse, pause
from audit_ledger.client.private_files import write_for_owner

_WAIT_SECONDS = 60.0  # where the server does not say
_ARRIVAL_SECONDS = (2.0, 3.0, 5.0, 10.0)  # until what was accepted is in the ledger


class _Receipt(msgspec.Struct, frozen=True):
    index: int
    proof: str
    entry: str
    index_row: str
    record: str
    blind: str


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
@click.option("--policy", "policy_file", type=FILE, help="Whom to trust: verify it at once.")
@with_connection
def command(
    connection: ConnectionOptions,
    event_id: str,
    output: Path,
    wait_seconds: int,
    policy_file: Path | None,
) -> int:
    """Get the receipt of an event: what proves to anybody that it is in the ledger.

    OUTPUT is the proof (C2SP tlog-proof), OUTPUT.record.json what the entry commits to, for
    `ledger receipt verify --record`. The record tells of a patient: only you may read the file.
    """
    api = open_api(connection, os.environ)
    where = f"{api.url}: GET {event_path(event_id)}/receipt"
    receipt = json_of(_waited_for(api, event_id, wait_seconds).body, _Receipt, where)
    record_file = output.with_name(f"{output.name}.record.json")
    held = {name: getattr(receipt, name) for name in ("entry", "index_row", "record", "blind")}
    write_for_owner(output, receipt.proof.encode())
    write_for_owner(record_file, msgspec.json.format(msgspec.json.encode(held), indent=1))
    click.echo(f"receipt of entry {receipt.index}: {output}, {record_file}")
    if policy_file is not None:
        return receipt_verify.verify(output, policy_file, record_file, as_json=False)
    click.echo(f"  ledger receipt verify {output} --policy FILE --record {record_file}")
    return VERIFIED


def _waited_for(api: Api, event_id: str, wait_seconds: int) -> ApiResponse:
    """Ask until a checkpoint covers the event, for so long; then IncompleteError."""
    asked = ApiRequest(
        "GET", f"{event_path(event_id)}/receipt", headers={"Accept": "application/json"}
    )
    end = time.monotonic() + wait_seconds
    answered = _arrived(api, asked, end)
    with waiting("waiting for a checkpoint that covers the event"):
        while answered.status == 202:
            left = end - time.monotonic()
            if left <= 0:
                raise IncompleteError(
                    f"event {event_id}: in the ledger, and no checkpoint covers it yet; "
                    "one is published every minute (--wait)"
                )
            pause(min(left, answered.retry_after_seconds or _WAIT_SECONDS))
            answered = api.ask(asked)
    return answered


def _arrived(api: Api, asked: ApiRequest, end: float) -> ApiResponse:
    """Ask until the ledger knows the event.

    One that was accepted a moment ago is still in a queue: for some seconds "not found" is not
    believed.
    """
    for seconds in _ARRIVAL_SECONDS:
        if time.monotonic() + seconds > end:
            break
        answered = api.ask(asked, also=(404,))
        if answered.status != 404:
            return answered
        with waiting("waiting for the event to be in the ledger"):
            pause(seconds)
    return api.ask(asked)
