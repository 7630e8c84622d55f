"""`ledger receipt`: make and verify the proof that one entry is in a ledger."""

from pathlib import Path

import click
import msgspec

from audit_ledger import strict_base64
from audit_ledger.chain.entry import ControlEntry
from audit_ledger.cli.exit_codes import (
    EXIT_CODES,
    VERIFIED,
    CannotTellError,
    FailedError,
    WrongInputError,
)
from audit_ledger.cli.inputs import open_source, read_file, read_policy, write_file
from audit_ledger.cli.json_output import echo_json
from audit_ledger.cli.report import written
from audit_ledger.errors import FormatError, NotFoundError, UnreachableError, VerificationError
from audit_ledger.verify.findings import Answer
from audit_ledger.verify.policy_file import PolicyError
from audit_ledger.verify.receipts import (
    Disclosure,
    VerifiedReceipt,
    make_receipt,
    verify_receipt,
)


class _RecordFile(msgspec.Struct, forbid_unknown_fields=True):
    """What the holder has beside the proof: base64, all of the last three or none."""

    entry: str | None = None
    index_row: str | None = None
    record: str | None = None
    blind: str | None = None


def make(source_text: str, index: int, output: Path | None, token: str | None) -> int:
    """Write the proof of an entry, and give the exit code."""
    source = open_source(source_text, token)
    try:
        data = make_receipt(source, index)
    except NotFoundError as error:
        raise WrongInputError(f"{source.name}: {error}") from None
    except UnreachableError as error:
        raise CannotTellError(str(error)) from None
    except (FormatError, VerificationError) as error:
        raise FailedError(f"{source.name}: {error}") from None
    if output is None:
        click.echo(data, nl=False)
    else:
        write_file(output, data)
    return VERIFIED


def verify(file: Path, policy_file: Path, record_file: Path | None, as_json: bool) -> int:
    """Verify a proof, report, and give the exit code."""
    policy = read_policy(policy_file)
    data = read_file(file)
    entry, disclosure = _read_record_file(record_file) if record_file else (None, None)
    try:
        receipt = verify_receipt(data, policy, entry, disclosure)
    except NotFoundError as error:
        raise WrongInputError(f"{file}: {error}") from None
    except PolicyError as error:
        raise WrongInputError(f"{policy_file}: {error}") from None
    except (FormatError, VerificationError) as error:
        if as_json:
            echo_json({"answer": Answer.FAILED, "message": str(error)})
        raise FailedError(f"{file}: failed: {error}", is_reported=as_json) from None
    answer = Answer.VERIFIED if receipt.opinion.satisfied else Answer.INCOMPLETE
    if as_json:
        echo_json(_for_machines(receipt, answer))
    else:
        click.echo(_for_people(receipt, answer))
    return EXIT_CODES[answer]


def _read_record_file(path: Path) -> tuple[bytes | None, Disclosure | None]:
    try:
        given = msgspec.json.decode(read_file(path), type=_RecordFile)
        entry = None if given.entry is None else strict_base64.decode(given.entry, what="entry")
        private = (given.index_row, given.record, given.blind)
        texts = [text for text in private if text is not None]
        if not texts and entry is None:
            raise FormatError("neither an entry nor index_row, record and blind are in it")
        if not texts:
            return entry, None
        if len(texts) != len(private):
            raise FormatError("index_row, record and blind belong together")
        index_row, record, blind = (strict_base64.decode(text) for text in texts)
    except (msgspec.DecodeError, UnicodeDecodeError):
        message = "not JSON with entry, index_row, record and blind, each base64"
        raise WrongInputError(f"{path}: {message}") from None
    except FormatError as error:
        raise WrongInputError(f"{path}: {error}") from None
    return entry, Disclosure(index_row, record, blind)


def _for_people(receipt: VerifiedReceipt, answer: Answer) -> str:
    entry, opinion = receipt.entry, receipt.opinion
    kind = "control" if isinstance(entry, ControlEntry) else "event"
    lines = [
        f"{answer}: entry {entry.seq} of {opinion.checkpoint.origin}",
        f"  {kind} of {written(entry.time)}, in a ledger of {opinion.checkpoint.size:,} entries",
    ]
    if times := [time for time in opinion.cosignatures.values() if time]:
        lines.append(f"  signed at {written(min(times))}")
    if receipt.is_record_shown:
        lines.append("  it commits to this record, index row and blind")
    else:
        lines.append("not covered:\n  what the entry commits to: no record was given")
    if not opinion.satisfied:
        missing = ", ".join(opinion.missing)
        lines.append(f"  not witnessed as the policy asks; no cosignature by {missing}")
    return "\n".join(lines)


def _for_machines(receipt: VerifiedReceipt, answer: Answer) -> dict[str, object]:
    entry, opinion = receipt.entry, receipt.opinion
    return {
        "answer": answer,
        "origin": opinion.checkpoint.origin,
        "index": entry.seq,
        "size": opinion.checkpoint.size,
        "time": written(entry.time),
        "cosignatures": {name: written(time) for name, time in opinion.cosignatures.items()},
        "missing_witnesses": opinion.missing,
        "record_shown": receipt.is_record_shown,
    }
