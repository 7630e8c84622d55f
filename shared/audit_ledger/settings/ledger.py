"""The settings of one ledger, as functions read them: the content of its SSM parameter."""

from typing import Any

import msgspec

from audit_ledger.settings.limits import INHERITED, RateLimit, RateLimits
from audit_ledger.settings.reports import ReportSettings


class PatientRuleSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """How a portal identifies its patients: by identifiers of one system, by references, or by
    both, the identifier first. `base`: URL of the FHIR server that its references are relative to.
    """

    system: str | None = None
    reference: bool = False
    base: str | None = None


class PortalSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Settings of a portal. `limit`: empty if that of the ledger's portals applies."""

    patient: PatientRuleSettings
    limit: RateLimit = INHERITED


class LedgerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a ledger. `portals`: by id; `detections`: of the follower's rules, as
    `audit_ledger.detections` reads them.
    """

    origin: str
    portals: dict[str, PortalSettings]
    limits: RateLimits = RateLimits()
    reports: ReportSettings = ReportSettings()
    detections: dict[str, Any] = {}

    def __post_init__(self) -> None:
        """Raise ValueError if a limit has a rate and no burst, or a burst and no rate."""
        limits = (self.limits.portal, self.limits.reader, *map(self.portal_limit, self.portals))
        for limit in limits:
            if (limit.rate is None) != (limit.burst is None):
                raise ValueError("a limit has both rate and burst, or neither")

    def portal_limit(self, portal: str) -> RateLimit:
        """Return the limit of a portal: its own, completed by that of the ledger's portals."""
        return self.portals[portal].limit.over(self.limits.portal)

    def document(self) -> dict[str, Any]:
        """Return the JSON value of the parameter, without optional members that are empty."""
        members = msgspec.to_builtins(self).items()
        return {name: value for name, value in members if value != {} or name == "portals"}
