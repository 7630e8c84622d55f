"""The queues of one ledger: what waits to be appended, what could not be, what was not started."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs

from infra.alarms import alarm, of_queue, total
from infra.operations import Operations
from infra.settings import Ledger
from infra.stage_stack import StageStack, acknowledge

WAITING_DAYS = 7
DEAD_LETTER_DAYS = 14
MAX_RECEIVES = 10
"""Times a message is tried, six sequencer time-outs apart: an hour's outage loses none."""

MAX_MESSAGE_BYTES = 1024 * 1024
MAX_AGE_SECONDS = 600


@dataclass(frozen=True)
class LedgerQueues:
    """The queues of one ledger."""

    waiting: sqs.Queue
    dead_letters: sqs.Queue
    unpublished: sqs.Queue


def add_ledger_queues(
    stack: StageStack, ledger: Ledger, operations: Operations, sequencer_timeout_seconds: int
) -> LedgerQueues:
    """Add the queues and their alarms."""
    names = stack.names
    waiting_arn = names.queue_arn(names.queue(ledger.id))
    dead_letters = sqs.Queue(
        stack,
        "DeadLetters",
        queue_name=names.dead_letters(ledger.id),
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=cdk.Duration.days(DEAD_LETTER_DAYS),
        max_message_size_bytes=MAX_MESSAGE_BYTES,
        visibility_timeout=cdk.Duration.seconds(180),
        redrive_allow_policy=sqs.RedriveAllowPolicy(
            redrive_permission=sqs.RedrivePermission.BY_QUEUE,
            source_queues=[sqs.Queue.from_queue_arn(stack, "WaitingByName", waiting_arn)],
        ),
    )
    waiting = sqs.Queue(
        stack,
        "Waiting",
        queue_name=names.queue(ledger.id),
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=cdk.Duration.days(WAITING_DAYS),
        max_message_size_bytes=MAX_MESSAGE_BYTES,
        visibility_timeout=cdk.Duration.seconds(6 * sequencer_timeout_seconds),
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=MAX_RECEIVES),
    )
    unpublished = sqs.Queue(
        stack,
        "Unpublished",
        queue_name=names.unpublished(ledger.id),
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=cdk.Duration.days(DEAD_LETTER_DAYS),
    )
    acknowledge(
        unpublished,
        "It is the dead-letter queue of the schedule; what is in it only tells a person why a run "
        "was not started, and the next run does its work.",
        ["AwsSolutions-SQS3"],
    )
    _watch(stack, ledger, operations)
    return LedgerQueues(waiting, dead_letters, unpublished)


def _watch(stack: StageStack, ledger: Ledger, operations: Operations) -> None:
    names = stack.names
    waiting, dead = names.queue(ledger.id), names.dead_letters(ledger.id)
    # Received counts too: the function that archives a dead letter takes it off the queue within
    # the minute, often before CloudWatch looks.
    alarm(
        stack,
        "DeadLettersAlarm",
        total(
            "dead letters",
            [
                of_queue("NumberOfMessagesReceived", dead, "Sum"),
                of_queue("ApproximateNumberOfMessagesVisible", dead),
            ],
        ),
        operations,
        name=f"{dead}-letters",
        description=(
            f"Messages to {ledger.id} could not be appended. They are in the archive bucket under "
            f"{ledger.id}/dead-letters/; find the cause in the sequencer's log, then return them."
        ),
    )
    alarm(
        stack,
        "OldestMessageAlarm",
        of_queue("ApproximateAgeOfOldestMessage", waiting),
        operations,
        over=MAX_AGE_SECONDS,
        minutes=3,
        name=f"{waiting}-old",
        description=(
            f"Accepted events wait longer than ten minutes to be appended to {ledger.id}. Nothing "
            "is lost for seven days: look whether the ledger is frozen or the sequencer fails."
        ),
    )
    unpublished = names.unpublished(ledger.id)
    alarm(
        stack,
        "UnpublishedAlarm",
        of_queue("ApproximateNumberOfMessagesVisible", unpublished),
        operations,
        name=unpublished,
        description=(
            f"The schedule could not start the publisher of {ledger.id}; the message in "
            f"{unpublished} says why. The next run publishes what this one did not."
        ),
    )
