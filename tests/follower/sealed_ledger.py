"""A small ledger on moto whose records are sealed by hand, with any content."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from os import urandom
from typing import Any

from audit_ledger.aws.kms_data_keys import WrappingKey
from audit_ledger.aws.ledgers_table import LedgersTable
from audit_ledger.aws.ssm_settings import SsmSettings
from audit_ledger.aws.subjects_table import SubjectsTable
from audit_ledger.aws.views_table import ViewsTable
from audit_ledger.detections.finding import PublicFinding
from audit_ledger.detections.settings import DetectionSettings
from audit_ledger.detections.staff_directory import Directory
from audit_ledger.reading.ledger import ReadableLedger, Tables, ledgers
from audit_ledger.records.index_row import IndexRow
from audit_ledger.records.pseudonyms import subject_key_hash
from audit_ledger.records.queue_message import QueueMessage
from audit_ledger.records.record import new_record
from audit_ledger.records.seal import seal, subject_key
from audit_ledger.records.sealed_record import SealedRecord, SealHeader
from functions.follower.follow import Follower
from functions.follower.run_state import FollowResult
from functions.sequencer import handler as sequencing
from tests.world import ALIAS, LEDGER, NAME, ORIGIN, World

NOW = 1_795_400_000


@dataclass
class SealedLedger:
    """Appends records and follows them.

    `announced`: findings on the bus; `waits`: how often the follower waited for secrets.
    """

    world: World
    announced: list[PublicFinding] = field(default_factory=list)
    waits: int = 0
    appended: int = 0

    def append(self, *resources: bytes, portal: str = "ehr") -> None:
        """Append a record of each resource, in one batch."""
        world = self.world
        wrapped = LedgersTable(world.dynamodb, f"{NAME}-ledgers", ORIGIN).keys()
        assert wrapped is not None
        keys = WrappingKey(world.kms, f"{ALIAS}/wrapping", ORIGIN).unwrap(wrapped)
        key = subject_key_hash(keys.index_key, None)
        subjects = SubjectsTable(world.dynamodb, f"{NAME}-subjects", ORIGIN)
        secret = subjects.current([key], 2026)[key]
        records = []
        for resource in resources:
            self.appended += 1
            row = IndexRow(
                event_id=f"{self.appended:064x}",
                time_ms=NOW * 1000,
                fingerprint=urandom(32),
                generation=secret.generation,
            )
            records.append(
                seal(
                    new_record(portal, NOW * 1000, "fhir-r4", resource).to_bytes(),
                    row,
                    key=subject_key(keys.ledger_key, secret.secret, ORIGIN),
                    binding=keys.binding,
                    header=SealHeader(keys.ledger_key_version, secret.generation),
                    origin=ORIGIN,
                )
            )
        self._sequence(records)

    def _sequence(self, records: Sequence[SealedRecord]) -> None:
        body = QueueMessage(ORIGIN, NOW * 1000, tuple(records)).to_text()
        message = {"messageId": str(self.appended), "body": body}
        context: Any = None
        assert sequencing.handler({"Records": [message]}, context) == {"batchItemFailures": []}

    @property
    def size(self) -> int:
        """The number of entries, including the creation."""
        return 1 + self.appended

    @property
    def views(self) -> ViewsTable:
        return ViewsTable(self.world.dynamodb, f"{NAME}-views", ORIGIN)

    @property
    def ledger(self) -> ReadableLedger:
        tables = Tables(
            *(f"{NAME}-{name}" for name in ("blocks", "events", "subjects", "ledgers", "published"))
        )
        world = self.world
        settings = SsmSettings(world.ssm, "test")
        cache = ledgers("test", settings, world.dynamodb, world.kms, tables, lambda: 0.0)
        return cache.get(LEDGER)

    def follow(self, has_time: Callable[[], bool] = lambda: True) -> FollowResult:
        """Run the follower once, up to the last appended entry."""
        follower = Follower(
            self.ledger,
            self.views,
            Directory(),
            DetectionSettings(),
            self.announced.extend,
            lambda: NOW + 60,
            self._wait,
        )
        return follower.follow(self.size, has_time)

    def _wait(self) -> None:
        self.waits += 1
