"""What is configured of a ledger: one SSM parameter each, written by the ledger's stack."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from audit_ledger.aws.clients import error_code
from audit_ledger.errors import FormatError, NotFoundError
from audit_ledger.token_bucket import Rate

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


class PatientRuleSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a portal's patients get their one canonical identifier; `base`: of its references."""

    system: str | None = None
    reference: bool = False
    base: str | None = None


class LimitSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A caller's token bucket: tokens a second, and how many it holds."""

    rate: int
    burst: int

    @property
    def bucket(self) -> Rate:
        """What the bucket counts by."""
        return Rate(self.rate, self.burst)


class LimitsSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of each portal that has none of its own, and of each who reads. None: no limit."""

    portal: LimitSetting | None = None
    reader: LimitSetting | None = None


class PortalSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is configured of a portal. `limit`: None where it is that of all portals."""

    patient: PatientRuleSetting
    limit: LimitSetting | None = None


class ExclusionSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an exclusion leaves out of an accounting besides what it does anyway.

    `purposes`, `kinds`: codes, `system|code`; `recipients`: `reference|Organization/1`,
    `identifier|<system>|<value>`; `until`: all before that instant.
    """

    purposes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    until: str | None = None

    def __repr__(self) -> str:
        """Say nothing of whom."""
        return "ExclusionSetting()"


class SuspensionSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Silence that an agency asked for; instants, `until` not included. Never shown to patients."""

    agency: str
    recipients: tuple[str, ...]
    begin: str = msgspec.field(name="from")
    until: str
    oral: bool = False

    def __repr__(self) -> str:
        """Say nothing of whom."""
        return "SuspensionSetting()"


class ReportsSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a ledger reports.

    `zone`: of days, and of times unless another is asked for; `day_only`, `role_only`: what
    patients see of others' accesses; `disclosures`: codes that make an event one, None for the
    usual; `exclusions`: by their key.
    """

    zone: str = "UTC"
    day_only: bool = False
    role_only: bool = False
    disclosures: tuple[str, ...] | None = None
    exclusions: dict[str, ExclusionSetting] = {}
    suspensions: tuple[SuspensionSetting, ...] = ()


class LedgerSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is configured of a ledger. `portals`: portal id → its settings; `detections`: of the
    follower's rules, as `audit_ledger.detections` reads them.
    """

    origin: str
    portals: dict[str, PortalSetting]
    reports: ReportsSetting = ReportsSetting()
    detections: dict[str, Any] = {}
    limits: LimitsSetting = LimitsSetting()


@dataclass(frozen=True)
class LedgerSettings:
    """The settings of all ledgers of a stage, read one at a time."""

    client: "SSMClient"
    stage: str

    def read(self, ledger_id: str) -> LedgerSetting:
        """Read one ledger's settings; NotFoundError where no such ledger is declared."""
        name = f"/audit-ledger-{self.stage}/ledgers/{ledger_id}"
        try:
            value = self.client.get_parameter(Name=name)["Parameter"]["Value"]
        except ClientError as error:
            if error_code(error) == "ParameterNotFound":
                raise NotFoundError("no such ledger") from None
            raise
        try:
            return msgspec.json.decode(value, type=LedgerSetting)
        except msgspec.DecodeError as error:
            raise FormatError(f"parameter {name}: {error}") from None
