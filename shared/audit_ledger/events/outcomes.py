"""Several events in one request: each has an outcome of its own, all together have a limit."""

from collections.abc import Callable, Sequence
from typing import Final

from audit_ledger.events.event import Event
from audit_ledger.events.rejected import RejectedEvent

MAX_EVENTS: Final = 5_000
MAX_RECORDS: Final = 2_500
"""No request of more can be accepted: one queue message (1 MiB of base64) holds it, and a record
takes more than 314 bytes there. So nobody divides, seals and looks up a million."""


def parse_each(
    elements: Sequence[bytes], parse: Callable[[bytes, str], Event], place: str
) -> tuple[Event | RejectedEvent, ...]:
    """Parse the elements, each with its place such as `Bundle.entry[3]`, to an outcome each.

    RejectedEvent (413) when together they make more records than any request may.
    """
    outcomes: list[Event | RejectedEvent] = []
    records = 0
    for index, element in enumerate(elements):
        try:
            event = parse(element, f"{place}[{index}]")
        except RejectedEvent as rejected:
            outcomes.append(rejected)
            continue
        records += len(event.parts)
        if records > MAX_RECORDS:
            raise RejectedEvent(
                413, "too-costly", place, f"at most {MAX_RECORDS:,} patients in all events together"
            )
        outcomes.append(event)
    return tuple(outcomes)
