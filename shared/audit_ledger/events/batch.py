"""Parse the events of one request: each has its own outcome, and all share one limit."""

from collections.abc import Callable, Sequence
from typing import Final

from audit_ledger.events.errors import RejectedEventError
from audit_ledger.events.event import Event
from audit_ledger.events.limits import (
    MAX_EVENT_PART_BYTES,
    MAX_REQUEST_PART_BYTES,
    PartsTooLargeError,
)

MAX_EVENTS: Final = 5_000
MAX_PATIENTS_PER_REQUEST: Final = 2_500
"""A patient named by several events counts several times; events without patients do not count. No
larger request could be accepted: one queue message (1 MiB of base64) contains it, and a patient's
record takes more than 314 bytes there. Rejecting it here avoids the work of splitting and sealing.
"""


def parse_each(
    elements: Sequence[bytes], parse: Callable[[bytes, str], Event], place: str
) -> tuple[Event | RejectedEventError, ...]:
    """Return the outcome of each element, parsed with its place, e.g. `Bundle.entry[3]`.

    Raise RejectedEventError (413) if all elements together name too many patients or yield too
    large records for one request.
    """
    outcomes: list[Event | RejectedEventError] = []
    patients = size = given_up = 0
    for index, element in enumerate(elements):
        try:
            event = parse(element, f"{place}[{index}]")
        except RejectedEventError as rejected:
            outcomes.append(_alone(rejected))
            given_up += MAX_EVENT_PART_BYTES if isinstance(rejected, PartsTooLargeError) else 0
        else:
            outcomes.append(event)
            patients += sum(part.patient is not None for part in event.parts)
            size += event.size
        if patients > MAX_PATIENTS_PER_REQUEST:
            expected = f"at most {MAX_PATIENTS_PER_REQUEST:,} patients in all events together"
            raise RejectedEventError(413, "too-costly", place, expected)
        if max(size, given_up) > MAX_REQUEST_PART_BYTES:
            expected = f"at most {MAX_REQUEST_PART_BYTES >> 20} MB in the records of all events"
            raise RejectedEventError(413, "too-costly", place, expected)
    return tuple(outcomes)


def _alone(rejected: RejectedEventError) -> RejectedEventError:
    """Release the frames that raised it: thousands of errors may wait for the response."""
    rejected.__context__ = None
    return rejected.with_traceback(None)
