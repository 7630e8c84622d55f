"""The commands, one in a file; each is imported when it is called."""

import click

from audit_ledger.cli.command import LazyGroup

_COMMANDS = {
    "completion": (f"{__name__}.completion", "Print a script that completes words in a shell."),
    "digests": (f"{__name__}.digests", "List the digests that ended in a time."),
    "directory": (
        f"{__name__}.directory",
        "Check the files of a directory: users.csv, departments.csv, patients.csv, encounters.csv.",
    ),
    "doctor": (
        f"{__name__}.doctor",
        "Check whether cdk.json can be deployed into an AWS account, before you deploy.",
    ),
    "document": (
        f"{__name__}.document",
        "Check whether the ledger recorded a document, by its SHA-256.",
    ),
    "export": (
        f"{__name__}.export",
        "Export events into the files of DIR, with receipts and a manifest.",
    ),
    "findings": (f"{__name__}.findings", "List what the rules found, by the ledger's time."),
    "policy": (
        f"{__name__}.policy",
        "Write the policy file of a ledger: its public keys, from its API or from KMS.",
    ),
    "profiles": (
        f"{__name__}.profiles",
        "List the ledgers that are known here; tokens are never shown.",
    ),
    "rebuild": (
        f"{__name__}.rebuild",
        "Rebuild a ledger's blocks and event index from the archive, under the same origin.",
    ),
    "rebuild-views": (
        f"{__name__}.rebuild_views",
        "Derive gaps, findings and documents of a ledger again, from its first entry.",
    ),
    "redrive": (
        f"{__name__}.redrive",
        "Return dead letters from the archive to the ledger's queue.",
    ),
    "report": (
        f"{__name__}.report",
        "Make a report: to whom a record was disclosed, who accessed it, or what users did.",
    ),
    "republish": (
        f"{__name__}.republish",
        "Put back published files that are lost, from blocks, archive and old versions.",
    ),
    "search": (f"{__name__}.search", "Search events."),
    "send": (f"{__name__}.send", "Send events of files, each once."),
    "show": (f"{__name__}.show", "Show one event."),
    "unfreeze": (
        f"{__name__}.unfreeze",
        "Lift a freeze, if blocks, archive, published files and published state agree again.",
    ),
    "verify": (f"{__name__}.verify", "Verify a whole published ledger."),
    "verify-export": (
        f"{__name__}.verify_export",
        "Verify an export offline: files, lines, and that the ledger has what they say.",
    ),
    "receipt": (f"{__name__}.receipt", "Prove that one entry is in a ledger."),
}


@click.group(
    cls=LazyGroup,
    commands_of=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="audit-ledger", message="%(prog)s %(version)s")
def ledger() -> None:
    """Send events to a ledger, find them, and verify it without trusting its publisher.

    Exit codes: 0 verified or done, 1 failed, 3 incomplete (cannot tell), 2 usage.
    """
