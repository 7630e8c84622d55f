"""The event bus on which portals put events, and the queue of events that it could not deliver.

No archive: EventBridge would store events in the clear, where no erasure reaches them.
"""

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from audit_ledger.settings.event_bus import BUS_SOURCE
from infra.constructs.alarms import Operations, alarm, of_queue
from infra.iam.queue_policies import queue_statements
from infra.iam.statements import allow, deny_all, unless_role
from infra.settings import Settings
from infra.stage_stack import StageStack, acknowledge

UNDELIVERED_DAYS = 14


class BusStack(StageStack):
    """One bus for all ledgers of a stage; its rules are in the ledgers' stacks."""

    def __init__(self, scope: Construct, settings: Settings, operations: Operations) -> None:
        super().__init__(scope, "bus", settings, "Audit Ledger: event bus of all ledgers")
        bus = events.EventBus(
            self,
            "Bus",
            event_bus_name=self.names.prefix,
            description="Portals put access and record events here",
        )
        self._let_portals_put(bus)
        self._undelivered()
        alarm(
            self,
            "UndeliveredAlarm",
            of_queue("ApproximateNumberOfMessagesVisible", self.names.undelivered),
            operations,
            name=self.names.undelivered,
            description=(
                "Events from the bus were not accepted: ingest refused them, or failed for hours. "
                f"They are in {self.names.undelivered}, in the clear, for {UNDELIVERED_DAYS} days: "
                "find the cause in ingest's log, put them on the bus again, take them off the "
                "queue."
            ),
        )
        self.output("BusArn", bus.event_bus_arn, "Portals put events here, from their own account")

    def _let_portals_put(self, bus: events.EventBus) -> None:
        """Let portals' accounts put events, in one statement: the policy of a bus is small.

        Portals need a permission of their own account as well. Only publishers and the follower
        may use the ledger's event source: subscribers to digests and findings rely on it.
        """
        names = self.names
        bus.add_to_resource_policy(
            deny_all(
                "OnlyTheLedgerSpeaksAsTheLedger",
                ["events:PutEvents"],
                [bus.event_bus_arn],
                {
                    "ForAnyValue:StringEquals": {"events:source": [BUS_SOURCE]},
                    **unless_role(*names.publisher_roles, names.follower_role),
                },
            )
        )
        found = {p.account for ledger in self.settings.ledgers for p in ledger.portals}
        accounts = sorted(account for account in found if account is not None)
        if accounts:
            roots = iam.CompositePrincipal(*(iam.AccountPrincipal(each) for each in accounts))
            bus.add_to_resource_policy(
                allow(
                    "Portals",
                    ["events:PutEvents"],
                    [bus.event_bus_arn],
                    {"StringNotEquals": {"events:source": BUS_SOURCE}},
                    roots,
                )
            )

    def _undelivered(self) -> None:
        """Make the only queue with events in the clear, encrypted by a KMS key of its own."""
        key = kms.Key(
            self,
            "UndeliveredKey",
            description=f"{self.names.undelivered}: events that ingest did not take",
            enable_key_rotation=True,
            removal_policy=self.removal_policy,
        )
        bus_service = iam.ServicePrincipal("events.amazonaws.com")
        # No condition on the source: not every service passes it to KMS. The queue has one.
        key.add_to_resource_policy(
            allow(
                "RulesOfThisBus", ["kms:Decrypt", "kms:GenerateDataKey"], ["*"], None, bus_service
            )
        )
        queue = sqs.Queue(
            self,
            "Undelivered",
            queue_name=self.names.undelivered,
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=key,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(UNDELIVERED_DAYS),
            max_message_size_bytes=1024 * 1024,
        )
        rules = self.names.arn("events", f"rule/{self.names.prefix}/*")
        queue.add_to_resource_policy(
            allow(
                "RulesOfThisBus",
                ["sqs:SendMessage"],
                [queue.queue_arn],
                {"ArnLike": {"aws:SourceArn": rules}},
                bus_service,
            )
        )
        queue.apply_removal_policy(self.removal_policy)
        for statement in queue_statements(
            self.names,
            queue.queue_arn,
            senders=(self.names.ingest_role,),
            receivers=None,
            services_send=True,
        ):
            queue.add_to_resource_policy(statement)
        acknowledge(
            queue,
            "It is the dead-letter queue of the bus' rules and of ingest; what is in it waits for "
            "a person, and a dead-letter queue behind it would only hide that.",
            ["AwsSolutions-SQS3"],
        )
        self.undelivered_key = key
