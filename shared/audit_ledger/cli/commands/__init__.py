"""The commands, one in a file; each is imported when it is called."""

import click

from audit_ledger.cli.command import LazyGroup

_SUMMARIES = {
    "completion": "Print a script that completes words in a shell.",
    "digests": "List the digests that ended in a time.",
    "directory": (
        "Check the files of a directory: users.csv, departments.csv, patients.csv, encounters.csv."
    ),
    "doctor": "Check whether cdk.json can be deployed into an AWS account, before you deploy.",
    "document": "Check whether the ledger recorded a document, by its SHA-256.",
    "export": "Export events into the files of DIR, with receipts and a manifest.",
    "findings": "List what the rules found, by the ledger's time.",
    "policy": "Write the policy file of a ledger: its public keys, from its API or from KMS.",
    "profiles": "List the ledgers that are known here; tokens are never shown.",
    "rebuild": "Rebuild a ledger's blocks and event index from the archive, under the same origin.",
    "rebuild-views": "Derive gaps, findings and documents of a ledger again, from its first entry.",
    "redrive": "Return dead letters from the archive to the ledger's queue.",
    "report": "Make a report: to whom a record was disclosed, who accessed it, or what users did.",
    "republish": "Put back published files that are lost, from blocks, archive and old versions.",
    "search": "Search events.",
    "send": "Send events of files, each once.",
    "show": "Show one event.",
    "unfreeze": (
        "Lift a freeze, if blocks, archive, published files and published state agree again."
    ),
    "verify": "Verify a whole published ledger.",
    "verify-export": (
        "Verify an export offline: files, lines, and that the ledger has what they say."
    ),
    "receipt": "Prove that one entry is in a ledger.",
}


@click.group(
    cls=LazyGroup,
    modules=f"{__name__}.",
    summaries=_SUMMARIES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="audit-ledger", message="%(prog)s %(version)s")
def ledger() -> None:
    """Send events to a ledger, find them, and verify it without trusting its publisher.

    Exit codes: 0 verified or done, 1 failed, 3 incomplete (cannot tell), 2 usage.
    """
