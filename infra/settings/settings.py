"""The settings of a stage: members of `audit-ledger` in cdk.json, and their meaning."""

from typing import Any

import msgspec

from audit_ledger.settings.ledger import LedgerSettings, PortalSettings
from audit_ledger.settings.limits import INHERITED, RateLimits
from audit_ledger.settings.reports import ReportSettings
from audit_ledger.settings.retention import Retention
from audit_ledger.settings.token_claims import TokenClaims
from infra.settings.limits import STAGE_LIMITS

KEY = "audit-ledger"
STAGES = ("dev", "prod")
LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 3653)
"""Retentions that CloudWatch Logs offers, in days."""


class SettingsError(ValueError):
    """A setting is wrong. The message states its place, the value and what was expected."""


class Portal(PortalSettings, frozen=True):
    """An authenticated sender. `account`: the AWS account whose events on the bus are the portal's.

    `limit`: of its requests, where it differs from that of the ledger's portals.
    """

    id: str
    account: str | None = None


class Ledger(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One ledger.

    `public`: served to anyone through CloudFront. `readers`: clients that may search the whole
    ledger, where the app itself issues tokens. `detections`: settings of the follower's rules, see
    `audit_ledger.detections.settings`. `limits`: of its portals and readers, where they differ from
    the stage's.
    """

    id: str
    portals: tuple[Portal, ...]
    readers: tuple[str, ...] = ()
    public: bool = False
    reports: ReportSettings = ReportSettings()
    detections: dict[str, Any] = {}
    limits: RateLimits = RateLimits()


class Tokens(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The issuer of tokens. Without an issuer the app creates a Cognito user pool.

    `smart_configuration`: the content of /.well-known/smart-configuration for an external issuer.
    """

    issuer: str | None = None
    audience: tuple[str, ...] = ()
    claims: TokenClaims = TokenClaims()
    smart_configuration: dict[str, Any] | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of one stage.

    `protected`: resources with data are retained when a stack is deleted. `reserve_concurrency`:
    functions reserve concurrency (new AWS accounts have none to reserve). `certificate`: ARN, in
    us-east-1, to serve public ledgers under `domain` itself. `break_glass`: ARNs of the only roles
    or users that may rebuild and unfreeze; without it, everyone in the account whom its
    administrators permit, with a second factor. `directory_writers`: ARNs of the roles or users
    that write the directory of users, departments, patients and encounters; without them there is
    no directory. `signing_profile`: ARN of a version of an AWS Signer profile, the only one whose
    signatures functions accept. `public_url`: the API's URL as clients use it, where it differs
    from the API's own: behind a proxy, or under a path of a custom domain. `cors_origins`: the
    sites whose pages may call the API. `limits`: of each portal and reader, where they differ from
    the defaults of the stage.
    """

    stage: str
    domain: str
    ledgers: tuple[Ledger, ...]
    account: str | None = None
    region: str | None = None
    tokens: Tokens = Tokens()
    retention: Retention
    protected: bool
    reserve_concurrency: bool
    log_days: int
    alarm_emails: tuple[str, ...] = ()
    certificate: str | None = None
    signing_profile: str | None = None
    break_glass: tuple[str, ...] = ()
    directory_writers: tuple[str, ...] = ()
    public_url: str | None = None
    cors_origins: tuple[str, ...] = ()
    limits: RateLimits = RateLimits()

    def limits_of(self, ledger: Ledger | None = None) -> RateLimits:
        """Return the limits of a ledger (None: of the ledgers without limits of their own)."""
        limits = self.limits.over(STAGE_LIMITS[self.stage])
        return limits if ledger is None else ledger.limits.over(limits)

    def origin(self, ledger: Ledger) -> str:
        """Return the origin of a ledger: `<domain>/<ledger id>`, with the domain of the stage."""
        return f"{self.domain}/{ledger.id}"


def ledger_parameter(settings: Settings, ledger: Ledger) -> dict[str, Any]:
    """Return the content of a ledger's SSM parameter, from which functions read its settings."""
    limits = settings.limits_of(ledger)
    portals = {}
    for portal in ledger.portals:
        own = portal.limit.over(limits.portal)
        portals[portal.id] = PortalSettings(
            patient=portal.patient, limit=INHERITED if own == limits.portal else own
        )
    return LedgerSettings(
        origin=settings.origin(ledger),
        portals=portals,
        limits=limits,
        reports=ledger.reports,
        detections=ledger.detections,
    ).document()
