"""`ledger export`: the events of a search in files that a third party can check."""

import os
import shlex
from hashlib import sha256
from pathlib import Path

import click

from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.console import echo_facts
from audit_ledger.cli.exit_codes import VERIFIED
from audit_ledger.cli.filters import with_filters
from audit_ledger.cli.json_output import echo_json
from audit_ledger.cli.parameters import AS_JSON, FILE, with_connection
from audit_ledger.cli.progress import progress_bar
from audit_ledger.client.api import ConnectionOptions, open_api
from audit_ledger.client.export_download import download_export
from audit_ledger.client.http_client import PATIENT_PAUSES
from audit_ledger.client.shown_text import printable
from audit_ledger.events.ni_uri import ni_uri
from audit_ledger.exports.manifest import MANIFEST, parse_manifest


@click.command("export", cls=LedgerCommand)
@click.argument("folder", type=FILE, metavar="DIR")
@click.option(
    "--format", "form", type=click.Choice(["fhir", "csv", "ocsf"]), default="fhir", help="[fhir]"
)
@click.option(
    "--receipts",
    type=click.Choice(["record", "proof", "none"]),
    default="record",
    help="What proves each line: with its record, without, nothing. [record]",
)
@with_filters
@click.option("--sort", type=click.Choice(["-date", "date"]), default="date", help="[date]")
@AS_JSON
@with_connection
def command(
    connection: ConnectionOptions,
    folder: Path,
    form: str,
    receipts: str,
    filters: list[tuple[str, str]],
    sort: str,
    as_json: bool,
) -> int:
    """Export events into the files of DIR, with receipts and a manifest.

    fhir: NDJSON of what was submitted; csv: a table; ocsf: OCSF 1.x events as NDJSON. All of it is
    of one published size. Only you may read the files. Interrupted, the same command goes on.

    Who gets DIR checks it with `ledger verify-export`, and the manifest's digest, offline.
    """
    parameters = [("format", form), ("receipts", receipts), *filters, ("_sort", sort)]
    api = open_api(connection, os.environ, pauses=PATIENT_PAUSES)
    with progress_bar("exporting") as show:

        def count(done: int) -> None:
            if show:
                show(done, 0)

        download_export(api, parameters, folder, on_part=count, on_warning=_warn)
    _report(folder, as_json=as_json)
    return VERIFIED


def _report(folder: Path, *, as_json: bool) -> None:
    data = (folder / MANIFEST).read_bytes()
    manifest = parse_manifest(data)
    digest = sha256(data).digest()
    files = [(file.name, file.size_bytes) for file in manifest.files]
    if as_json:
        echo_json(
            {
                "folder": str(folder),
                "origin": manifest.origin,
                "size": manifest.size,
                "format": manifest.format,
                "entries": manifest.entries,
                "files": dict(files),
                "manifest_sha256": digest.hex(),
                "manifest": ni_uri(digest),
            }
        )
        return
    click.echo(printable(f"exported: {manifest.entries:,} entries of {manifest.origin}"))
    echo_facts(
        [
            *((name, f"{size_bytes:,} bytes") for name, size_bytes in files),
            ("manifest", ni_uri(digest)),
        ]
    )
    click.echo(
        "Send the manifest's digest to the recipient of the files, by another way than the files:"
    )
    click.echo(
        printable(
            f"  ledger verify-export {shlex.quote(str(folder))} --policy FILE "
            f"--digest '{ni_uri(digest)}'"
        )
    )


def _warn(warning: str) -> None:
    click.echo(f"warning: {warning}", err=True)
