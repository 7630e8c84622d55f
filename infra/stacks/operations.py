"""For operators: the topic of all alarms, and the key that encrypts logs and alarms."""

import hashlib

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.constructs.alarms import Operations
from infra.iam.statements import allow
from infra.settings import Settings
from infra.stage_stack import StageStack


class OperationsStack(StageStack):
    """Shared by all stacks of a stage, and deployed first."""

    def __init__(self, scope: Construct, settings: Settings) -> None:
        super().__init__(scope, "operations", settings, "Audit Ledger: alarms, key of the logs")
        key = kms.Key(
            self,
            "Key",
            description=f"{self.names.prefix}: logs and alarms",
            enable_key_rotation=True,
            removal_policy=self.removal_policy,
        )
        key.add_alias(f"{self.names.prefix}/operations")
        logs = f"log-group:*{self.names.prefix}*"
        key.add_to_resource_policy(
            allow(
                "LogGroupsOfThisStage",
                ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*"],
                ["*"],
                {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": self.names.arn("logs", logs)}},
                iam.ServicePrincipal(f"logs.{self.region}.amazonaws.com"),
            )
        )
        # Without a condition on the source: not every service passes it to KMS, and an alarm that
        # cannot be encrypted would be lost without notice. The topic's own policy has a condition.
        key.add_to_resource_policy(
            allow(
                "AlarmsToTheTopic",
                ["kms:Decrypt", "kms:GenerateDataKey*"],
                ["*"],
                None,
                iam.ServicePrincipal("cloudwatch.amazonaws.com"),
            )
        )
        topic = sns.Topic(
            self,
            "Alarms",
            topic_name=self.names.named("alarms"),
            display_name=f"Audit Ledger {settings.stage}",
            master_key=key,
            enforce_ssl=True,
        )
        topic.add_to_resource_policy(
            allow(
                "AlarmsOfThisAccount",
                ["sns:Publish"],
                [topic.topic_arn],
                {"StringEquals": {"aws:SourceAccount": self.account}},
                iam.ServicePrincipal("cloudwatch.amazonaws.com"),
            )
        )
        for email in dict.fromkeys(settings.alarm_emails):  # named after itself: it confirms once
            sns.CfnSubscription(
                self,
                f"Email{hashlib.sha256(email.encode()).hexdigest()[:16]}",
                protocol="email",
                endpoint=email,
                topic_arn=topic.topic_arn,
            )
        self.output("AlarmTopic", topic.topic_arn, "Every alarm is announced here")
        self.operations = Operations(key, topic)
        cdk.Tags.of(key).add("audit-ledger-use", "operations")
