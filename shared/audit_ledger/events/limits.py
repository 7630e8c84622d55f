"""How much one event, and one request, may hold, so that none exhausts what reads it.

Real events are far below: examples of HL7 and IHE have at most 6 agents or entities and 200 values.
A refusal says where, how many there are, and how many there may be.
"""

from typing import Any, Final

from audit_ledger.events.errors import RejectedEventError
from audit_ledger.events.strict_json import JsonObject

MAX_EVENT_BYTES: Final = 256 * 1024
MAX_VALUES: Final = 32_768
"""Members and elements of an event's JSON: what a reader spends goes with them, not with bytes."""
MAX_AGENTS: Final = 256
MAX_ENTITIES: Final = 2_000
MAX_CONTAINED: Final = 512
MAX_IDENTIFIERS: Final = 64
MAX_NAMES: Final = 64
MAX_CONTAINED_IDENTIFIER_BYTES: Final = 16 * 1024
"""Of a contained resource, together: each reference to it gives them all."""
MAX_PATIENTS: Final = 256
"""Of an event, a record each: who sends more at once can send several events."""
MAX_EVENT_PART_BYTES: Final = 4 * 1024 * 1024
"""Of the records of an event about several patients, together: each keeps what all share."""
MAX_REQUEST_PART_BYTES: Final = 8 * 1024 * 1024

_LISTS: Final = (
    ("agent", MAX_AGENTS, "agents"),
    ("entity", MAX_ENTITIES, "entities"),
    ("contained", MAX_CONTAINED, "contained resources"),
)


def require_size(body: bytes, place: str) -> None:
    """Refuse (413) an event of more than MAX_EVENT_BYTES."""
    if len(body) > MAX_EVENT_BYTES:
        raise RejectedEventError(
            413,
            "too-long",
            place,
            f"at most {MAX_EVENT_BYTES // 1024} KB an event, not {len(body):,} bytes",
        )


def require_few_values(document: Any, body: bytes, place: str) -> None:
    """Refuse (413) JSON of more than MAX_VALUES values; `document` is what `body` says."""
    if len(body) // 2 <= MAX_VALUES:  # a value takes two bytes, with its comma
        return
    count = 0
    level = [document]
    while level:
        below: list[Any] = []
        for container in level:
            count += len(container)
            values = container.values() if type(container) is dict else container
            below += [value for value in values if type(value) in (dict, list)]
        level = below
    if count > MAX_VALUES:
        raise too_many(place, count, MAX_VALUES, "JSON values")


def require_few_elements(event: JsonObject, place: str) -> None:
    """Refuse (413) an AuditEvent with more agents, entities or contained resources than may be."""
    for name, limit, what in _LISTS:
        elements = event.get(name)
        if type(elements) is list and len(elements) > limit:
            raise too_many(f"{place}.{name}", len(elements), limit, what)


def require_few(elements: object, place: str, limit: int, what: str) -> None:
    """Refuse (413) a list of more than `limit` elements."""
    if isinstance(elements, list) and len(elements) > limit:
        raise too_many(place, len(elements), limit, what)


def too_many(place: str, count: int, limit: int, what: str) -> RejectedEventError:
    """Say that there are more than there may be."""
    return RejectedEventError(413, "too-costly", place, f"at most {limit:,} {what}, not {count:,}")


class PartsTooLargeError(RejectedEventError):
    """The records of several patients would be larger than they may be: this much was made."""

    def __init__(self, place: str, patients: int) -> None:
        limit = f"{MAX_EVENT_PART_BYTES >> 20} MB"
        super().__init__(
            413, "too-costly", place, f"at most {limit} in the records of its {patients} patients"
        )
