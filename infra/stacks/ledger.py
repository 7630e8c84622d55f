"""One ledger: keys, queues, sequencer, publisher and its schedule, rules of its portals."""

import json
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.constructs.alarms import Operations, alarm, ledger_metric, succeeded, total
from infra.constructs.function import LedgerFunction
from infra.constructs.ledger_functions import (
    publisher_environment,
    publisher_permissions,
    schedule_role,
    sequencer_environment,
    sequencer_permissions,
)
from infra.constructs.ledger_keys import add_ledger_keys
from infra.constructs.ledger_queues import LedgerQueues, add_ledger_queues
from infra.constructs.portal_rules import add_portal_rules
from infra.settings import Ledger, Settings, ledger_parameter
from infra.stage_stack import StageStack

SEQUENCER_SECONDS = 60
PUBLISHER_SECONDS = 180
BATCH_MESSAGES = 1000
BATCH_WINDOW_SECONDS = 1
MAX_SEQUENCERS = 2
MAX_PUBLISHERS = 3  # a run may last three minutes, and one starts every minute
SILENT_MINUTES = 15


class LedgerStack(StageStack):
    """All resources of one ledger; its failures do not affect another."""

    def __init__(
        self, scope: Construct, settings: Settings, ledger: Ledger, operations: Operations
    ) -> None:
        super().__init__(scope, f"ledger-{ledger.id}", settings, f"Audit Ledger: {ledger.id}")
        self._ledger = ledger
        self._operations = operations
        cdk.Tags.of(self).add("ledger", ledger.id)  # costs; and bucket policies go by it
        keys = add_ledger_keys(self, ledger)
        queues = add_ledger_queues(self, ledger, operations)
        names = self.names
        sequencer = self._add_function(
            "sequencer",
            environment=sequencer_environment(names, settings, ledger),
            may=sequencer_permissions(names, settings, ledger, keys),
            timeout_seconds=SEQUENCER_SECONDS,
            reserved=MAX_SEQUENCERS,
            why_no_dead_letters=(
                "Only an event source mapping runs it; messages that it cannot append go to "
                "the dead-letter queue of the queue they come from."
            ),
        )
        publisher = self._add_function(
            "publisher",
            environment=publisher_environment(names, settings, ledger),
            may=publisher_permissions(names, settings, ledger, keys),
            timeout_seconds=PUBLISHER_SECONDS,
            reserved=MAX_PUBLISHERS,
            why_no_dead_letters=(
                "A run carries no data: the next one, a minute later, does all that a failed one "
                "left undone. Errors and 15 minutes without a successful run raise alarms."
            ),
        )
        self._feed(sequencer, queues)
        self._schedule(publisher, queues)
        self._watch(sequencer, publisher)
        ssm.CfnParameter(
            self,
            "Setting",
            name=names.parameter(ledger.id),
            type="String",
            value=json.dumps(ledger_parameter(settings, ledger)),
            description=f"Settings of {ledger.id} for functions",
        )
        add_portal_rules(self, ledger)
        self._add_outputs()

    def _add_function(self, source: str, **options: Any) -> LedgerFunction:
        return LedgerFunction(
            self,
            source.capitalize(),
            self._operations,
            name=self.names.of_ledger(self._ledger.id, source),
            source=source,
            memory_mb=1024,
            **options,
        )

    def _feed(self, sequencer: LedgerFunction, queues: LedgerQueues) -> None:
        """Large batches keep the ledger cheap; two at a time at most, fenced by put-if-absent."""
        sequencer.function.add_event_source_mapping(
            "Feed",
            event_source_arn=queues.waiting.queue_arn,
            batch_size=BATCH_MESSAGES,
            max_batching_window=cdk.Duration.seconds(BATCH_WINDOW_SECONDS),
            max_concurrency=MAX_SEQUENCERS,
            report_batch_item_failures=True,
        )
        lambda_.CfnEventSourceMapping(
            self,
            "ArchiveDeadLetters",
            function_name=self.names.named("dead-letters"),
            event_source_arn=queues.dead_letters.queue_arn,
            batch_size=10,
            function_response_types=["ReportBatchItemFailures"],
        )

    def _schedule(self, publisher: LedgerFunction, queues: LedgerQueues) -> None:
        publisher.function.configure_async_invoke(
            max_event_age=cdk.Duration.seconds(60), retry_attempts=0
        )
        role, policy = schedule_role(self, self._ledger)
        target = scheduler.CfnSchedule.TargetProperty(
            arn=publisher.function.function_arn,
            role_arn=role.role_arn,
            input="{}",
            retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                maximum_event_age_in_seconds=60, maximum_retry_attempts=2
            ),
            dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(
                arn=queues.unpublished.queue_arn
            ),
        )
        schedule = scheduler.CfnSchedule(
            self,
            "Schedule",
            name=publisher.name,
            description=f"Publishes {self._ledger.id}",
            schedule_expression="rate(1 minute)",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=target,
        )
        schedule.node.add_dependency(policy)  # or the first minutes' runs would be refused

    def _watch(self, sequencer: LedgerFunction, publisher: LedgerFunction) -> None:
        ledger_id = self._ledger.id
        frozen = [ledger_metric("Frozen", function.name) for function in (sequencer, publisher)]
        alarm(
            self,
            "FrozenAlarm",
            total("frozen", frozen),
            self._operations,
            name=f"{self.names.queue(ledger_id)}-frozen",
            description=(
                f"{ledger_id} is frozen: tables and what is published disagree. Nothing is written "
                "until a command lifts it; events keep being accepted and wait, seven days before "
                "the first becomes a dead letter. Treat it as an attack until the reason, in the "
                "publisher's log, shows otherwise."
            ),
        )
        alarm(
            self,
            "UnfinishedAlarm",
            ledger_metric("UnfinishedBatches", sequencer.name, period=cdk.Duration.minutes(15)),
            self._operations,
            minutes=2,  # periods, of 15 minutes each: what fails comes again every twelve
            name=f"{self.names.queue(ledger_id)}-unfinished",
            description=(
                f"For half an hour DynamoDB or KMS have refused calls that append to {ledger_id}; "
                "the sequencer's log names the error. Events wait, and are tried again by "
                "themselves for seven days."
            ),
        )
        alarm(
            self,
            "RefusedAlarm",
            ledger_metric("Refused", sequencer.name),
            self._operations,
            name=f"{self.names.queue(ledger_id)}-refused",
            description=(
                f"The queue of {ledger_id} contains a message that its sequencer cannot read: not "
                "from ingest, or from a newer version of it. The sender is in "
                "CloudTrail; after seven days it is archived as a dead letter."
            ),
        )
        alarm(
            self,
            "NotPublishedAlarm",
            succeeded(publisher.name, cdk.Duration.minutes(SILENT_MINUTES)),
            self._operations,
            below=1,
            missing_is_bad=True,
            name=f"{self.names.queue(ledger_id)}-not-published",
            description=(
                f"No run of the publisher of {ledger_id} has succeeded for {SILENT_MINUTES} "
                "minutes. After 75 minutes without a checkpoint verifiers call the ledger stale."
            ),
        )

    def _add_outputs(self) -> None:
        names, ledger_id = self.names, self._ledger.id
        self.output("Origin", self.settings.origin(self._ledger), "Its name to the world")
        self.output("Keys", names.key_alias(ledger_id, "*"), "For `ledger policy`: its KMS keys")
        self.output("DeadLetters", names.dead_letters(ledger_id), "What could not be appended")
