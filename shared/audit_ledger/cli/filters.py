"""The options that say which events: of search and export."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from audit_ledger.cli.parameters import NameAndValue
from audit_ledger.errors import LedgerError
from audit_ledger.search.values import parse_date

OPTION_NAMES = {
    "patient": "--patient",
    "patient.identifier": "--patient",
    "agent": "--agent",
    "agent.identifier": "--agent",
    "date": "--from or --to",
    "action": "--action",
    "type": "--type",
    "outcome": "--outcome",
    "_sort": "--sort",
    "_count": "--limit",
}
"""The option that gives each parameter of a search."""

_OUTCOMES = {"success": "0,success,information", "failure": "4,8,12,warning,error,fatal"}
"""Of R4 and R5 together: a ledger may have events of both."""

_ACTIONS = {"create": "C", "read": "R", "update": "U", "delete": "D", "execute": "E"}


def with_filters(command: Callable[..., int]) -> Callable[..., int]:
    """Add the options that say which events, and hand them over as `filters`."""

    @click.option("--patient", metavar="WHO", help="Patient/1, 1, or system|value.")
    @click.option(
        "--agent",
        "--user",
        "agent",
        metavar="WHO",
        help="Who did it: Practitioner/1, or system|value.",
    )
    @click.option(
        "--from", "first", metavar="DATE", help="2026, 2026-11-22 or 2026-11-22T05:59:00Z."
    )
    @click.option("--to", "last", metavar="DATE", help="The same; the last day, or second, is in.")
    @click.option(
        "--action",
        help="create, read, update, delete, execute, or FHIR's letters; several: read,create.",
    )
    @click.option("--type", "type_", metavar="CODE", help="Code, or system|code.")
    @click.option(
        "--outcome",
        metavar="OUTCOME",
        help="success or failure, or FHIR's codes: 0,4,8,12 (R4), error … (R5).",
    )
    @click.option(
        "--param",
        "more",
        type=NameAndValue(),
        multiple=True,
        help="Any other parameter of FHIR's search; may be repeated.",
    )
    @wraps(command)
    def filtered(
        patient: str | None,
        agent: str | None,
        first: str | None,
        last: str | None,
        action: str | None,
        type_: str | None,
        outcome: str | None,
        more: tuple[tuple[str, str], ...],
        **rest: Any,
    ) -> int:
        _require_order(first, last)
        criteria = (
            (_whom("patient", patient), patient),
            (_whom("agent", agent), agent),
            ("date", first and f"ge{first}"),
            ("date", last and f"le{last}"),
            ("action", action and _letters(action)),
            ("type", type_),
            ("outcome", outcome and _OUTCOMES.get(outcome, outcome)),
        )
        filters = [(name, value) for name, value in criteria if value] + list(more)
        return command(filters=filters, **rest)

    return filtered


def _require_order(first: str | None, last: str | None) -> None:
    """Raise UsageError where a period ends before it starts; what is no date, the API refuses."""
    if not (first and last):
        return
    try:
        starts, ends = parse_date("--from", f"ge{first}"), parse_date("--to", f"le{last}")
    except LedgerError:
        return
    if starts.from_ms >= ends.to_ms:
        raise click.BadParameter("a date expected that is not after --to", param_hint="--from")


def _letters(actions: str) -> str:
    """Return FHIR's letters of actions, which commas part; UsageError for what is none."""
    found = []
    for action in actions.split(","):
        word = action.strip()
        letter = _ACTIONS.get(word.lower(), word.upper())
        if letter not in _ACTIONS.values():
            expected = ", ".join(f"{name} ({code})" for name, code in _ACTIONS.items())
            raise click.BadParameter(f"one of {expected} expected", param_hint="--action")
        found.append(letter)
    return ",".join(found)


def _whom(parameter: str, who: str | None) -> str:
    """An identifier, `system|value`, has a parameter of its own beside the reference."""
    return f"{parameter}.identifier" if who and "|" in who else parameter
