"""Limits of one event and of one request, so that none exhausts its readers.

Real events are far smaller: examples of HL7 and IHE have at most 6 agents or entities and 200
values. A rejection states the place, the count and the limit.
"""

from typing import Any, Final

from audit_ledger.events.errors import RejectedEventError
from audit_ledger.events.strict_json import JsonObject, container_levels

MAX_EVENT_BYTES: Final = 256 * 1024
MAX_VALUES: Final = 32_768
"""Members and elements of an event's JSON: a reader's cost grows with them, not with bytes."""
MAX_AGENTS: Final = 256
MAX_ENTITIES: Final = 2_000
MAX_CONTAINED: Final = 512
MAX_IDENTIFIERS: Final = 64
MAX_NAMES: Final = 64
MAX_CONTAINED_IDENTIFIER_BYTES: Final = 16 * 1024
"""All identifiers of one contained resource: each reference to it resolves to all of them."""
MAX_PATIENTS: Final = 256
"""Patients of one event, one record each. A sender can split a larger event into several."""
MAX_EVENT_PART_BYTES: Final = 4 * 1024 * 1024
"""All records of an event about several patients: each record contains the shared elements."""
MAX_REQUEST_PART_BYTES: Final = 8 * 1024 * 1024

_LISTS: Final = (
    ("agent", MAX_AGENTS, "agents"),
    ("entity", MAX_ENTITIES, "entities"),
    ("contained", MAX_CONTAINED, "contained resources"),
)


def require_size(body: bytes, place: str) -> None:
    """Reject (413) an event of more than MAX_EVENT_BYTES."""
    if len(body) > MAX_EVENT_BYTES:
        raise RejectedEventError(
            413,
            "too-long",
            place,
            f"at most {MAX_EVENT_BYTES // 1024} KB an event, not {len(body):,} bytes",
        )


def require_value_limit(document: Any, body: bytes, place: str) -> None:
    """Reject (413) JSON of more than MAX_VALUES values; `document` is the decoded `body`."""
    if len(body) // 2 <= MAX_VALUES:  # a value and its comma take at least two bytes
        return
    count = sum(len(container) for level in container_levels(document) for container in level)
    if count > MAX_VALUES:
        raise too_many(place, count, MAX_VALUES, "JSON values")


def require_element_limits(event: JsonObject, place: str) -> None:
    """Reject (413) an AuditEvent with too many agents, entities or contained resources."""
    for name, limit, what in _LISTS:
        elements = event.get(name)
        if type(elements) is list and len(elements) > limit:
            raise too_many(f"{place}.{name}", len(elements), limit, what)


def require_at_most(elements: object, place: str, limit: int, what: str) -> None:
    """Reject (413) a list of more than `limit` elements."""
    if isinstance(elements, list) and len(elements) > limit:
        raise too_many(place, len(elements), limit, what)


def too_many(place: str, count: int, limit: int, what: str) -> RejectedEventError:
    """Return the error (413) for a count above its limit."""
    return RejectedEventError(413, "too-costly", place, f"at most {limit:,} {what}, not {count:,}")


class PartsTooLargeError(RejectedEventError):
    """The records of an event about several patients exceed MAX_EVENT_PART_BYTES together."""

    def __init__(self, place: str, patients: int) -> None:
        limit = f"{MAX_EVENT_PART_BYTES >> 20} MB"
        super().__init__(
            413, "too-costly", place, f"at most {limit} in the records of its {patients} patients"
        )
