"""Requests of the hospital's systems: how each groups, formats and resends its events."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count, islice
from operator import attrgetter
from random import Random
from typing import Any

import msgspec

from infra.demo.hospital.audit_events import audit_event_r4, audit_event_r5
from infra.demo.hospital.clinical_event import ClinicalEvent, System
from infra.demo.hospital.cloud_events import cloud_event
from infra.demo.hospital.hospital import ST_ELSEWHERE, HospitalPortal
from infra.demo.hospital.population import seeded_random
from infra.demo.hospital.submission import How, Submission

_BUNDLE_EVENTS = 25  # the EHR sends a Bundle when it has so many events,
_BUNDLE_MS = 180_000  # or when the first of them is that old
_RESENT_WITHIN_MS = 60_000
_encode = msgspec.json.Encoder().encode


def submissions_of(
    events: Iterable[ClinicalEvent], seed: int, *, resent_per_mille: int
) -> Iterator[Submission]:
    """Yield the portals' requests for events (in order of time), in order of sending.

    The same arguments give the same bytes. Every event is sent in exactly one submission that
    is not resent; of those with a sender's id, `resent_per_mille` are sent a second time.
    """
    by_system: dict[System, list[ClinicalEvent]] = {"ehr": [], "app": [], "lab": []}
    for event in events:
        by_system[event.system].append(event)
    streams = [
        _SENDERS[system](ST_ELSEWHERE.portals[system], seen, seeded_random(seed, system))
        for system, seen in by_system.items()
        if seen
    ]
    first_time = heapq.merge(*streams, key=attrgetter("sent_ms"))
    yield from _some_twice(first_time, seeded_random(seed, "resent"), resent_per_mille)


def _ehr(
    portal: HospitalPortal, seen: Sequence[ClinicalEvent], random: Random
) -> Iterator[Submission]:
    """FHIR R4 in Bundles: most batches, some transactions, now and then without a key."""
    for group in _grouped(seen):
        is_batch = random.random() < 0.8
        entries = []
        for event in group:
            resource = audit_event_r4(event, _uuid(random))
            entries.append(
                {
                    "fullUrl": f"urn:uuid:{_uuid(random)}",
                    "resource": resource,
                    "request": {"method": "POST", "url": "AuditEvent"},
                }
            )
        bundle = {
            "resourceType": "Bundle",
            "type": "batch" if is_batch else "transaction",
            "entry": entries,
        }
        yield _submission(
            portal,
            "bundle-batch" if is_batch else "bundle-transaction",
            "application/fhir+json; fhirVersion=4.0",
            bundle,
            group,
            group[-1].time_ms + random.randint(500, 5_000),
            idempotency_key=_uuid(random) if random.random() < 0.95 else None,
        )


def _grouped(seen: Sequence[ClinicalEvent]) -> Iterator[list[ClinicalEvent]]:
    group: list[ClinicalEvent] = []
    for event in seen:
        is_old = group and event.time_ms - group[0].time_ms > _BUNDLE_MS
        if is_old or len(group) == _BUNDLE_EVENTS:
            yield group
            group = []
        group.append(event)
    if group:
        yield group


def _app(
    portal: HospitalPortal, seen: Sequence[ClinicalEvent], random: Random
) -> Iterator[Submission]:
    """FHIR R5, one AuditEvent a request, always with a key."""
    for event in seen:
        yield _submission(
            portal,
            "audit-event",
            "application/fhir+json; fhirVersion=5.0",
            audit_event_r5(event, _uuid(random)),
            [event],
            event.time_ms + 150,
            idempotency_key=_uuid(random),
        )


def _lab(
    portal: HospitalPortal, seen: Sequence[ClinicalEvent], random: Random
) -> Iterator[Submission]:
    """CloudEvents: structured, binary, and batches; their own ids serve as keys, and each has the
    next number of the extension "sequence", so that one that never comes leaves a gap.
    """
    numbers = count(1)
    waiting = iter(seen)
    while first := next(waiting, None):
        chance = random.random()
        group = [first]
        if chance < 0.1:
            group += islice(waiting, random.randint(1, 7))
        events = [cloud_event(event, _uuid(random), next(numbers)) for event in group]
        sent_ms = group[-1].time_ms + 250
        if chance < 0.1:
            content_type = "application/cloudevents-batch+json"
            yield _submission(portal, "cloudevents-batch", content_type, events, group, sent_ms)
        elif chance < 0.4:
            data = events[0].pop("data")
            content_type = events[0].pop("datacontenttype")
            attributes = tuple((f"ce-{name}", value) for name, value in events[0].items())
            yield _submission(
                portal,
                "cloudevent-binary",
                content_type,
                data,
                group,
                sent_ms,
                attributes=attributes,
            )
        else:
            content_type = "application/cloudevents+json"
            yield _submission(
                portal, "cloudevent-structured", content_type, events[0], group, sent_ms
            )


_SENDERS: dict[
    System, Callable[[HospitalPortal, Sequence[ClinicalEvent], Random], Iterator[Submission]]
] = {
    "ehr": _ehr,
    "app": _app,
    "lab": _lab,
}


def _submission(
    portal: HospitalPortal,
    how: How,
    content_type: str,
    body: Any,
    group: Sequence[ClinicalEvent],
    sent_ms: int,
    *,
    idempotency_key: str | None = None,
    attributes: tuple[tuple[str, str], ...] = (),
) -> Submission:
    return Submission(
        sent_ms=sent_ms,
        ledger=portal.ledger,
        portal=portal.id,
        how=how,
        content_type=content_type,
        body=_encode(body),
        events=len(group),
        new_events=len(group),
        new_entries=sum(event.entries for event in group),
        idempotency_key=idempotency_key,
        attributes=attributes,
        flawed=sum(event.flaw is not None for event in group),
    )


def _some_twice(
    submissions: Iterable[Submission], random: Random, per_mille: int
) -> Iterator[Submission]:
    """Send some again within a minute, as a portal does whose answer was lost."""
    waiting: list[tuple[int, int, Submission]] = []
    for number, submission in enumerate(submissions):
        while waiting and waiting[0][0] <= submission.sent_ms:
            yield heapq.heappop(waiting)[2]
        yield submission
        has_id = submission.idempotency_key is not None or submission.path == "/events"
        if has_id and random.random() * 1000 < per_mille:
            sent_ms = submission.sent_ms + random.randrange(1, _RESENT_WITHIN_MS)
            again = replace(
                submission, sent_ms=sent_ms, new_events=0, new_entries=0, is_resent=True
            )
            heapq.heappush(waiting, (sent_ms, number, again))
    while waiting:
        yield heapq.heappop(waiting)[2]


def _uuid(random: Random) -> str:
    digits = f"{random.getrandbits(128):032x}"  # RFC 9562: version 4, variant 10
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
