"""The queues of one ledger: waiting messages, dead letters, and runs that were not started.

A message that cannot be appended (the ledger is frozen, KMS or DynamoDB fail) is received again
every twelve minutes for seven days. Only then is it a dead letter, archived at once and long before
its queue would delete it: see docs/decisions/0018-receives-carry-messages-to-the-archive.md.
"""

from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs

from infra.constructs.alarms import Operations, alarm, of_queue, total
from infra.iam.queue_policies import queue_statements
from infra.settings import Ledger
from infra.stage_stack import StageStack, acknowledge

MAX_RETENTION_DAYS = 14  # of SQS, counted from when a message was first sent
TRIED_DAYS = 7
RETRY_SECONDS = 720
"""How long a message that failed is invisible: twelve sequencer time-outs (AWS asks for six)."""

MAX_RECEIVES = TRIED_DAYS * 86_400 // RETRY_SECONDS
"""Times a message is tried; 1,000 is SQS' most."""

MAX_MESSAGE_BYTES = 1024 * 1024
MAX_AGE_SECONDS = 600


@dataclass(frozen=True)
class LedgerQueues:
    """The queues of one ledger."""

    waiting: sqs.Queue
    dead_letters: sqs.Queue
    unpublished: sqs.Queue


def add_ledger_queues(stack: StageStack, ledger: Ledger, operations: Operations) -> LedgerQueues:
    """Add the queues and their alarms."""
    names = stack.names
    waiting_arn = names.queue_arn(names.queue(ledger.id))
    dead_letters = _queue(
        stack,
        "DeadLetters",
        names.dead_letters(ledger.id),
        max_message_size_bytes=MAX_MESSAGE_BYTES,
        visibility_timeout=cdk.Duration.seconds(180),
        redrive_allow_policy=sqs.RedriveAllowPolicy(
            redrive_permission=sqs.RedrivePermission.BY_QUEUE,
            source_queues=[sqs.Queue.from_queue_arn(stack, "WaitingByName", waiting_arn)],
        ),
    )
    waiting = _queue(
        stack,
        "Waiting",
        names.queue(ledger.id),
        max_message_size_bytes=MAX_MESSAGE_BYTES,
        visibility_timeout=cdk.Duration.seconds(RETRY_SECONDS),
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=MAX_RECEIVES),
    )
    unpublished = _queue(stack, "Unpublished", names.unpublished(ledger.id))
    acknowledge(
        unpublished,
        "It is the dead-letter queue of the schedule; its messages only state why a run "
        "was not started, and the next run does its work.",
        ["AwsSolutions-SQS3"],
    )
    _protect(stack, ledger, LedgerQueues(waiting, dead_letters, unpublished))
    _watch(stack, ledger, operations)
    return LedgerQueues(waiting, dead_letters, unpublished)


def _queue(stack: StageStack, construct_id: str, name: str, **options: Any) -> sqs.Queue:
    """Add an encrypted queue that stores messages for as long as SQS can."""
    return sqs.Queue(
        stack,
        construct_id,
        queue_name=name,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=cdk.Duration.days(MAX_RETENTION_DAYS),
        **options,
    )


def _protect(stack: StageStack, ledger: Ledger, queues: LedgerQueues) -> None:
    """Restrict the queues to their roles, and retain them when their stack is deleted."""
    names = stack.names
    # The break-glass role returns dead letters.
    ingest, rebuild = names.ingest_role, names.rebuild_role
    sequencer = names.role_arn(names.of_ledger(ledger.id, "sequencer"))
    schedule = names.role_arn(names.of_ledger(ledger.id, "schedule"))
    for queue, name, senders, receivers in (
        (queues.waiting, names.queue(ledger.id), (ingest, rebuild), (sequencer,)),
        # Nobody sends: SQS itself moves messages there.
        (queues.dead_letters, names.dead_letters(ledger.id), (), (names.dead_letters_role,)),
        (queues.unpublished, names.unpublished(ledger.id), (schedule,), None),
    ):
        queue.apply_removal_policy(stack.removal_policy)
        for statement in queue_statements(
            names,
            names.queue_arn(name),
            senders=senders,
            receivers=receivers,
            services_send=not senders,
        ):
            queue.add_to_resource_policy(statement)


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
            f"Messages to {ledger.id} could not be appended for seven days. They are in the "
            f"archive bucket under {ledger.id}/dead-letters/; repair the cause, which the "
            "sequencer's log states, lift a freeze, then return them by `ledger redrive`."
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
            f"Accepted events wait longer than ten minutes to be appended to {ledger.id}. They are "
            "tried every twelve minutes for seven days, then archived as dead letters: look "
            "whether the ledger is frozen or the sequencer fails. SQS leaves out of their age what "
            "was received three times, so the alarm may end while they wait."
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
            f"{unpublished} states the reason: delete it when it is read. The next run publishes "
            "what this one did not."
        ),
    )
