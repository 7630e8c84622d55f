"""Accesses, users and patients, and the findings of rules about them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from audit_ledger.detections.consent_denied import Consents
from audit_ledger.detections.detector import Detector, make_rules
from audit_ledger.detections.finding import DetectionFinding
from audit_ledger.detections.settings import DetectionSettings, read_settings
from audit_ledger.detections.staff_directory import Directory, DirectoryPatient, User
from audit_ledger.records.opened_event import OpenedEvent
from tests.builders.audit_event import patient_entity, r4
from tests.builders.opened_event import opened

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def at(text: str) -> int:
    """Return the milliseconds since 1970 of a time in UTC, `2026-11-22 05:59`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


MORNING = at("2026-11-23 09:00")  # a Monday


def mark(text: str) -> str:
    """Return a hash; the follower uses a keyed one."""
    return sha256(text.encode()).hexdigest()[:16]


def access(
    user: str = "u1",
    patient: str | None = "p1",
    time_ms: int = MORNING,
    *,
    who: dict[str, Any] | None = None,
    entities: Sequence[dict[str, Any]] = (),
    purpose: Any = None,
    agent: dict[str, Any] | None = None,
    portal: str = "ehr",
    cut: tuple[str, ...] = (),
    late_ms: int = 1_000,
    **elements: Any,
) -> OpenedEvent:
    """Return an R4 read of a patient's record by a practitioner; `late_ms`: delay of its entry."""
    named = [] if patient is None else [patient_entity(f"Patient/{patient}")]
    actor: dict[str, Any] = {
        "who": who or {"reference": f"Practitioner/{user}"},
        "requestor": True,
        **(agent or {}),
    }
    if purpose is not None:
        actor["purposeOfUse"] = [purpose]
    event = r4(
        **{
            "type": {"code": "rest"},
            "subtype": [{"code": "read"}],
            "recorded": datetime.fromtimestamp(time_ms // 1000, UTC).isoformat(),
            "outcome": "0",
            "agent": [actor],
            "entity": [*named, *entities],
            **elements,
        }
    )
    entry_time = (time_ms + late_ms) // 1000
    return opened(event, 0, time_ms=time_ms, entry_time=entry_time, portal=portal, cut=cut)


def ledger(events: Iterable[OpenedEvent]) -> list[OpenedEvent]:
    """Return the events with entry numbers from 1 on, in order of the entries' times."""
    ordered = sorted(events, key=lambda event: event.entry_time)
    return [placed(event, seq) for seq, event in enumerate(ordered, 1)]


def placed(event: OpenedEvent, seq: int) -> OpenedEvent:
    """Return the event at an entry."""
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return OpenedEvent(**fields | {"seq": seq, "event_id": sha256(b"%d" % seq).hexdigest()})


def only(**settings: Any) -> DetectionSettings:
    """Return the settings of some rules; all others are disabled."""
    every = dict.fromkeys(DetectionSettings.__struct_fields__)
    return read_settings(every | settings)


def detector(
    settings: DetectionSettings,
    directory: Directory | None = None,
    consents: Consents | None = None,
) -> Detector:
    """Return the enabled rules in their initial state."""
    return Detector(make_rules(settings, consents), directory or Directory(), mark)


def findings_of(
    events: Iterable[OpenedEvent],
    settings: DetectionSettings,
    directory: Directory | None = None,
    consents: Consents | None = None,
) -> list[DetectionFinding]:
    """Return the findings of the rules in events, which become entries from 1 on."""
    rules = detector(settings, directory, consents)
    return [finding for event in ledger(events) for finding in rules.observe(event)]


def entries(findings: Iterable[DetectionFinding]) -> list[tuple[int, ...]]:
    """Return the entries of each finding."""
    return [finding.entries for finding in findings]


def statement_of(findings: Sequence[DetectionFinding]) -> str | None:
    """Return the statement of the only finding; None if there is none."""
    assert len(findings) <= 1
    return next((finding.statement for finding in findings), None)


def user(id_: str = "u1", **fields: Any) -> User:
    """Return a user whom events name Practitioner/<id>."""
    return User(id=id_, names=(f"reference|Practitioner/{id_}",), **fields)


def patient(id_: str = "p1", **fields: Any) -> DirectoryPatient:
    """Return a patient whom events name Patient/<id>."""
    return DirectoryPatient(names=(f"reference|Patient/{id_}",), **fields)
