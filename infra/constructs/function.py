"""A Lambda function of this project: its own role with a fixed name, encrypted logs, alarms."""

from collections.abc import Sequence
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from audit_ledger.settings.environment import Environment
from infra.assets.bundling import BUNDLE_FOR, code_hash, function_code, platform_of
from infra.constructs.alarms import METRICS_NAMESPACE, Operations, alarm, of_function
from infra.constructs.code_signing import code_signing_of
from infra.constructs.versions import version_of
from infra.iam.permissions import Permission, grant
from infra.settings import LOG_DAYS
from infra.stage_stack import StageStack, acknowledge

ALIAS = "live"
"""The alias by which the API calls a function that starts from a snapshot."""

_RETENTIONS = {
    days: getattr(logs.RetentionDays, member)
    for days, member in zip(
        LOG_DAYS,
        (
            *("ONE_DAY", "THREE_DAYS", "FIVE_DAYS", "ONE_WEEK", "TWO_WEEKS", "ONE_MONTH"),
            *("TWO_MONTHS", "THREE_MONTHS", "FOUR_MONTHS", "FIVE_MONTHS", "SIX_MONTHS"),
            *("ONE_YEAR", "THIRTEEN_MONTHS", "EIGHTEEN_MONTHS", "TWO_YEARS", "THREE_YEARS"),
            *("FIVE_YEARS", "SIX_YEARS", "TEN_YEARS"),
        ),
        strict=True,
    )
}


def encrypted_log_group(
    stack: StageStack, construct: Construct, construct_id: str, name: str, operations: Operations
) -> logs.LogGroup:
    """Make a log group with the stage's retention, under the operations key."""
    return logs.LogGroup(
        construct,
        construct_id,
        log_group_name=name,
        retention=_RETENTIONS[stack.settings.log_days],
        encryption_key=operations.key,
        removal_policy=stack.removal_policy,
    )


class LedgerFunction(Construct):
    """`functions/<source>` on Lambda, named `name` as its role is.

    `may`: its permissions besides writing its own log. `reserved`: its concurrency, in stages that
    reserve; `why_no_dead_letters`: what becomes of a failed call, if the function has no queue of
    its own; `aliases`: of a function with `snap_start`, which is called only through them.
    """

    def __init__(
        self,
        stack: StageStack,
        construct_id: str,
        operations: Operations,
        *,
        name: str,
        source: str,
        environment: Environment,
        may: Sequence[Permission],
        memory_mb: int,
        timeout_seconds: int,
        reserved: int,
        why_no_dead_letters: str = "",
        dead_letters: sqs.IQueue | None = None,
        snap_start: bool = False,
        aliases: Sequence[str] = (ALIAS,),
    ) -> None:
        super().__init__(stack, construct_id)
        self.name = name
        log_group = encrypted_log_group(stack, self, "Log", f"/aws/lambda/{name}", operations)
        self.role = iam.Role(
            self,
            "Role",
            role_name=name,
            description=f"Role of the function {name} and of nothing else",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        )
        write_log = Permission(
            "WriteOwnLog",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [stack.names.arn("logs", f"log-group:/aws/lambda/{name}:*")],
            why_pattern="Log streams of its own log group; Lambda names them.",
        )
        policy = grant(stack, self, "Policy", self.role, name, [*may, write_log])
        variables = environment.variables()
        platform = platform_of(stack.node.try_get_context(BUNDLE_FOR))
        version = version_of(
            stack,
            {
                "source": source,
                "code": code_hash(source, platform),
                "environment": variables,
                "memory": memory_mb,
                "seconds": timeout_seconds,
                "dead letters": dead_letters is not None,
            },
        )
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            description=f"functions/{source}, {version}",
            code=function_code(source, platform),
            handler=f"functions.{source}.handler.handler",
            role=self.role.without_policy_updates(),
            environment={
                **variables,
                "POWERTOOLS_SERVICE_NAME": name,
                "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
                "POWERTOOLS_LOG_LEVEL": "INFO",
            },
            memory_size=memory_mb,
            timeout=cdk.Duration.seconds(timeout_seconds),
            reserved_concurrent_executions=(
                reserved if stack.settings.reserve_concurrency else None
            ),
            dead_letter_queue=dead_letters,
            log_group=log_group,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if snap_start else None,
            code_signing_config=code_signing_of(stack),
        )
        if snap_start:  # by the alias below
            cdk.Annotations.of(self.function).acknowledge_warning(
                "@aws-cdk/aws-lambda:snapStartRequirePublish"
            )
        # Lambda tries the role when a function or mapping is made: the role must be complete.
        self.function.node.add_dependency(policy)
        self.aliases: dict[str, lambda_.Alias] = {}
        if snap_start:
            published = self.function.current_version
            cast(lambda_.CfnVersion, published.node.default_child).override_logical_id(
                f"{construct_id}Version{version}"
            )
            for alias in aliases:
                alias_id = "Alias" if alias == ALIAS else f"{alias.capitalize()}Alias"
                self.aliases[alias] = lambda_.Alias(
                    self, alias_id, alias_name=alias, version=published
                )
        self._watch(operations)
        self._acknowledge(stack, dead_letters, why_no_dead_letters)

    def _watch(self, operations: Operations) -> None:
        alarm(
            self,
            "Errors",
            of_function("Errors", self.name),
            operations,
            name=f"{self.name}-errors",
            description=f"{self.name} fails: its log states the reason.",
        )
        alarm(
            self,
            "Throttles",
            of_function("Throttles", self.name),
            operations,
            name=f"{self.name}-throttles",
            description=(
                f"{self.name} was throttled for lack of concurrency: raise the account's limit of "
                "concurrent executions, or find out which function uses it up."
            ),
        )

    def _acknowledge(
        self,
        stack: StageStack,
        dead_letters: sqs.IQueue | None,
        why_no_dead_letters: str,
    ) -> None:
        acknowledge(
            self.function,
            "It calls only AWS services, over TLS, with a role that names its resources; it "
            "has no private network to protect, and a VPC would add endpoints to trust and pay.",
            ["HIPAA.Security-LambdaInsideVPC"],
        )
        acknowledge(
            self.function,
            "AWS supports Python 3.13 until 2029, and it is the version for which the hashed locks "
            "contain tested wheels; a newer runtime comes with a new lock.",
            ["AwsSolutions-L1"],
        )
        if dead_letters is None:
            acknowledge(self.function, why_no_dead_letters, ["HIPAA.Security-LambdaDLQ"])
        if not stack.settings.reserve_concurrency:
            acknowledge(
                self.function,
                "New AWS accounts may run ten functions at once and reserve none, and developers "
                "use such; prod reserves.",
                ["HIPAA.Security-LambdaConcurrency"],
            )
