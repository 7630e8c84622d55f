"""Rule: bulk access, by bulk exports, wide searches, or many patients within minutes."""

import re
from base64 import b64decode
from binascii import Error
from typing import ClassVar, Final
from urllib.parse import parse_qsl, unquote

import msgspec

from audit_ledger.detections import settings
from audit_ledger.detections.alert_suppression import SuppressedAlerts, is_news
from audit_ledger.detections.finding import DetectionFinding
from audit_ledger.detections.observed_access import ObservedAccess
from audit_ledger.detections.rule import Rule
from audit_ledger.detections.windows import Windows, add

_MINUTE_MS: Final = 60_000
_NUMBER: Final = re.compile(r"[0-9]{1,12}")
_BULK_PATH: Final = re.compile(r"(?:^|[/\s])\$export(?:[/?\s]|$)")


class RecentAccesses(msgspec.Struct):
    """Recently exported and opened patients, and reports of single events."""

    exported: Windows = msgspec.field(default_factory=Windows)
    opened: Windows = msgspec.field(default_factory=Windows)
    reported: SuppressedAlerts = msgspec.field(default_factory=SuppressedAlerts)


class BulkAccessRule(Rule[RecentAccesses]):
    """Reports one finding per event that is bulk alone, and per burst of many patients."""

    name: ClassVar[str] = "bulk-access"
    state_type = RecentAccesses

    def __init__(self, own: settings.BulkAccess) -> None:
        self.own = own
        self.severity = own.severity

    def observe(self, state: RecentAccesses, seen: ObservedAccess) -> DetectionFinding | None:
        """Check the event alone, then together with the user's earlier events."""
        if seen.has_failed:
            return None
        alone = self._alone(seen)
        if alone is not None:
            key = seen.who_mark or seen.opened.portal
            if is_news(state.reported, key, seen, self.own.quiet_hours):
                return self.found(seen, alone)
        return self._together(state, seen)

    def _alone(self, seen: ObservedAccess) -> str | None:
        if seen.codes.intersection(self.own.bulk_codes) or _is_bulk_export(seen):
            return "a bulk export"
        entities = len(seen.opened.details.entities)
        if entities >= self.own.entities:
            return f"{entities} entities in one event"
        searched = _searched(seen)
        if searched >= self.own.searched:
            return f"a search for {searched} results"
        return None

    def _together(self, state: RecentAccesses, seen: ObservedAccess) -> DetectionFinding | None:
        if not (seen.is_access and seen.is_staff and seen.has_plausible_time):
            return None
        if not (seen.who_mark and seen.patient_mark):
            return None
        found = None
        ways = [(state.opened, self.own.opened_patients, self.own.opened_minutes, "opened")]
        if seen.codes.intersection(self.own.codes):
            limit, minutes = self.own.exported_patients, self.own.export_minutes
            ways.append((state.exported, limit, minutes, "exported"))
        for windows, limit, minutes, what in ways:
            span_ms = minutes * _MINUTE_MS
            burst = add(windows, seen, seen.patient_mark, limit=limit, span_ms=span_ms)
            if burst is not None:
                found = self.found(
                    seen,
                    f"{len(burst)} patients {what} within {minutes} minutes",
                    [(item.entry, item.event_id) for item in burst],
                )
        return found


def _is_bulk_export(seen: ObservedAccess) -> bool:
    for entity in seen.opened.details.entities:
        texts = (entity.what.reference, entity.name, _decoded(entity.query))
        if any(text and _BULK_PATH.search(unquote(text)) for text in texts):
            return True
    return False


def _searched(seen: ObservedAccess) -> int:
    """Return the greatest `_count` of the event's queries (FHIR, Search: Page Count), or 0."""
    found = 0
    for entity in seen.opened.details.entities:
        _, _, parameters = _decoded(entity.query).partition("?")
        for name, value in parse_qsl(parameters.partition(" ")[0]):
            if name == "_count" and _NUMBER.fullmatch(value):
                found = max(found, int(value))
    return found


def _decoded(query: str | None) -> str:
    if query is None:
        return ""
    try:
        return b64decode(query).decode("utf-8", "replace")
    except (Error, ValueError):
        return ""
