"""CloudEvents from which tests start."""

from typing import Any

import pytest

from audit_ledger.events import Event, RejectedEventError, parse_cloudevent_structured
from tests.builders.audit_event import encoded, without_none


def envelope(**attributes: Any) -> dict[str, Any]:
    """A CloudEvent with all required attributes and a time; None leaves one out."""
    event = {
        "specversion": "1.0",
        "id": "a-1",
        "source": "urn:ehr",
        "type": "org.example.happened",
        "time": "2026-11-22T05:59:00.5Z",
    }
    return without_none(event | attributes)


def parsed(**attributes: Any) -> Event:
    """Parse an envelope; a single part must contain it byte for byte."""
    body = encoded(envelope(**attributes), 1) + b"\n"
    event = parse_cloudevent_structured(body)
    assert event.format == "cloudevents"
    if len(event.parts) == 1:
        assert event.parts[0].resource == body
    return event


def refusal(**attributes: Any) -> tuple[int, str, str]:
    """Return status, issue type and place of a rejection."""
    with pytest.raises(RejectedEventError) as caught:
        parse_cloudevent_structured(encoded(envelope(**attributes)))
    return caught.value.status, caught.value.code, caught.value.expression
