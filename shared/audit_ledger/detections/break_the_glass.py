"""Rule: a user breaks the glass without stating a reason."""

from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec

from audit_ledger.detections.alert_suppression import (
    SuppressedAlerts,
    is_news,
    is_within,
    note,
    pair_key,
)
from audit_ledger.detections.finding import DetectionFinding
from audit_ledger.detections.observed_access import ObservedAccess
from audit_ledger.detections.rule import Rule
from audit_ledger.detections.settings import BreakTheGlass


class Broken(msgspec.Struct):
    """Recent reports and recent reasons, by user and patient."""

    reported: SuppressedAlerts = msgspec.field(default_factory=SuppressedAlerts)
    reasoned: SuppressedAlerts = msgspec.field(default_factory=SuppressedAlerts)


class BreakTheGlassRule(Rule[Broken, BreakTheGlass]):
    """A reason covers the user's accesses to that patient in the hours after it.

    A reason is the text of a purpose's concept beyond the displays of its codes, or an entity's
    detail whose type contains "reason"; by settings also the outcome's text, or an agent's policy.
    If details were cut because they name another patient, nothing is reported.
    """

    name: ClassVar[str] = "break-the-glass"
    state_type = Broken

    def observe(self, state: Broken, access: ObservedAccess) -> DetectionFinding | None:
        """Report one finding per user and patient within the quiet hours."""
        purposes = access.purposes.intersection(self.settings.purposes)
        codes = purposes | access.codes.intersection(self.settings.codes)
        if not codes or access.actor is None or access.has_failed:
            return None
        key = pair_key(access)
        if self._has_reason(access):
            note(state.reasoned, key, access, self.settings.reason_hours)
            return None
        if is_within(state.reasoned, key, access, self.settings.reason_hours) or _is_cut(access):
            return None
        if not is_news(state.reported, key, access, self.settings.quiet_hours):
            return None
        return self.finding(
            access, f"the glass was broken ({', '.join(sorted(codes))}) for no reason"
        )

    def _has_reason(self, access: ObservedAccess) -> bool:
        if self.settings.outcome_is_reason and (access.opened.details.outcome_text or "").strip():
            return True
        event = access.opened.document.audit_event
        if event is None:
            return False
        return any(_reasons(event)) or (self.settings.policy_is_reason and any(_policies(event)))


def _is_cut(access: ObservedAccess) -> bool:
    return any(".detail" in path for path in access.opened.cut)


def _reasons(event: dict[str, Any]) -> Iterator[bool]:
    yield any(map(_says_more, _list(event, "purposeOfEvent", "authorization")))
    for agent in _list(event, "agent"):
        yield any(map(_says_more, _list(agent, "purposeOfUse", "authorization")))
    for entity in _list(event, "entity"):
        for detail in _list(entity, "detail"):
            yield _is_reason(detail)


def _policies(event: dict[str, Any]) -> Iterator[bool]:
    for agent in _list(event, "agent"):
        yield any(isinstance(policy, str) and policy.strip() for policy in _list(agent, "policy"))


def _is_reason(detail: Any) -> bool:
    if not isinstance(detail, dict):
        return False
    kind, value = detail.get("type"), detail.get("valueString")
    words: list[Any] = [kind] if isinstance(kind, str) else []
    if isinstance(kind, dict):
        words += [kind.get("text"), *(coding.get("code") for coding in _list(kind, "coding"))]
    is_labelled = any(isinstance(word, str) and "reason" in word.casefold() for word in words)
    return is_labelled and isinstance(value, str) and bool(value.strip())


def _says_more(concept: Any) -> bool:
    """Return whether a concept's text is more than its codes and their displays."""
    text = concept.get("text") if isinstance(concept, dict) else None
    if not isinstance(text, str):
        return False
    displays = {
        _words(word)
        for coding in _list(concept, "coding")
        if isinstance(coding, dict)
        for word in (coding.get("code"), coding.get("display"))
        if isinstance(word, str)
    }
    return _words(text) not in {"", *displays}


def _words(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _list(holder: Any, *names: str) -> list[Any]:
    """Return the elements of the lists of these names; ignore values that are no lists."""
    elements: list[Any] = []
    for name in names:
        value = holder.get(name) if isinstance(holder, dict) else None
        elements += value if isinstance(value, list) else []
    return elements
