"""A ledger for its readers: settings and keys (cached for minutes), tables, files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from audit_ledger.aws.blocks_table import BlocksTable
from audit_ledger.aws.events_search import EventsSearch
from audit_ledger.aws.kms_data_keys import WrappingKey
from audit_ledger.aws.ledgers_table import LedgersTable
from audit_ledger.aws.published_source import S3Source
from audit_ledger.aws.ssm_settings import SsmSettings
from audit_ledger.aws.subjects_table import SubjectsTable
from audit_ledger.aws.ttl_cache import TtlCache
from audit_ledger.events import PatientRule, patient_rule
from audit_ledger.records.ledger_keys import LedgerKeyring
from audit_ledger.settings.reports import ReportSettings
from audit_ledger.token_bucket import Rate

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient


class Tables(msgspec.Struct, frozen=True):
    """Names of the tables, and of the bucket of published files, as in the environment."""

    blocks_table: str
    events_table: str
    subjects_table: str
    ledgers_table: str
    published_bucket: str


@dataclass(frozen=True, repr=False)
class ReadableLedger:
    """The settings, keys, tables and files of one ledger. `keys`: None before its first event."""

    id: str
    origin: str
    rules: Mapping[str, PatientRule]
    """By portal."""
    keys: LedgerKeyring | None
    blocks: BlocksTable
    events: EventsSearch
    subjects: SubjectsTable
    state: LedgersTable
    published: S3Source
    reports: ReportSettings
    detections: Mapping[str, Any]
    reader_limit: Rate | None = None


def ledgers(
    stage: str,
    settings: SsmSettings,
    dynamodb: "DynamoDBClient",
    kms: "KMSClient",
    tables: Tables,
    clock: Callable[[], float],
) -> TtlCache[ReadableLedger]:
    """Return the ledgers of a stage by id; `get` raises NotFoundError for an undeclared id."""
    name = f"audit-ledger-{stage}"

    def read(ledger_id: str) -> ReadableLedger:
        setting = settings.read(ledger_id)
        origin = setting.origin
        state = LedgersTable(dynamodb, tables.ledgers_table, origin)
        wrapped = state.keys()
        wrapping = WrappingKey(kms, f"alias/{name}/{ledger_id}/wrapping", origin)
        return ReadableLedger(
            id=ledger_id,
            origin=origin,
            rules={
                portal: patient_rule(portal, each.patient)
                for portal, each in setting.portals.items()
            },
            keys=None if wrapped is None else wrapping.unwrap_all(wrapped),
            blocks=BlocksTable(dynamodb, tables.blocks_table, origin),
            events=EventsSearch(dynamodb, tables.events_table, origin),
            subjects=SubjectsTable(dynamodb, tables.subjects_table, origin),
            state=state,
            published=S3Source(tables.published_bucket, ledger_id),
            reports=setting.reports,
            detections=setting.detections,
            reader_limit=setting.limits.reader.bucket,
        )

    # A ledger without keys is not cached: its first event may arrive at any moment.
    return TtlCache(read, clock, lambda ledger: ledger.keys is not None)
