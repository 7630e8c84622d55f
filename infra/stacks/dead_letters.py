"""The function that copies every dead letter to the archive at once."""

from constructs import Construct

from audit_ledger.settings.environment import DeadLettersEnvironment
from infra.constructs.alarms import Operations
from infra.constructs.function import LedgerFunction
from infra.iam.permissions import Permission
from infra.settings import Settings
from infra.stage_stack import StageStack

_SEALED = "Messages are sealed: it can copy but not read them."


class DeadLettersStack(StageStack):
    """Shared by all ledgers: each ledger's stack maps its dead-letter queue to it."""

    def __init__(self, scope: Construct, settings: Settings, operations: Operations) -> None:
        super().__init__(scope, "dead-letters", settings, "Audit Ledger: archive of dead letters")
        names = self.names
        LedgerFunction(
            self,
            "DeadLetters",
            operations,
            name=names.named("dead-letters"),
            source="dead_letters",
            environment=DeadLettersEnvironment(
                stage=settings.stage,
                archive_bucket=names.bucket("archive"),
                lock_mode=settings.retention.mode,
                lock_days=settings.retention.days,
            ),
            may=[
                Permission(
                    "TakeDeadLetters",
                    ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
                    [names.queue_arn(names.dead_letters("*"))],
                    why_pattern=f"The dead-letter queue of every ledger. {_SEALED}",
                ),
                # Reading, to compare an object that exists already.
                Permission(
                    "Archive",
                    ["s3:PutObject", "s3:PutObjectRetention", "s3:GetObject"],
                    [names.bucket_arn("archive", "*/dead-letters/*")],
                    why_pattern=f"The dead letters of every ledger, and no blocks. {_SEALED}",
                ),
            ],
            memory_mb=256,
            timeout_seconds=30,
            reserved=2,
            why_no_dead_letters=(
                "Only event source mappings of dead-letter queues run it; a message that it cannot "
                "copy stays in its queue for 14 days and raises an alarm."
            ),
        )
