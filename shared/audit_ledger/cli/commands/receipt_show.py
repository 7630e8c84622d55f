"""`ledger receipt show`: what a receipt proves and what it does not, for people."""

from collections.abc import Iterator
from pathlib import Path

import click

from audit_ledger.cli import event_summary
from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.console import echo_facts
from audit_ledger.cli.exit_codes import EXIT_CODES, FailedError, UsageError
from audit_ledger.cli.files import read_policy
from audit_ledger.cli.parameters import FILE
from audit_ledger.cli.receipt_files import read_record_file
from audit_ledger.client.files import read_file
from audit_ledger.client.shown_text import printable
from audit_ledger.errors import FormatError, LedgerError, NotFoundError, VerificationError
from audit_ledger.events.event_details import read_details
from audit_ledger.events.instant import format_instant_ms
from audit_ledger.ledger.entry import ControlEntry, Entry
from audit_ledger.records.commitment import ReceiptDisclosure, RecordDisclosure
from audit_ledger.records.index_row import parse_index_row
from audit_ledger.records.record import parse_record
from audit_ledger.tlog.checkpoint import Checkpoint
from audit_ledger.tlog.policy import Policy, PolicyResult
from audit_ledger.verify.findings import Verdict
from audit_ledger.verify.freshness import format_time
from audit_ledger.verify.policy_file import PolicyError
from audit_ledger.verify.receipts import verify_receipt, verify_unsigned


@click.command("show", cls=LedgerCommand)
@click.argument("file", type=FILE)
@click.option("--policy", "policy_file", type=FILE, help="Whom to trust.")
@click.option("--record", "record_file", type=FILE, help="What the holder has: JSON in base64.")
def command(file: Path, policy_file: Path | None, record_file: Path | None) -> int:
    """Say what a .tlog-proof FILE proves, and what it does not.

    With --record also what was recorded: it tells of a patient. Without --policy nobody's signature
    is looked at, and the exit code is 3.
    """
    policy = None if policy_file is None else read_policy(policy_file)
    entry_data, disclosure = read_record_file(record_file)
    try:
        entry, checkpoint, opinion = _verify(read_file(file), policy, entry_data, disclosure)
    except NotFoundError as error:
        raise UsageError(f"{file}: {error}") from None
    except PolicyError as error:
        raise UsageError(f"{policy_file}: {error}") from None
    except (FormatError, VerificationError) as error:
        raise FailedError(f"{file}: failed: {error}; it proves nothing") from None
    is_believed = opinion is not None and opinion.satisfied
    answer = Verdict.VERIFIED if is_believed else Verdict.INCOMPLETE
    click.echo(printable(f"{answer}: receipt of entry {entry.seq} of {checkpoint.origin}"))
    echo_facts(list(_entry_facts(entry, checkpoint, opinion, policy)))
    if disclosure is not None:
        is_whole = isinstance(disclosure, RecordDisclosure)
        click.echo("the record:" if is_whole else "the index row, without the record:")
        echo_facts(list(_record_facts(disclosure)))
    _echo_list("it proves:", _proved_facts(checkpoint, opinion, disclosure))
    _echo_list(
        "it does not prove:",
        _not_proved(entry, checkpoint, opinion, policy, disclosure),
    )
    return EXIT_CODES[answer]


def _verify(
    data: bytes, policy: Policy | None, entry: bytes | None, disclosure: ReceiptDisclosure | None
) -> tuple[Entry, Checkpoint, PolicyResult | None]:
    """Verify a receipt, or without a policy all of it but who signed."""
    if policy is not None:
        verified = verify_receipt(data, policy, entry, disclosure)
        return verified.entry, verified.opinion.checkpoint, verified.opinion
    return *verify_unsigned(data, entry, disclosure), None


def _entry_facts(
    entry: Entry, checkpoint: Checkpoint, opinion: PolicyResult | None, policy: Policy | None
) -> Iterator[tuple[str, str]]:
    yield "entry", f"{entry.seq}, of {checkpoint.size:,} (they count from 0)"
    if isinstance(entry, ControlEntry):
        yield "kind", f"a statement of the ledger about itself: {entry.control['type']}"
    else:
        yield "kind", "an event that a portal submitted"
    yield "entry made", f"{format_time(entry.time)}, by the ledger's clock"
    if opinion is None or policy is None:
        yield "signed by", "unknown: no --policy names the keys to look for"
        return
    yield "signed by", f"{checkpoint.origin} (Ed25519)"
    for name, time in opinion.cosignatures.items():
        at = f" at {format_time(time)}" if time else ""
        which = ", a witness" if name in opinion.independent_witnesses else ""
        yield "cosigned by", f"{name}{at}{which}"
    yield from (("not cosigned by", name) for name in opinion.missing)


def _record_facts(disclosure: ReceiptDisclosure) -> Iterator[tuple[str, str]]:
    try:
        row = parse_index_row(disclosure.row_bytes)
        if not isinstance(disclosure, RecordDisclosure):
            yield "event's own time", f"{format_instant_ms(row.time_ms)}, by its sender"
            yield "event", row.event_id
            yield from (("flag", flag) for flag in row.flags)
            return
        record = parse_record(disclosure.record)
        details = read_details(bytes(record.resource), record.format)  # type: ignore[arg-type]
    except LedgerError:
        yield "content", "not one that this command can read; it is what the entry commits to"
        return
    yield "event's own time", f"{format_instant_ms(row.time_ms)}, by its sender"
    yield "accepted", f"{record.received}, from portal {record.portal}"
    yield "event", f"{row.event_id} ({record.format})"
    yield from (("left out", path) for path in record.cut)
    yield from event_summary.all_facts(details)


def _proved_facts(
    checkpoint: Checkpoint, opinion: PolicyResult | None, disclosure: ReceiptDisclosure | None
) -> Iterator[str]:
    if opinion is None:
        yield (
            f"only that the entry is in a tree of {checkpoint.size:,} entries whose root stands in "
            "the receipt; who signed that root was not looked at"
        )
    else:
        times = [time for time in opinion.cosignatures.values() if time]
        when = f"at {format_time(min(times))}" if times else "when it was signed"
        yield f"{when} {checkpoint.origin} had this entry, at this place, and has signed so"
        yield "it cannot show another entry there since, without contradicting that signature"
    if disclosure is not None:
        what = "record" if isinstance(disclosure, RecordDisclosure) else "index row"
        yield f"the {what} above is what the entry commits to, byte for byte"


def _not_proved(
    entry: Entry,
    checkpoint: Checkpoint,
    opinion: PolicyResult | None,
    policy: Policy | None,
    disclosure: ReceiptDisclosure | None,
) -> Iterator[str]:
    if isinstance(entry, ControlEntry):
        yield "that what it states is true"
    elif isinstance(disclosure, RecordDisclosure):
        yield "that the content of the record is true, its own time included: its sender states it"
    else:
        yield "what was recorded: give the record with --record"
    yield f"that {checkpoint.origin} recorded everything that happened"
    if opinion is None or policy is None:
        yield "that the ledger has it: give the keys that you trust with --policy"
    elif not opinion.satisfied:
        yield "enough for the policy, which asks for more cosignatures"
    elif not opinion.independent_witnesses:
        yield "that others were shown the same ledger: no witness cosigned"


def _echo_list(title: str, lines: Iterator[str]) -> None:
    click.echo(title)
    for line in lines:
        click.echo(printable(f"  - {line}"))
