"""`ledger directory`: whether the files of a directory can be read, before they are put."""

from pathlib import Path

import click

from audit_ledger.aws.staff_directory_objects import MAX_BYTES
from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.console import echo_facts
from audit_ledger.cli.exit_codes import VERIFIED, FailedError, UsageError
from audit_ledger.cli.json_output import echo_json
from audit_ledger.cli.parameters import AS_JSON, FILE
from audit_ledger.client.files import read_file
from audit_ledger.client.shown_text import count_of, printable
from audit_ledger.detections.detector import make_rules
from audit_ledger.detections.staff_directory_files import FILES, read_directory
from audit_ledger.errors import FormatError


@click.command("directory", cls=LedgerCommand)
@click.argument("folder", type=FILE, metavar="DIR")
@AS_JSON
def command(folder: Path, as_json: bool) -> int:
    """Check the files of a directory: users.csv, departments.csv, patients.csv, encounters.csv.

    Rules of the follower look users and patients up in them (docs/detections.md).

    Exit codes: 0 they can be read, 1 not (file, line and what was expected), 2 usage.
    """
    try:
        there = sorted(path.name for path in folder.iterdir() if path.name in FILES)
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}") from None
    if not there:
        raise UsageError(f"{folder}: none of {', '.join(FILES)}")
    files = {name: read_file(folder / name, MAX_BYTES) for name in there}
    if sum(map(len, files.values())) > MAX_BYTES:
        raise UsageError(f"{folder}: over {MAX_BYTES} bytes in all")
    try:
        directory = read_directory(files)
    except FormatError as error:
        raise FailedError(f"{folder}: {error}") from None
    counts = directory.counts
    records = {name: counts[name.removesuffix(".csv")] for name in FILES if name in files}
    lacking = {rule.name: rule.not_applicable(directory) for rule in make_rules()}
    digest = directory.digest.hex()
    if as_json:
        echo_json({"files": records, "rules": lacking, "digest": digest})
        return VERIFIED
    click.echo(printable(f"can be read: {folder}"))
    rows = [(name, count_of(count, "record")) for name, count in records.items()]
    echo_facts([*rows, ("digest", digest[:16])])
    click.echo("rules that do not run with it:")
    echo_facts([(name, why) for name, why in sorted(lacking.items()) if why is not None])
    return VERIFIED
