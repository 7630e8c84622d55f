"""Several events in one request: each has an outcome of its own, all together have a limit."""

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
MAX_PATIENTS_OF_ALL: Final = 2_500
"""Whether one patient is named by several events or not. No request of more can be accepted: one
queue message (1 MiB of base64) holds it, and a patient's record takes more than 314 bytes there. So
nobody divides, seals and looks up a million. Events without patients do not count here."""


def parse_each(
    elements: Sequence[bytes], parse: Callable[[bytes, str], Event], place: str
) -> tuple[Event | RejectedEventError, ...]:
    """Parse the elements, each with its place such as `Bundle.entry[3]`, to an outcome each.

    RejectedEventError (413) when together they name more patients, or make larger records, than a
    request may.
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
        if patients > MAX_PATIENTS_OF_ALL:
            expected = f"at most {MAX_PATIENTS_OF_ALL:,} patients in all events together"
            raise RejectedEventError(413, "too-costly", place, expected)
        if max(size, given_up) > MAX_REQUEST_PART_BYTES:
            expected = f"at most {MAX_REQUEST_PART_BYTES >> 20} MB in the records of all events"
            raise RejectedEventError(413, "too-costly", place, expected)
    return tuple(outcomes)


def _alone(rejected: RejectedEventError) -> RejectedEventError:
    """Let go of what was read when it was raised: thousands may be kept until the answer."""
    rejected.__context__ = None
    return rejected.with_traceback(None)
