"""What verification found, for people (a few lines) and for machines (JSON)."""

import msgspec

from audit_ledger import strict_base64
from audit_ledger.instants import format_instant
from audit_ledger.verify.findings import Finding
from audit_ledger.verify.verification import Report


def report_for_people(report: Report, source: str) -> str:
    """Answer first, then what was found, one line each, then what was not covered.

    Names of files and origins are whatever others gave them: what is not printable is escaped, so
    that they neither steer a terminal nor forge a line.
    """
    return "\n".join(map(printable, _lines(report, source)))


def printable(text: str) -> str:
    """Escape what a terminal would not just show."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _lines(report: Report, source: str) -> list[str]:
    checkpoint = report.checkpoint
    if checkpoint is None:  # there is one reason, and nothing else to say
        return [f"{report.answer}: {source}: {_line(f)}" for f in report.findings]
    stated = "no signed time"
    if report.signed_time is not None:
        stated = f"newest signed time {written(report.signed_time)}"
    entries = _count(checkpoint.size, "entry", "entries")
    lines = [
        f"{report.answer}: {checkpoint.origin}",
        f"  {entries}, {_count(report.digests, 'digest', 'digests')}, {stated}",
        f"  root {strict_base64.encode(checkpoint.root)}",
    ]
    newest = report.newest_digest
    if newest is not None and newest.followed:
        never = _count(newest.missing_events, "numbered event", "numbered events")
        of = ""
        if newest.missing_portals > 1:
            of = f" from {newest.missing_portals} portals"
        lines.append(f"  {never}{of} never came, of the first {newest.followed:,} entries, it says")
    if report.remembered:
        lines.append(f"  size {report.remembered.size} was verified before")
    lines += [f"  {_line(finding)}" for finding in report.findings]
    if report.left_out:
        lines.append(f"  and {_count(report.left_out, 'finding', 'findings')} more")
    if report.not_covered:
        lines.append("not covered:")
        lines += [f"  {note}" for note in report.not_covered]
    return lines


def report_for_machines(report: Report, source: str) -> str:
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
            "signed_time": None if report.signed_time is None else written(report.signed_time),
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
            "not_covered": report.not_covered,
        }
    )


def written(time: int) -> str:
    """Write whole seconds since 1970; a witness may sign for any."""
    try:
        return format_instant(time)
    except (ValueError, OverflowError, OSError):
        return f"second {time}"


def as_json_text(values: dict[str, object]) -> str:
    """Write a JSON object for machines that people can read too."""
    return msgspec.json.format(msgspec.json.encode(values), indent=1).decode()


def _line(finding: Finding) -> str:
    """Say of one finding what, where and which entries."""
    what = finding.message.removeprefix(f"{finding.where}: ")
    entries = ""
    if finding.entries:
        first, last = finding.entries
        entries = f" (entry {first})" if first == last else f" (entries {first} to {last})"
    return f"{finding.code}: {finding.where}: {what}{entries}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
