"""The function that copies every dead letter to the archive at once."""

from constructs import Construct

from infra.function import LedgerFunction
from infra.operations import Operations
from infra.settings import Settings
from infra.stage_stack import StageStack
from infra.statements import allow


class DeadLettersStack(StageStack):
    """Shared by all ledgers: each ledger's stack maps its dead-letter queue to it."""

    def __init__(self, scope: Construct, settings: Settings, operations: Operations) -> None:
        super().__init__(scope, "dead-letters", settings, "Audit Ledger: archive of dead letters")
        names = self.names
        copies = names.bucket_arn("archive", "*/dead-letters/*")
        LedgerFunction(
            self,
            "DeadLetters",
            operations,
            name=names.named("dead-letters"),
            source="dead_letters",
            environment={"STAGE": settings.stage, "ARCHIVE_BUCKET": names.bucket("archive")},
            may=[
                allow(
                    "TakeDeadLetters",
                    ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
                    [names.queue_arn(names.dead_letters("*"))],
                ),
                allow("Archive", ["s3:PutObject", "s3:GetObject"], [copies]),
            ],
            memory_mb=256,
            timeout_seconds=30,
            reserved=2,
            why_no_dead_letters=(
                "It is run by event source mappings of dead-letter queues only; what it cannot "
                "copy stays in its queue for 14 days, which is an alarm."
            ),
        )
