"""What is configured of a ledger: one SSM parameter each, written by the ledger's stack."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from botocore.exceptions import ClientError

from audit_ledger.aws.clients import error_code
from audit_ledger.errors import FormatError, NotFoundError

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


class PatientRuleSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a portal's patients get their one canonical identifier: one of the two."""

    system: str | None = None
    reference: bool = False


class PortalSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is configured of a portal."""

    patient: PatientRuleSetting


class LedgerSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is configured of a ledger. `portals`: portal id → its settings."""

    origin: str
    portals: dict[str, PortalSetting]


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
