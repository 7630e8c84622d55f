"""The result of a check."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "unknown", "problem"]

EXIT_CODES: dict[Status, int] = {"ok": 0, "warning": 0, "unknown": 3, "problem": 1}
"""A problem precedes an unknown result: as of all commands, 1 is failed, 3 is unknown."""


@dataclass(frozen=True)
class PreflightFinding:
    """The result of one check: its subject, status, what was found, what to do."""

    check: str
    status: Status
    found: str
    do: str = ""


def exit_code(findings: Iterable[PreflightFinding]) -> int:
    """Return 0 if nothing prevents a deployment, 1 if something does, 3 if a result is unknown."""
    codes = {EXIT_CODES[finding.status] for finding in findings}
    return next((code for code in (1, 3) if code in codes), 0)
