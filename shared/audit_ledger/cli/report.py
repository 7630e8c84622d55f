"""What verification found, for people (a few lines) and for machines (JSON)."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from audit_ledger.client.shown_text import count_of, printable
from audit_ledger.tlog import strict_base64
from audit_ledger.verify.findings import Finding, FindingCode
from audit_ledger.verify.freshness import format_time
from audit_ledger.verify.verification_report import VerificationReport


def report_for_people(report: VerificationReport, source: str) -> str:
    """Answer first, then what was found, one line each, then what was not covered.

    Names of files and origins are whatever others gave them: what is not printable is escaped, so
    that they neither steer a terminal nor forge a line.
    """
    return "\n".join(map(printable, _lines(report, source)))


def _lines(report: VerificationReport, source: str) -> list[str]:
    checkpoint = report.checkpoint
    if checkpoint is None:  # there is one reason, and nothing else to say
        return [f"{report.answer}: {source}: {_line(f)}" for f in report.findings]
    stated = "no signed time"
    if report.signed_time is not None:
        stated = f"newest signed time {format_time(report.signed_time)}"
    entries = count_of(checkpoint.size, "entry", "entries")
    lines = [
        f"{report.answer}: {checkpoint.origin}",
        f"  {entries}, {count_of(report.digests, 'digest')}, {stated}",
        f"  root {strict_base64.encode(checkpoint.root)}",
    ]
    newest = report.newest_digest
    if newest is not None and newest.followed:
        missing = count_of(newest.missing_events, "numbered event")
        of = ""
        if newest.missing_portals > 1:
            of = f" from {newest.missing_portals} portals"
        first = f"the first {newest.followed:,} entries"
        lines.append(f"  {missing}{of} missing in {first}, as the ledger states")
    if report.remembered:
        lines.append(f"  size {report.remembered.size} was verified before")
    lines += [f"  {_line(finding)}" for finding in report.findings]
    lines += [f"  {advice}" for advice in _advice(report)]
    if report.left_out:
        lines.append(f"  and {count_of(report.left_out, 'finding')} more")
    if report.not_covered:
        lines.append("not covered:")
        lines += [f"  {note}" for note in report.not_covered]
    return lines


def report_for_machines(report: VerificationReport, source: str) -> str:
    """One JSON object; entries are first and last, times as the ledger writes them."""
    checkpoint, remembered = report.checkpoint, report.remembered
    newest = report.newest_digest
    return as_json_text(
        {
            "answer": report.answer,
            "source": source,
            "origin": checkpoint and checkpoint.origin,
            "size": checkpoint and checkpoint.size,
            "root": checkpoint and strict_base64.encode(checkpoint.root),
            "signed_time": None if report.signed_time is None else format_time(report.signed_time),
            "digests": report.digests,
            "followed": newest and newest.followed,
            "missing_events": newest and newest.missing_events,
            "missing_portals": newest and newest.missing_portals,
            "remembered_size": remembered and remembered.size,
            "findings": [
                {
                    "answer": finding.answer,
                    "code": finding.code,
                    "where": finding.where,
                    "entries": finding.entries,
                    "message": finding.message,
                }
                for finding in report.findings
            ],
            "findings_left_out": report.left_out,
            "advice": list(_advice(report)),
            "not_covered": report.not_covered,
        }
    )


def _advice(report: VerificationReport) -> Iterator[str]:
    """Say how a copy is verified, which shows no fault by being old."""
    codes = {finding.code for finding in report.findings}
    if report.signed_time is None:
        return
    at = f"--at {format_time(report.signed_time)}"
    if FindingCode.ROLLED_BACK in codes:
        yield f"an older copy is judged by itself, as of when it was made, with --no-state {at}"
    elif FindingCode.STALE in codes:
        yield f"a copy is judged as of when it was made with {at}"


def as_json_text(values: dict[str, object]) -> str:
    """Write a JSON object for machines that people can read too.

    Names that others gave may be no UTF-8, which JSON cannot say: their bytes are escaped.
    """
    try:
        encoded = msgspec.json.encode(values)
    except UnicodeEncodeError:
        encoded = msgspec.json.encode(_escaped(values))
    return msgspec.json.format(encoded, indent=1).decode()


def _escaped(value: object) -> object:
    """Write each lone surrogate of Python (PEP 383), which is a byte, as `\\udcff`, like a str."""
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case Mapping():
            return {_escaped(key): _escaped(each) for key, each in value.items()}
        case Sequence() if not isinstance(value, bytes):
            return [_escaped(each) for each in value]
    return value


def _line(finding: Finding) -> str:
    """Say of one finding what, where and which entries."""
    what = finding.message.removeprefix(f"{finding.where}: ")
    entries = ""
    if finding.entries:
        first, last = finding.entries
        entries = f" (entry {first})" if first == last else f" (entries {first} to {last})"
    return f"{finding.code}: {finding.where}: {what}{entries}"
