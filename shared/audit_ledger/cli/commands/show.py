"""`ledger show`: one event, laid out for people, or the bytes that its sender submitted."""

import os
import re
from typing import Any

import click

from audit_ledger.cli import event_summary
from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.console import echo_facts
from audit_ledger.cli.exit_codes import VERIFIED, IncompleteError
from audit_ledger.cli.parameters import EventId, with_connection
from audit_ledger.client.api import FHIR_JSON, ConnectionOptions, event_path, json_of, open_api
from audit_ledger.client.http_client import ApiRequest
from audit_ledger.client.shown_text import printable

_ENTRY = re.compile(r"[0-9]{1,19}")


@click.command("show", cls=LedgerCommand)
@click.argument("event_id", type=EventId(), metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="The bytes that its sender submitted.")
@with_connection
def command(connection: ConnectionOptions, event_id: str, as_json: bool) -> int:
    """Show one event. ID is its id, or the number of its entry."""
    api = open_api(connection, os.environ)
    if as_json:
        submitted = ApiRequest(
            "GET", f"{event_path(event_id)}/$submitted", headers={"Accept": "*/*"}
        )
        click.echo(api.request(submitted).body, nl=False)
        return VERIFIED
    request = ApiRequest("GET", event_path(event_id), headers={"Accept": FHIR_JSON})
    response = api.request(request)
    details = event_summary.try_read_details(response.body)
    if details is None:
        raise IncompleteError(f"{api.url}: {request.path}: not an AuditEvent that can be read")
    entry = _ENTRY.fullmatch(response.header("ledger-entry"))
    served = json_of(response.body, dict[str, Any], f"{api.url}: {request.path}").get("id")
    shown = served if isinstance(served, str) else event_id  # requested by entry, it has an id too
    click.echo(f"event {printable(shown)}" + (f", entry {entry[0]}" if entry else ""))
    echo_facts(list(event_summary.all_facts(details)))
    return VERIFIED
