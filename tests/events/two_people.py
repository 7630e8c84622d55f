"""Events that name two people, and their parts."""

from typing import Any

from audit_ledger.events import Part, parse_audit_event
from tests.builders.audit_event import encoded
from tests.events.leaks import assert_only_spans_were_removed

ADA = {"reference": "Patient/ada-1815", "display": "Ada Lovelace"}
BOB = {"reference": "Patient/bob-1903", "display": "Bob Roe"}
DOCUMENT = {"what": {"reference": "DocumentReference/d1"}}


def parts(event: dict[str, Any], indent: int | None = None) -> tuple[Part, ...]:
    """Return the parts of an event, each verified to be the event with spans removed."""
    body = encoded(event, indent)
    result = parse_audit_event(body).parts
    for part in result:
        assert_only_spans_were_removed(part.resource, body, part.cut)
    return result
