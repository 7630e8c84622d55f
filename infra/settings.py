"""Settings of the app: what may stand under `audit-ledger` in cdk.json, and what it means.

`infra.settings_reader` reads them, `infra.settings_validation` says what is wrong with them.
"""

from typing import Any, Literal

import msgspec

from audit_ledger.settings.token_claims import TokenClaims
from infra.settings_limits import STAGE_LIMITS, Limit, Limits

KEY = "audit-ledger"
STAGES = ("dev", "prod")
BEFORE_COMPLIANCE = "before_compliance"
EXCLUSIONS = (
    *("treatment", "payment", "operations", "individual", "incidental", "authorization"),
    *("directory", "national_security", "correctional", "limited_data_set", BEFORE_COMPLIANCE),
)
"""Of 45 CFR 164.528(a)(1), as accountings call them."""

LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 3653)
"""Retentions that CloudWatch Logs offers."""


class SettingsError(ValueError):
    """A setting is wrong. (infra stands alone: the errors of `audit_ledger` are of its events.)"""


class PatientRule(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """How a portal's patients are told apart: by identifiers of one system, by references, or by
    both, the identifier first. `base`: URL of the FHIR server that its references are relative to.
    """

    system: str | None = None
    reference: bool = False
    base: str | None = None


class Portal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An authenticated sender. `account`: the AWS account whose events on the bus are its own.

    `limit`: of its requests, where it is not that of the ledger's portals.
    """

    id: str
    patient: PatientRule
    account: str | None = None
    limit: Limit = Limit()


class Exclusion(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What an exclusion leaves out of an accounting besides what it does anyway."""

    purposes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    until: str | None = None


class Suspension(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Silence that an agency asked for, about who received."""

    agency: str
    recipients: tuple[str, ...]
    begin: str = msgspec.field(name="from")
    until: str
    oral: bool = False


class Reports(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """How a ledger reports: time zone, what patients see, what is accounted for."""

    zone: str = "UTC"
    day_only: bool = False
    role_only: bool = False
    disclosures: tuple[str, ...] | None = None
    exclusions: dict[str, Exclusion] = {}
    suspensions: tuple[Suspension, ...] = ()


class Ledger(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One ledger. `public`: served to anyone through CloudFront. `readers`: who may search all of
    it, each by a client of its own, where the app itself issues tokens. `detections`: settings of
    the follower's rules, as `audit_ledger.detections.settings` has them. `limits`: of its portals
    and those who read it, where they are not the stage's.
    """

    id: str
    portals: tuple[Portal, ...]
    readers: tuple[str, ...] = ()
    public: bool = False
    reports: Reports = Reports()
    detections: dict[str, Any] = {}
    limits: Limits = Limits()


class Tokens(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who issues tokens. Without an issuer the app makes a Cognito user pool.

    `smart_configuration`: what /.well-known/smart-configuration says of an issuer of your own.
    """

    issuer: str | None = None
    audience: tuple[str, ...] = ()
    claims: TokenClaims = TokenClaims()
    smart_configuration: dict[str, Any] | None = None


class Retention(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Object Lock of what is published and archived."""

    mode: Literal["GOVERNANCE", "COMPLIANCE"]
    days: int


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of one stage.

    `protected`: nothing that holds data goes when a stack goes. `reserve_concurrency`: functions
    keep capacity of their own (new AWS accounts have none to reserve). `certificate`: ARN, in
    us-east-1, to serve public ledgers under `domain` itself. `break_glass`: ARNs of the roles or
    users who alone may rebuild and unfreeze; without, anyone of the account whom its administrators
    let, if signed in with a second factor. `directory_writers`: ARNs of the roles or users who feed
    the directory of users, departments, patients and encounters; without, there is none.
    `signing_profile`: ARN of a version of an AWS Signer profile, which alone signs functions.
    `public_url`: the API's URL as clients use it, where it is not the API's own: behind a proxy, or
    under a path of a custom domain. `cors_origins`: the sites whose pages may call the API.
    `limits`: of each portal and reader, where they are not those of the kind of stage.
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
    limits: Limits = Limits()

    def limits_of(self, ledger: Ledger | None = None) -> Limits:
        """Return the limits that hold in a ledger (None: in those that have none of their own)."""
        limits = self.limits.over(STAGE_LIMITS[self.stage])
        return limits if ledger is None else ledger.limits.over(limits)

    def origin(self, ledger: Ledger) -> str:
        """Name of a ledger to the world: `<domain>/<ledger id>`, the domain being the stage's."""
        return f"{self.domain}/{ledger.id}"


def ledger_parameter(settings: Settings, ledger: Ledger) -> dict[str, Any]:
    """Return what functions must know of a ledger: its SSM parameter, before it becomes JSON."""
    limits = settings.limits_of(ledger)
    portals = {}
    for portal in ledger.portals:
        own = portal.limit.over(limits.portal)
        portals[portal.id] = {
            "patient": msgspec.to_builtins(portal.patient),
            **({} if own == limits.portal else {"limit": msgspec.to_builtins(own)}),
        }
    reports = msgspec.to_builtins(ledger.reports)
    return {
        "origin": settings.origin(ledger),
        "portals": portals,
        "limits": msgspec.to_builtins(limits),
        **({"reports": reports} if reports else {}),
        **({"detections": ledger.detections} if ledger.detections else {}),
    }
