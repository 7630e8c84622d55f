"""The tables, separate so that permissions are separate.

All are on demand, with point-in-time recovery. What resource policies deny, they deny to
administrators too: an administrator must first remove the policy, which is recorded.
"""

from collections.abc import Sequence

from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.constructs.alarms import Operations, alarm, metric, total
from infra.iam.rebuild_role import add_rebuild_role
from infra.iam.table_policies import statements_of
from infra.settings import Settings
from infra.stage_stack import StageStack, acknowledge

RECOVERY_DAYS = 35
EVENT_INDEXES = ("patient", "agent", "late")
_STRING = dynamodb.AttributeType.STRING
_NUMBER = dynamodb.AttributeType.NUMBER


class TablesStack(StageStack):
    """Tables of all ledgers of a stage."""

    def __init__(self, scope: Construct, settings: Settings, operations: Operations) -> None:
        super().__init__(scope, "tables", settings, "Audit Ledger: tables of all ledgers")
        self._operations = operations
        # The log itself. Its stream is for a monitor, not built yet, to which any MODIFY or REMOVE
        # is an alarm. Enabled from the first day because it costs nothing until somebody reads it;
        # old images, because of a block that was altered before it was archived they would be the
        # only copy.
        self._table("blocks", "origin", "first_seq", stream=dynamodb.StreamViewType.OLD_IMAGE)
        events = self._table("events", "key", indexes=EVENT_INDEXES)
        for attribute in EVENT_INDEXES:
            _add_index(events, attribute, "place", also=("block",))
        # The secrets: under a KMS key, so that every use of it is in CloudTrail. No stream, no
        # backup but point-in-time recovery: what is erased must be gone everywhere.
        subjects = self._table(
            "subjects",
            "key",
            "generation",
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            indexes=("pseudonym",),
        )
        _add_index(subjects, "pseudonym")
        self._table("ledgers", "key", encryption=dynamodb.TableEncryption.AWS_MANAGED)
        self._table("views", "key")
        self._table("limits", "key")
        add_rebuild_role(self)

    def _table(
        self,
        name: str,
        partition: str,
        sort: str | None = None,
        *,
        encryption: dynamodb.TableEncryption = dynamodb.TableEncryption.DEFAULT,
        stream: dynamodb.StreamViewType | None = None,
        indexes: Sequence[str] = (),
    ) -> dynamodb.Table:
        table = dynamodb.Table(
            self,
            name.capitalize(),
            table_name=self.names.named(name),
            partition_key=dynamodb.Attribute(name=partition, type=_STRING),
            sort_key=dynamodb.Attribute(name=sort, type=_NUMBER) if sort else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=encryption,
            stream=stream,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True, recovery_period_in_days=RECOVERY_DAYS
            ),
            deletion_protection=self.settings.protected,
            removal_policy=self.removal_policy,
        )
        for statement in statements_of(name, self.names):
            table.add_to_resource_policy(statement)
        self._watch(name, indexes)
        acknowledge(
            table,
            _WHY_NO_BACKUP_PLAN[name],
            ["HIPAA.Security-DynamoDBInBackupPlan"],
        )
        return table

    def _watch(self, name: str, indexes: Sequence[str]) -> None:
        """Add alarms for a table and each of its indexes, which DynamoDB counts separately."""
        table = self.names.named(name)
        throttled = [
            metric("AWS/DynamoDB", f"{way}ThrottleEvents", {"TableName": table, **of_index})
            for of_index in ({}, *({"GlobalSecondaryIndexName": index} for index in indexes))
            for way in ("Read", "Write")
        ]
        alarm(
            self,
            f"{name.capitalize()}Throttled",
            total("throttled", throttled),
            self._operations,
            minutes=3,
            name=f"{table}-throttled",
            description=(
                f"DynamoDB refuses calls to {table}: one ledger may write 1,000 units a second. "
                "Nothing is lost, the queue waits; find out which ledger writes so much."
            ),
        )


def _add_index(
    table: dynamodb.Table, attribute: str, sort: str | None = None, also: Sequence[str] = ()
) -> None:
    """Add a sparse index named after its key: items without the attribute are not in it.

    `also`: attributes that it contains besides keys.
    """
    table.add_global_secondary_index(
        index_name=attribute,
        partition_key=dynamodb.Attribute(name=attribute, type=_STRING),
        sort_key=dynamodb.Attribute(name=sort, type=_NUMBER) if sort else None,
        projection_type=(
            dynamodb.ProjectionType.INCLUDE if also else dynamodb.ProjectionType.KEYS_ONLY
        ),
        non_key_attributes=list(also) or None,
    )


_DERIVED = (
    "Derived data, rebuilt from the blocks; point-in-time recovery of 35 days is enabled and "
    "shortens a rebuild."
)
_WHY_NO_BACKUP_PLAN = {
    "blocks": (
        "Every block is also in the archive bucket under Object Lock, written before its "
        "checkpoint is signed; point-in-time recovery of 35 days covers the minute before that."
    ),
    "events": _DERIVED,
    "subjects": (
        "A patient's erasure is final once the last backup has expired. Point-in-time recovery of "
        "35 days is the only backup by design; a backup plan would retain erased secrets."
    ),
    "ledgers": (
        "Small state, recovered from point-in-time recovery of 35 days; an older copy of the "
        "published state must not be restored over a newer one."
    ),
    "views": _DERIVED,
    "limits": "One number for each caller, worthless an hour later: without it a bucket is full.",
}
