"""The context of a ledger in ingest: settings and keys (cached for minutes), subjects, queue."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from audit_ledger.aws.events_table import EventsTable
from audit_ledger.aws.kms_data_keys import WrappingKey
from audit_ledger.aws.ledgers_table import LedgersTable
from audit_ledger.aws.queue import LedgerQueue
from audit_ledger.aws.ssm_settings import SsmSettings
from audit_ledger.aws.subjects_table import SubjectsTable
from audit_ledger.aws.ttl_cache import TtlCache
from audit_ledger.errors import UnreachableError
from audit_ledger.records.keyed_hash import KeyedHash
from audit_ledger.records.ledger_keys import LedgerKeys
from audit_ledger.records.pseudonyms import staff_pseudonym
from audit_ledger.settings.ledger import LedgerSettings
from functions.ingest.idempotency import KnownIds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_sqs import SQSClient

MAX_CACHED_STAFF = 4096  # pseudonyms: the same applications and staff recur all day
MAX_CACHED_NAME_LENGTH = 256  # characters of an identifier: a name may be 256 KB


@dataclass(frozen=True, repr=False)
class LedgerContext:
    """The settings, keys and adapters of one ledger that accepting an event needs."""

    settings: LedgerSettings
    keys: LedgerKeys
    subjects: SubjectsTable
    queue: LedgerQueue
    staff: Callable[[str], bytes]
    known_ids: KnownIds

    @property
    def origin(self) -> str:
        """The origin of the ledger."""
        return self.settings.origin


def cached_staff_pseudonyms(index_key: KeyedHash) -> Callable[[str], bytes]:
    """Return a function from identifier to staff pseudonym that caches its results."""
    cached = lru_cache(MAX_CACHED_STAFF)(partial(staff_pseudonym, index_key))

    def staff(name: str) -> bytes:
        return (
            cached(name)
            if len(name) <= MAX_CACHED_NAME_LENGTH
            else staff_pseudonym(index_key, name)
        )

    return staff


class LedgerContexts:
    """The contexts of a stage's ledgers. `clock` returns monotonic seconds."""

    def __init__(
        self,
        stage: str,
        settings: SsmSettings,
        dynamodb: "DynamoDBClient",
        kms: "KMSClient",
        sqs: "SQSClient",
        subjects_table: str,
        ledgers_table: str,
        events_table: str,
        clock: Callable[[], float],
    ) -> None:
        self._stage = stage
        self._settings = settings
        self._dynamodb = dynamodb
        self._kms = kms
        self._sqs = sqs
        self._subjects_table = subjects_table
        self._ledgers_table = ledgers_table
        self._events_table = events_table
        self._cache = TtlCache(self._read, clock)

    def get(self, ledger_id: str) -> LedgerContext:
        """Return a ledger's context; raise NotFoundError if it is not declared."""
        return self._cache.get(ledger_id)

    def _read(self, ledger_id: str) -> LedgerContext:
        name = f"audit-ledger-{self._stage}"
        setting = self._settings.read(ledger_id)
        origin = setting.origin
        wrapping = WrappingKey(self._kms, f"alias/{name}/{ledger_id}/wrapping", origin)
        wrapped = LedgersTable(self._dynamodb, self._ledgers_table, origin).keys()
        if wrapped is None:  # the publisher creates them in the first minute of a ledger
            raise UnreachableError("the ledger has no keys yet")
        keys = wrapping.unwrap(wrapped)
        index = EventsTable(self._dynamodb, self._events_table, origin)
        return LedgerContext(
            setting,
            keys,
            SubjectsTable(self._dynamodb, self._subjects_table, origin),
            LedgerQueue(self._sqs, f"{name}-{ledger_id}"),
            cached_staff_pseudonyms(keys.index_key),
            KnownIds(index.fingerprints),
        )
