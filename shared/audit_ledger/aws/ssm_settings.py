"""The settings of ledgers: one SSM parameter for each, written by the ledger's stack."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from botocore.exceptions import ClientError

from audit_ledger.aws.clients import error_code
from audit_ledger.errors import FormatError, NotFoundError
from audit_ledger.settings.ledger import LedgerSettings

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


@dataclass(frozen=True)
class SsmSettings:
    """The settings of all ledgers of a stage, read one at a time."""

    client: "SSMClient"
    stage: str

    def read(self, ledger_id: str) -> LedgerSettings:
        """Read the settings of a ledger; raise NotFoundError if it is not declared."""
        name = f"/audit-ledger-{self.stage}/ledgers/{ledger_id}"
        try:
            value = self.client.get_parameter(Name=name)["Parameter"]["Value"]
        except ClientError as error:
            if error_code(error) == "ParameterNotFound":
                raise NotFoundError("no such ledger") from None
            raise
        try:
            return msgspec.json.decode(value, type=LedgerSettings)
        except msgspec.DecodeError as error:
            raise FormatError(f"parameter {name}: {error}") from None
