"""`ledger receipt verify`: whether an entry is in a ledger, by its proof alone."""

from pathlib import Path

import click

from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.exit_codes import EXIT_CODES, FailedError, UsageError
from audit_ledger.cli.files import read_policy
from audit_ledger.cli.json_output import echo_json
from audit_ledger.cli.parameters import FILE
from audit_ledger.cli.receipt_files import read_record_file
from audit_ledger.client.files import read_file
from audit_ledger.client.shown_text import printable
from audit_ledger.errors import FormatError, NotFoundError, VerificationError
from audit_ledger.events.instant import format_instant_ms
from audit_ledger.ledger.entry import ControlEntry
from audit_ledger.records.commitment import RecordDisclosure
from audit_ledger.verify.findings import Verdict
from audit_ledger.verify.freshness import format_time
from audit_ledger.verify.policy_file import PolicyError
from audit_ledger.verify.receipts import VerifiedReceipt, verify_receipt


@click.command("verify", cls=LedgerCommand)
@click.argument("file", type=FILE)
@click.option("--policy", "policy_file", type=FILE, required=True, help="Whom to trust.")
@click.option("--record", "record_file", type=FILE, help="What the holder has: JSON in base64.")
@click.option("--json", "as_json", is_flag=True, help="Report to standard output as JSON.")
def command(file: Path, policy_file: Path, record_file: Path | None, as_json: bool) -> int:
    """Verify a .tlog-proof FILE, and with --record what the entry commits to."""
    return verify(file, policy_file, record_file, as_json=as_json)


def verify(file: Path, policy_file: Path, record_file: Path | None, *, as_json: bool) -> int:
    """Verify a proof, report, and return the exit code."""
    policy = read_policy(policy_file)
    data = read_file(file)
    entry, disclosure = read_record_file(record_file)
    try:
        receipt = verify_receipt(data, policy, entry, disclosure)
    except NotFoundError as error:
        raise UsageError(f"{file}: {error}") from None
    except PolicyError as error:
        raise UsageError(f"{policy_file}: {error}") from None
    except (FormatError, VerificationError) as error:
        if as_json:
            echo_json({"answer": Verdict.FAILED, "message": str(error)})
        raise FailedError(f"{file}: failed: {error}", is_reported=as_json) from None
    answer = Verdict.VERIFIED if receipt.opinion.satisfied else Verdict.INCOMPLETE
    if as_json:
        echo_json(_for_machines(receipt, answer))
    else:
        click.echo(_for_people(receipt, answer))
    return EXIT_CODES[answer]


def _for_people(receipt: VerifiedReceipt, answer: Verdict) -> str:
    entry, opinion = receipt.entry, receipt.opinion
    kind = "control" if isinstance(entry, ControlEntry) else "event"
    size = opinion.checkpoint.size
    lines = [
        f"{answer}: entry {entry.seq} of {opinion.checkpoint.origin}",
        f"  {kind} entry, made {format_time(entry.time)}, in a ledger of {size:,} entries",
    ]
    if times := [time for time in opinion.cosignatures.values() if time]:
        lines.append(f"  signed at {format_time(min(times))}")
    shown = receipt.disclosure
    if isinstance(shown, RecordDisclosure):
        lines.append("  it commits to this record and index row")
    elif shown is not None:
        lines.append("  it commits to this index row")
    if receipt.event_time_ms is not None:
        lines.append(
            f"  the event's own time, by its sender: {format_instant_ms(receipt.event_time_ms)}"
        )
    if kind == "event" and not isinstance(shown, RecordDisclosure):
        row = ", its index row and the event's own time" if shown is None else ""
        lines.append("not covered:")
        lines.append(f"  the record that the entry commits to{row}: not disclosed by --record")
    if not opinion.satisfied:
        missing = ", ".join(opinion.missing)
        lines.append(f"  not witnessed as the policy asks; no cosignature by {missing}")
    return "\n".join(map(printable, lines))


def _for_machines(receipt: VerifiedReceipt, answer: Verdict) -> dict[str, object]:
    entry, opinion, event_ms = receipt.entry, receipt.opinion, receipt.event_time_ms
    return {
        "answer": answer,
        "origin": opinion.checkpoint.origin,
        "index": entry.seq,
        "size": opinion.checkpoint.size,
        "entry_time": format_time(entry.time),
        "event_time": None if event_ms is None else format_instant_ms(event_ms),
        "cosignatures": {name: format_time(time) for name, time in opinion.cosignatures.items()},
        "missing_witnesses": opinion.missing,
        "row_shown": receipt.disclosure is not None,
        "record_shown": isinstance(receipt.disclosure, RecordDisclosure),
    }
