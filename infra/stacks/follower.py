"""The follower: environment, permissions, and the rule that starts it after each digest."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from audit_ledger.settings.environment import FollowerEnvironment
from audit_ledger.settings.event_bus import BUS_SOURCE, DIGEST_PUBLISHED
from infra.constructs.alarms import Operations, alarm, ledger_metric, of_function
from infra.constructs.directory_bucket import PURPOSE, directory_permissions
from infra.constructs.function import LedgerFunction
from infra.iam.permissions import Permission
from infra.iam.shared_permissions import (
    read_blocks,
    read_keys_and_state,
    read_secrets,
    read_settings,
    unwrap_keys,
)
from infra.settings import Settings
from infra.stacks.bus import BusStack
from infra.stage_stack import StageStack

SECONDS = 15 * 60
MAX_SECONDS_BEHIND = 30 * 60
MAX_EVENT_SECONDS = 300  # of an announcement: the run after the next one does the same work
MAX_METRICS_PER_ALARM = 10  # CloudWatch
FINDING_DETAIL = "Finding"
_ANY_LEDGER = (
    "It follows every ledger of the stage, whose stacks come later: the stage's own prefix."
)


class FollowerStack(StageStack):
    """One follower for all ledgers; it stores its position in each."""

    def __init__(
        self, scope: Construct, settings: Settings, operations: Operations, bus: BusStack
    ) -> None:
        super().__init__(scope, "follower", settings, "Audit Ledger: views derived from records")
        self.add_stack_dependency(bus)  # its rule is one of the bus
        names = self.names
        follower = LedgerFunction(
            self,
            "Follower",
            operations,
            name=names.named("follower"),
            source="follower",
            environment=FollowerEnvironment(
                stage=settings.stage,
                blocks_table=names.named("blocks"),
                events_table=names.named("events"),
                subjects_table=names.named("subjects"),
                ledgers_table=names.named("ledgers"),
                views_table=names.named("views"),
                published_bucket=names.bucket("published"),
                event_bus=names.prefix,
                directory_bucket=names.bucket(PURPOSE) if settings.directory_writers else "",
            ),
            may=[
                *self._permissions(),
                *(directory_permissions(names) if settings.directory_writers else ()),
            ],
            memory_mb=1769,
            timeout_seconds=SECONDS,
            reserved=10,
            why_no_dead_letters=(
                "A run carries no data: the run after the next digest, within the hour, does all "
                "the work of a failed one. Errors, views that fall behind, and digests after which "
                "no run starts raise alarms."
            ),
        )
        follower.function.configure_async_invoke(
            max_event_age=cdk.Duration.seconds(MAX_EVENT_SECONDS), retry_attempts=1
        )
        self._start_after_digests(follower)
        alarm(
            self,
            "NotFollowedAlarm",
            self._digests_not_followed(follower),
            operations,
            minutes=2,
            name=f"{follower.name}-not-following",
            description=(
                "Digests were published for two hours and the follower was not started: its rule "
                "on the bus is gone or disabled, or may not invoke it. No rule looks at events."
            ),
        )
        alarm(
            self,
            "MissingEventsAlarm",
            ledger_metric("NewlyMissing", follower.name),
            operations,
            name=f"{follower.name}-missing-events",
            description=(
                "Events that a portal numbered are missing, more than before. "
                "The follower's log names the ledger, GET /portals/{id}/gaps the numbers; ask the "
                "portal to send them again."
            ),
        )
        alarm(
            self,
            "BehindAlarm",
            ledger_metric("BehindSeconds", follower.name, "Maximum"),
            operations,
            name=f"{follower.name}-behind",
            over=MAX_SECONDS_BEHIND,
            description=(
                "Derived views (gaps, findings, documents) are over half an hour behind what is "
                "published. Runs after each digest catch up; if they do not, see "
                "the follower's log. `ledger rebuild-views` derives them again."
            ),
        )
        if settings.directory_writers:
            alarm(
                self,
                "BadDirectoryAlarm",
                ledger_metric("BadDirectory", follower.name),
                operations,
                name=f"{follower.name}-bad-directory",
                description=(
                    "A file of the directory cannot be read: the follower's log states which file, "
                    "which line and what was expected. Rules use the files read before, or do "
                    "not run. `ledger directory DIR` checks files before they are uploaded."
                ),
            )
        alarm(
            self,
            "UnopenedAlarm",
            ledger_metric("Unopened", follower.name),
            operations,
            name=f"{follower.name}-unopened",
            description=(
                "Entries differ from those that ingest sent: somebody altered messages in the "
                "queue, or a table, or a table was restored. The follower's log and GET /findings "
                "name the entries; every response warns of them. Run ledger verify, and find out "
                "who may reach the queue and the tables."
            ),
        )
        alarm(
            self,
            "UnprocessedAlarm",
            ledger_metric("Unprocessed", follower.name),
            operations,
            name=f"{follower.name}-unprocessed",
            description=(
                "Rules, numbers or documents could not process events that are unaltered. "
                "The follower's log and GET /findings name the entries; they can be searched. A "
                "newer version may process them: `ledger rebuild-views`."
            ),
        )

    def _digests_not_followed(self, follower: LedgerFunction) -> cloudwatch.MathExpression:
        """Return a metric that is 1 for an hour with digests and without a run.

        An alarm has ten metrics at most; with more ledgers, it covers the first ones.
        """
        hour = cdk.Duration.hours(1)
        ledgers = self.settings.ledgers[: MAX_METRICS_PER_ALARM - 1]
        digests = {
            f"d{number}": ledger_metric(
                "Digests", self.names.of_ledger(ledger.id, "publisher")
            ).with_(period=hour)
            for number, ledger in enumerate(ledgers)
        }
        published = " + ".join(f"FILL({name}, 0)" for name in digests)
        return cloudwatch.MathExpression(
            expression=f"IF({published} > 0 AND FILL(runs, 0) < 1, 1, 0)",
            using_metrics={**digests, "runs": of_function("Invocations", follower.name, hour)},
            label="hours not followed",
            period=hour,
        )

    def _permissions(self) -> list[Permission]:
        names = self.names
        return [
            read_blocks(names),
            *read_secrets(names),
            read_keys_and_state(names),
            Permission(
                "KeepViews",
                [
                    "dynamodb:BatchGetItem",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                ],
                [names.table_arn("views")],
            ),
            unwrap_keys(names),
            read_settings(names, _ANY_LEDGER),
            Permission(
                "TellOfFindings",
                ["events:PutEvents"],
                [names.arn("events", f"event-bus/{names.prefix}")],
                {
                    "StringEquals": {
                        "events:source": BUS_SOURCE,
                        "events:detail-type": FINDING_DETAIL,
                    }
                },
            ),
        ]

    def _start_after_digests(self, follower: LedgerFunction) -> None:
        names = self.names
        rule = events.CfnRule(
            self,
            "AfterDigests",
            name=names.named("after-digests"),
            event_bus_name=names.prefix,
            description="Starts the follower after each digest",
            event_pattern={
                "account": [self.account],
                "source": [BUS_SOURCE],
                "detail-type": [DIGEST_PUBLISHED],
            },
            targets=[
                events.CfnRule.TargetProperty(
                    id="follower",
                    arn=follower.function.function_arn,
                    # The origin and nothing else: to rebuild views, a principal must invoke it.
                    input_transformer=events.CfnRule.InputTransformerProperty(
                        input_paths_map={"origin": "$.detail.origin"},
                        input_template='{"detail": {"origin": <origin>}}',
                    ),
                    retry_policy=events.CfnRule.RetryPolicyProperty(
                        maximum_event_age_in_seconds=MAX_EVENT_SECONDS, maximum_retry_attempts=2
                    ),
                )
            ],
        )
        lambda_.CfnPermission(
            self,
            "AfterDigestsMay",
            action="lambda:InvokeFunction",
            function_name=follower.function.function_arn,
            principal="events.amazonaws.com",
            source_account=self.account,
            source_arn=rule.attr_arn,
        )
