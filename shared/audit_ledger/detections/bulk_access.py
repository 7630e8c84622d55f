"""Rule: bulk access, by bulk exports, wide searches, or many patients within minutes."""

import re
from base64 import b64decode
from binascii import Error
from typing import ClassVar, Final
from urllib.parse import parse_qsl, unquote

import msgspec

from audit_ledger.detections.alert_suppression import SuppressedAlerts, is_news
from audit_ledger.detections.finding import DetectionFinding
from audit_ledger.detections.observed_access import ObservedAccess
from audit_ledger.detections.rule import Rule
from audit_ledger.detections.settings import BulkAccess
from audit_ledger.detections.windows import Windows, add

_MINUTE_MS: Final = 60_000
_NUMBER: Final = re.compile(r"[0-9]{1,12}")
_BULK_PATH: Final = re.compile(r"(?:^|[/\s])\$export(?:[/?\s]|$)")


class RecentAccesses(msgspec.Struct):
    """Recently exported and opened patients, and reports of single events."""

    exported: Windows = msgspec.field(default_factory=Windows)
    opened: Windows = msgspec.field(default_factory=Windows)
    reported: SuppressedAlerts = msgspec.field(default_factory=SuppressedAlerts)


class BulkAccessRule(Rule[RecentAccesses, BulkAccess]):
    """Reports one finding per event that is bulk alone, and per burst of many patients."""

    name: ClassVar[str] = "bulk-access"
    state_type = RecentAccesses

    def observe(self, state: RecentAccesses, access: ObservedAccess) -> DetectionFinding | None:
        """Check the event alone, then together with the user's earlier events."""
        if access.has_failed:
            return None
        alone = self._alone(access)
        if alone is not None:
            key = access.who_mark or access.opened.portal
            if is_news(state.reported, key, access, self.settings.quiet_hours):
                return self.finding(access, alone)
        return self._together(state, access)

    def _alone(self, access: ObservedAccess) -> str | None:
        if access.codes.intersection(self.settings.bulk_codes) or _is_bulk_export(access):
            return "a bulk export"
        entities = len(access.opened.details.entities)
        if entities >= self.settings.entities:
            return f"{entities} entities in one event"
        searched = _searched(access)
        if searched >= self.settings.searched:
            return f"a search for {searched} results"
        return None

    def _together(self, state: RecentAccesses, access: ObservedAccess) -> DetectionFinding | None:
        if not (access.is_timed_staff_access and access.who_mark and access.patient_mark):
            return None
        finding = None
        ways = [
            (state.opened, self.settings.opened_patients, self.settings.opened_minutes, "opened")
        ]
        if access.codes.intersection(self.settings.codes):
            limit, minutes = self.settings.exported_patients, self.settings.export_minutes
            ways.append((state.exported, limit, minutes, "exported"))
        for windows, limit, minutes, what in ways:
            span_ms = minutes * _MINUTE_MS
            burst = add(windows, access, access.patient_mark, limit=limit, span_ms=span_ms)
            if burst is not None:
                finding = self.finding(
                    access,
                    f"{len(burst)} patients {what} within {minutes} minutes",
                    [(item.entry, item.event_id) for item in burst],
                )
        return finding


def _is_bulk_export(access: ObservedAccess) -> bool:
    for entity in access.opened.details.entities:
        texts = (entity.what.reference, entity.name, _decoded(entity.query))
        if any(text and _BULK_PATH.search(unquote(text)) for text in texts):
            return True
    return False


def _searched(access: ObservedAccess) -> int:
    """Return the greatest `_count` of the event's queries (FHIR, Search: Page Count), or 0."""
    greatest = 0
    for entity in access.opened.details.entities:
        _, _, parameters = _decoded(entity.query).partition("?")
        for name, value in parse_qsl(parameters.partition(" ")[0]):
            if name == "_count" and _NUMBER.fullmatch(value):
                greatest = max(greatest, int(value))
    return greatest


def _decoded(query: str | None) -> str:
    if query is None:
        return ""
    try:
        return b64decode(query).decode("utf-8", "replace")
    except (Error, ValueError):
        return ""
