"""The sequence number of an event, in every form that portals may send."""

from typing import Any

import pytest

from audit_ledger.sequence_gaps.sequence_number import SEQUENCE_URL, SequenceNumber, read_number
from tests.builders.audit_event import SEQUENCE_URL as URL
from tests.builders.cloudevent import cloudevent
from tests.builders.opened_event import opened
from tests.builders.sequence_numbers import extended


def test_extension_url_never_changes() -> None:
    """Events contain it."""
    assert SEQUENCE_URL == URL


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ({"valueInteger": 0}, 0),
        ({"valueInteger": 42}, 42),
        ({"valueInteger64": "9007199254740993"}, 9_007_199_254_740_993),
        ({"valueInteger64": 7}, 7),
        ({"valueString": "0000000042"}, 42),
        ({"valueString": str(2**63 - 1)}, 2**63 - 1),
        ({"valueString": str(2**63)}, None),
        ({"valueString": "4 2"}, None),
        ({"valueString": "٤٢"}, None),
        ({"valueString": ""}, None),
        ({"valueInteger": True}, None),
        ({"valueInteger": 1.5}, None),
        ({"valueDecimal": 3}, None),
        ({"valueInteger": 1, "valueString": "1"}, None),
        ({}, None),
    ],
)
def test_reads_the_number_in_an_extension_of_an_audit_event(
    value: dict[str, Any], number: int | None
) -> None:
    """An integer or digits; any other value cannot be counted, and neither can two numbers."""
    event = opened(extended({"url": "urn:other", "valueInteger": 1}, {"url": URL, **value}))
    assert read_number(event) == SequenceNumber("fhir-observer", "Device/ehr", number)
    two = extended({"url": URL, "valueInteger": 1}, {"url": URL, **value})
    assert read_number(opened(two)) == SequenceNumber("fhir-observer", "Device/ehr", None)


@pytest.mark.parametrize(
    ("observer", "name"),
    [
        ({"reference": "https://ehr.example/fhir/Device/1/_history/3"}, "Device/1"),
        ({"identifier": {"system": "urn:a", "value": "b"}}, "urn:a|b"),
        ({"display": "EHR"}, "EHR"),
        ({"type": "Device"}, ""),
    ],
)
def test_stream_of_an_audit_event_is_its_observer(observer: dict[str, Any], name: str) -> None:
    """By its best name."""
    event = extended({"url": URL, "valueInteger": 5}, observer=observer)
    assert read_number(opened(event)) == SequenceNumber("fhir-observer", name, 5)


@pytest.mark.parametrize(
    ("attributes", "number"),
    [
        ({"sequence": "42", "sequencetype": "Integer"}, 42),
        ({"sequence": "0000000042", "sequencetype": "Integer"}, 42),
        ({"sequence": 42, "sequencetype": "Integer"}, 42),
        ({"sequence": "-2147483648", "sequencetype": "Integer"}, -(2**31)),
        ({"sequence": "42"}, None),
        ({"sequence": "42", "sequencetype": "integer"}, None),
        ({"sequence": "2026-11-22", "sequencetype": "Time"}, None),
        ({"sequence": "", "sequencetype": "Integer"}, None),
    ],
)
def test_reads_the_number_in_attributes_of_a_cloudevent(
    attributes: dict[str, Any], number: int | None
) -> None:
    """Only a sequence of type Integer can be counted."""
    event = opened(cloudevent(**attributes))
    assert read_number(event) == SequenceNumber("cloudevents-source", "urn:lab", number)


def test_reads_the_number_of_an_audit_event_in_a_cloudevent() -> None:
    """The number of the envelope takes precedence."""
    data = extended({"url": URL, "valueInteger": 7})
    inside = opened(cloudevent(type="fhir", data=data))
    assert read_number(inside) == SequenceNumber("fhir-observer", "Device/ehr", 7)
    both = cloudevent(type="fhir", data=data, sequence="8", sequencetype="Integer")
    assert read_number(opened(both)) == SequenceNumber("cloudevents-source", "urn:lab", 8)


@pytest.mark.parametrize("extension", [None, {}, "x", [1, None]])
def test_event_without_number_is_in_no_stream(extension: Any) -> None:
    """Also if the extension is not of the shape that FHIR requires."""
    assert read_number(opened(extended() | {"extension": extension})) is None
    assert read_number(opened(cloudevent())) is None


def test_repr_does_not_contain_the_source() -> None:
    """It may end up in a message."""
    assert "Device" not in repr(SequenceNumber("fhir-observer", "Device/ehr", 7))
