"""What a check comes to."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "unknown", "problem"]

EXIT_CODES: dict[Status, int] = {"ok": 0, "warning": 0, "unknown": 3, "problem": 1}
"""A problem decides before what could not be told: as of all commands, 1 failed, 3 cannot tell."""


@dataclass(frozen=True)
class PreflightFinding:
    """One check: what it looked at, how it is, what was found, what to do."""

    check: str
    status: Status
    found: str
    do: str = ""


def exit_code(findings: Iterable[PreflightFinding]) -> int:
    """0: nothing stands in the way; 1: something does; 3: something could not be told."""
    codes = {EXIT_CODES[finding.status] for finding in findings}
    return next((code for code in (1, 3) if code in codes), 0)
