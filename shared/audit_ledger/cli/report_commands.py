"""The commands that make reports and exports, and verify an export, and their options."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.filters import with_filters
from audit_ledger.cli.parameters import FILE, NameAndValue, with_connection

if TYPE_CHECKING:
    from audit_ledger.cli.api import ConnectionOptions

_JSON = click.option("--json", "as_json", is_flag=True, help="To standard output as JSON.")


@click.command(cls=LedgerCommand)
@click.argument("kind", type=click.Choice(["accounting", "accesses", "privacy"]))
@click.option(
    "--patient",
    metavar="WHO",
    help="Patient/1, 1, or system|value; also several names.",
    multiple=True,
)
@click.option(
    "--user",
    "--agent",
    "user",
    metavar="WHO",
    help="Of whom the privacy report is: Practitioner/1, system|value.",
)
@click.option("--from", "first", metavar="TIME", help="2026-11-22, or 2026-11-22T05:59:00Z.")
@click.option("--to", "last", metavar="TIME", help="The same; the last day is in.")
@click.option(
    "--sort", metavar="ELEMENT", help="Of the privacy report; - before it: descending. [time]"
)
@click.option(
    "--param", "more", type=NameAndValue(), multiple=True, help="Any other parameter of the API."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "html"]),
    default="table",
    help="[table]",
)
@click.option("--json", "as_json", is_flag=True, help="As --format json.")
@click.option("-o", "--output", type=FILE, help="Into a file that only you may read.")
@with_connection
def report(
    connection: "ConnectionOptions",
    kind: str,
    patient: tuple[str, ...],
    user: str | None,
    first: str | None,
    last: str | None,
    sort: str | None,
    more: tuple[tuple[str, str], ...],
    form: str,
    as_json: bool,
    output: Path | None,
) -> int:
    """Make a report: to whom a record was disclosed, who accessed it, or what users did.

    accounting: disclosures of a patient's record (45 CFR 164.528), of the last six years.
    accesses: who accessed a patient's record, as the patient may see it, of the last year.
    privacy: all events and their elements, break-the-glass apart, of the last day.

    --format html is a page to print.
    """
    from audit_ledger.cli import report_command  # noqa: PLC0415

    if as_json and form not in ("table", "json"):
        raise click.UsageError(f"--json is not --format {form}")
    if output is not None and form == "table" and not as_json:
        raise click.UsageError("-o needs --format json, csv or html")
    given = [("from", first), ("to", last), ("user", user), ("sort", sort)]
    parameters = [("patient", who) for who in patient]
    parameters += [(name, value) for name, value in given if value] + list(more)
    return report_command.run(connection, kind, parameters, "json" if as_json else form, output)


@click.command(cls=LedgerCommand)
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
@_JSON
@with_connection
def export(
    connection: "ConnectionOptions",
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
    from audit_ledger.cli import export_command  # noqa: PLC0415

    parameters = [("format", form), ("receipts", receipts), *filters, ("_sort", sort)]
    return export_command.run(connection, folder, parameters, as_json=as_json)


@click.command(cls=LedgerCommand)
@click.argument("folder", type=FILE, metavar="DIR")
@_JSON
def directory(folder: Path, as_json: bool) -> int:
    """Check the files of a directory: users.csv, departments.csv, patients.csv, encounters.csv.

    Rules of the follower look users and patients up in them (docs/detections.md).

    Exit codes: 0 they can be read, 1 not (file, line and what was expected), 2 usage.
    """
    from audit_ledger.cli import directory_command  # noqa: PLC0415

    return directory_command.run(folder, as_json=as_json)


@click.command("verify-export", cls=LedgerCommand)
@click.argument("folder", type=FILE, metavar="DIR")
@click.option("--policy", "policy_file", type=FILE, required=True, help="Whom to trust.")
@click.option("--digest", metavar="DIGEST", help="Of the manifest: ni:///sha-256;…, or hex.")
@_JSON
def verify_export(folder: Path, policy_file: Path, digest: str | None, as_json: bool) -> int:
    """Verify an export offline: files, lines, and that the ledger has what they say.

    Exit codes: 0 verified, 1 failed (each finding is named), 2 usage, 3 incomplete.
    """
    from audit_ledger.cli import verify_export_command  # noqa: PLC0415

    return verify_export_command.run(folder, policy_file, digest, as_json=as_json)
