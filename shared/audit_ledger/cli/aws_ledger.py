"""A ledger as it is deployed, for the commands that repair it: its names, clients, tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from audit_ledger.aws import clients
from audit_ledger.aws.blocks_table import BlocksTable
from audit_ledger.aws.events_table import EventsTable
from audit_ledger.aws.kms_signing import public_key_der
from audit_ledger.aws.ledgers_table import LedgersTable
from audit_ledger.aws.objects import LedgerObjects
from audit_ledger.aws.ssm_settings import SsmSettings
from audit_ledger.cli.exit_codes import FailedError, IncompleteError, UsageError
from audit_ledger.errors import (
    FormatError,
    LostRaceError,
    NotFoundError,
    UnreachableError,
    VerificationError,
)
from audit_ledger.ledger.block_signature import VerifyBlock, block_verifier
from audit_ledger.public_keys import raw_public_key
from audit_ledger.settings.retention import Retention


@dataclass(frozen=True)
class DeployedLedger:
    """One ledger's tables, and how its blocks are verified."""

    ledger_id: str
    origin: str
    blocks: BlocksTable
    index: EventsTable
    state: LedgersTable
    verify_block: VerifyBlock

    def objects(self, bucket: str, retention: Retention | None = None) -> LedgerObjects:
        """Return its objects in a bucket; without a retention, to read."""
        return LedgerObjects(clients.s3(), bucket, self.ledger_id, retention)


def deployed_ledger(stage: str, ledger_id: str, origin: str | None) -> DeployedLedger:
    """Find a ledger by stage and id; its origin is in its settings on AWS if not given."""
    name = f"audit-ledger-{stage}"
    if origin is None:
        try:
            origin = SsmSettings(clients.ssm(), stage).read(ledger_id).origin
        except NotFoundError:
            raise UsageError(f"stage {stage} has no ledger {ledger_id}") from None
    key = public_key_der(clients.kms(), f"alias/{name}/{ledger_id}/sequencer")
    dynamodb = clients.dynamodb()
    return DeployedLedger(
        ledger_id,
        origin,
        BlocksTable(dynamodb, f"{name}-blocks", origin),
        EventsTable(dynamodb, f"{name}-events", origin),
        LedgersTable(dynamodb, f"{name}-ledgers", origin),
        block_verifier(raw_public_key(key)),
    )


@contextmanager
def reporting_errors(what: str) -> Iterator[None]:
    """End the command where something does not verify (1) or could not be finished (3)."""
    try:
        yield
    except (FormatError, VerificationError) as error:
        raise FailedError(f"{what}: refused: {error}") from None
    except (LostRaceError, NotFoundError, UnreachableError) as error:
        raise IncompleteError(f"{what}: {error}") from None
    except clients.AwsError as error:
        raise IncompleteError(f"{what}: not finished: {_describe(error)}") from None


def _describe(error: Exception) -> str:
    """AWS' word for it, and which call it was: never what was sent."""
    operation = getattr(error, "operation_name", "")
    return f"{clients.error_code(error)}{f' ({operation})' if operation else ''}"
