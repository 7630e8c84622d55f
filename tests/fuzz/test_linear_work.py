"""Every parser on the way from a request to the queue: twice the input is twice the work.

The inputs make a careless parser compare everything with everything. Work is counted in
instructions, not in seconds.
"""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from audit_ledger.detections.surnames import of_display
from audit_ledger.events import (
    RejectedEventError,
    parse_audit_event,
    parse_bundle,
    parse_cloudevent_binary,
    parse_cloudevents_batch,
)
from audit_ledger.events.event import PatientReference
from audit_ledger.events.media_type import parse_media_type
from audit_ledger.events.patient_mentions import MentionFinder
from audit_ledger.events.patient_names import patient_terms
from audit_ledger.events.strict_json import read_json
from audit_ledger.events.text_folding import without_marks
from audit_ledger.exports.csv import harmless
from audit_ledger.http.authorization import read_authorization
from audit_ledger.reports.rendering import guard_formulas
from audit_ledger.settings.token_claims import TokenClaims
from functions.query.withholding import requests_recipient
from tests.builders.audit_event import patient_entity, r4
from tests.counted_work import instructions

FEW = 40
MAX_GROWTH = 2.2
"""Of the work when the input doubles: constant work makes it less than two, rounding more."""


def two_people(name: str = "Ada Roe", **elements: Any) -> bytes:
    """Return an event of two patients."""
    entities = [
        patient_entity("Patient/one", name="Bob Fox"),
        patient_entity("Patient/b", name=name),
    ]
    return json.dumps(r4(entity=entities, **elements)).encode()


def of_entities(entity: Callable[[int], dict[str, Any]], count: int, **elements: Any) -> bytes:
    """Return an event of `count` entities."""
    return json.dumps(r4(entity=[entity(n) for n in range(count)], **elements)).encode()


def person(identifiers: int) -> dict[str, Any]:
    """Return a contained patient with this number of identifiers."""
    listed = [{"system": "urn:x", "value": f"{n}"} for n in range(identifiers)]
    return {"resourceType": "Patient", "id": "p", "identifier": listed}


CLOUDEVENT = {"specversion": "1.0", "source": "s", "type": "record.created", "data": {}}

EVENTS: dict[str, Callable[[int], bytes]] = {
    "a long text": lambda n: two_people(outcomeDesc="ada fox, " * n),
    "one word": lambda n: two_people("a" * 200, outcomeDesc="a" * 50 * n),
    "a name of words that are a text": lambda n: two_people("a b " * 50, outcomeDesc="a b " * n),
    "percent signs": lambda n: two_people(outcomeDesc="%25" * 20 * n),
    "base64": lambda n: two_people(outcomeDesc="QUFBQUFBQUFB " * n),
    "base64 of base64": lambda n: two_people(
        outcomeDesc=b64encode(b64encode(b64encode(b"Ada Roe " * n))).decode()
    ),
    "character references": lambda n: two_people(outcomeDesc="&amp;" * n),
    "marks": lambda n: two_people(outcomeDesc="a" + "\u0316\u0300" * 20 * n),
    "numbers in parts": lambda n: two_people(outcomeDesc="1-2 " * n),
    "leaves": lambda n: two_people(extension=[{"valueString": f"x{i}"} for i in range(n)]),
    "mentions": lambda n: two_people(extension=[{"valueString": "Ada Roe"}] * n),
    "nested lists": lambda n: two_people(extension=[[["Ada"], [str(i)]] for i in range(n)]),
    "members": lambda n: two_people(extension=[{f"x{i}": 1 for i in range(n)}]),
    "contained resources, and references to them": lambda n: two_people(
        contained=[{"id": str(i)} for i in range(n)],
        extension=[{"valueString": f"#{i}"} for i in range(n)],
    ),
    "names of one patient": lambda n: of_entities(
        lambda i: patient_entity(f"Patient/{i % 2}", name=f"Ada {i} Roe"), n
    ),
    "identifiers of one contained patient": lambda n: json.dumps(
        r4(contained=[person(n // 2)], entity=[patient_entity("#p")])
    ).encode(),
    "agents": lambda n: json.dumps(
        r4(agent=[{"who": {"reference": "Device/1", "display": "x"}}] * n)
    ).encode(),
    "entities": lambda n: of_entities(lambda i: {"what": {"reference": f"List/{i}"}}, n),
    "identifiers in a search": lambda n: of_entities(
        lambda _: {"what": {"reference": "Patient?" + "identifier=a%7Cb&" * n}}, 1
    ),
    "profiles that are claimed again": lambda n: json.dumps(
        r4(
            meta={
                "profile": [
                    "https://profiles.ihe.net/ITI/BALP/StructureDefinition/"
                    f"IHE.BasicAudit.PatientRead|{i}"
                    for i in range(n)
                ]
            },
            agent=[{"who": {"display": "x"}}] * n,
        )
    ).encode(),
}


def growth(make: Callable[[int], Any], use: Callable[[Any], object], count: int = FEW) -> float:
    """Return the work of twice `count` divided by that of `count`."""
    once, twice = make(count), make(2 * count)
    return instructions(lambda: use(twice)) / instructions(lambda: use(once))


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_of_twice_the_size_is_twice_the_work(name: str) -> None:
    """To parse it and divide it among its patients."""
    assert growth(EVENTS[name], parse_audit_event) < MAX_GROWTH


def test_a_bundle_of_twice_the_entries_is_twice_the_work() -> None:
    """Accepted and refused entries alike."""

    def bundle(count: int) -> bytes:
        entries = [
            {"resource": r4(recorded="x" if n % 2 else "2026-11-22T05:59:00Z")}
            for n in range(count)
        ]
        return json.dumps(
            {"resourceType": "Bundle", "type": "collection", "entry": entries}
        ).encode()

    assert growth(bundle, parse_bundle) < MAX_GROWTH


def test_a_batch_of_twice_the_events_is_twice_the_work() -> None:
    """CloudEvents."""

    def batch(count: int) -> bytes:
        return json.dumps([{**CLOUDEVENT, "id": str(n)} for n in range(count)]).encode()

    assert growth(batch, parse_cloudevents_batch) < MAX_GROWTH


def test_twice_the_headers_are_twice_the_work() -> None:
    """A CloudEvent in binary mode."""

    def headers(count: int) -> dict[str, str]:
        required = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "s", "ce-type": "t"}
        return required | {f"ce-x{n}": "%41" * 10 for n in range(count)}

    assert growth(headers, lambda names: parse_cloudevent_binary(names, b"")) < MAX_GROWTH


def test_the_work_of_dividing_an_event_grows_with_the_size_of_its_parts() -> None:
    """Parts list all that was cut from them, so they grow with the square of the patients."""

    def event(count: int) -> bytes:
        return of_entities(lambda n: patient_entity(f"Patient/p{n}", name=f"Ada N{n}"), count)

    def size(count: int) -> int:
        return sum(part.size for part in parse_audit_event(event(count)).parts)

    size_growth = size(2 * FEW) / size(FEW)
    assert growth(event, parse_audit_event) < max(MAX_GROWTH, 1.1 * size_growth)


def test_a_text_is_as_much_work_for_256_patients_as_for_two() -> None:
    """All of them have the same name: patients are bits of a number."""
    text = [(("outcomeDesc",), "ada roe and others " * FEW)]

    def finder(count: int) -> MentionFinder:
        return MentionFinder(
            [patient_terms(PatientReference(f"Patient/{n}"), ["Ada Roe"]) for n in range(count)]
        )

    few, many = finder(2), finder(256)
    assert instructions(lambda: many.find(text)) < 1.1 * instructions(lambda: few.find(text))


BROKEN: dict[str, Callable[[int], bytes]] = {
    "a name twice": lambda n: (
        json.dumps([{f"x{i}": i for i in range(n)}] * 2).encode()[:-2] + b',"x0":0}]'
    ),
    "a number out of range": lambda n: b"[" + b"1.0," * n + b"1e400]",
    "a lone surrogate": lambda n: b'["' + rb"\u0041" * n + rb'\ud800"]',
    "an end": lambda n: b"[" + b"0," * n,
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_fault_is_located_in_one_pass(name: str) -> None:
    """The position is computed once, and only if there is a fault."""

    def read(body: bytes) -> None:
        with pytest.raises(RejectedEventError):
            read_json(body, "x")

    assert growth(BROKEN[name], read, 400) < MAX_GROWTH


TEXTS: dict[str, tuple[Callable[[str], object], str]] = {
    # An earlier regular expression read the rest of the text at each of these.
    "a report's cell of tabs": (guard_formulas, "\t"),
    "a report's cell of semicolons": (guard_formulas, ";\t"),
    "an export's cell of spaces": (harmless, "; '"),
    "a media type of parameters": (parse_media_type, '; a="'),
    "a text that asks for agents": (lambda text: requests_recipient(text, ("x1",)), "agent."),
    "a text that asks for agents by many names": (
        lambda text: requests_recipient(text, ("x1",)),
        "user=y,",
    ),
    "accents of a searched text": (without_marks, "\u0316\u0300"),
    "accents of a name": (of_display, "\u0316\u0300"),
    "scopes": (
        lambda text: read_authorization({"claims": {"scope": text}}, TokenClaims()).allows(
            "system", "c"
        ),
        "system/crud ",
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_long_text_is_read_in_time(name: str) -> None:
    """Half a million repetitions: quadratic work would not end."""
    use, repeated = TEXTS[name]
    use(repeated * 500_000)
