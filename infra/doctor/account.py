"""Checks of an AWS account. They read and change nothing, except `key_specs` if requested."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.doctor.finding import PreflightFinding
from infra.doctor.needs import Needs
from infra.names import Names
from infra.settings import Settings

Client = Callable[[str], Any]
"""Return a boto3 client of a service in the region that is deployed to."""

RUNBOOK = "docs/runbooks/first-deployment.md"
BOOTSTRAP_PARAMETER = "/cdk-bootstrap/{qualifier}/version"
MIN_BOOTSTRAP = 6
UNRESERVED = 100
"""Concurrency that Lambda leaves unreserved: quotas, "reserved concurrency"."""

FRESH_CONCURRENCY = 10  # of a new account, which serves a developer's stage and no more
EXECUTION_ROLE = "cdk-{qualifier}-cfn-exec-role-{account}-{region}"
ACTIONS = (
    *("cloudfront:CreateDistribution", "cloudwatch:PutMetricAlarm", "cognito-idp:CreateUserPool"),
    *("dynamodb:CreateTable", "dynamodb:PutResourcePolicy", "events:CreateEventBus"),
    *("events:PutRule", "iam:CreateRole", "iam:CreatePolicy", "kms:CreateKey", "kms:CreateAlias"),
    *("lambda:CreateFunction", "lambda:CreateEventSourceMapping", "lambda:PublishVersion"),
    *("lambda:PutFunctionConcurrency", "logs:CreateLogGroup", "s3:CreateBucket"),
    *("s3:PutBucketPolicy", "s3:PutBucketObjectLockConfiguration", "scheduler:CreateSchedule"),
    *("sns:CreateTopic", "sqs:CreateQueue", "ssm:PutParameter"),
)
"""Actions of CloudFormation for the stacks, one for each kind of resource."""

_MISSING = frozenset(
    {
        *("ResourceNotFoundException", "NotFoundException", "ParameterNotFound"),
        *("NoSuchBucket", "404", "NoSuchEntity", "ValidationError"),
        *("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"),
    }
)
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"})
_NOTHING_OF_USE = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"})
"""States in which a stack must be deleted before it can be deployed."""

_AFTER_FAILURE = _NOTHING_OF_USE | {"CREATE_FAILED", "UPDATE_ROLLBACK_FAILED"}


@dataclass(frozen=True)
class Account:
    """The account of the current credentials."""

    client: Client
    settings: Settings
    needs: Needs
    id: str
    region: str
    qualifier: str = Names.qualifier

    def findings(self, *, try_keys: bool) -> Iterator[PreflightFinding]:
        """Make every check. The result is unknown if a call is denied or fails."""
        checks: dict[str, Callable[[], Iterator[PreflightFinding]]] = {
            "bootstrap": self.bootstrap,
            "stacks": self.stacks,
            "leftovers": self.leftovers,
            "concurrency": self.concurrency,
            "quotas": self.quotas,
            "permissions": self.permissions,
            "key specs": lambda: self.key_specs(make=try_keys),
            "certificate": self.certificate,
        }
        for name, check in checks.items():
            try:
                yield from check()
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code", "")
                why = "may not ask" if code in _DENIED else f"{code} from"
                yield PreflightFinding(name, "unknown", f"{why} {error.operation_name}")
            except BotoCoreError as error:
                yield PreflightFinding(
                    name, "unknown", f"AWS could not be reached: {type(error).__name__}"
                )

    def bootstrap(self) -> Iterator[PreflightFinding]:
        """The CDK toolkit's own stack: asset bucket and roles."""
        do = "npx --yes aws-cdk bootstrap (see docs/deployment.md for the version)"
        name = BOOTSTRAP_PARAMETER.format(qualifier=self.qualifier)
        found = _unless_missing(
            lambda: self.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
        )
        if found is None:
            yield PreflightFinding("bootstrap", "problem", f"{self.region} is not bootstrapped", do)
        elif not found.isdecimal() or int(found) < MIN_BOOTSTRAP:
            yield PreflightFinding(
                "bootstrap", "problem", f"version {found}, {MIN_BOOTSTRAP} at least", do
            )
        else:
            yield PreflightFinding("bootstrap", "ok", f"version {found}")

    def stacks(self) -> Iterator[PreflightFinding]:
        """Stacks that a failed deployment left in a state that the next cannot go on from."""
        states = self._states()
        failed = {stack: s for stack, s in states.items() if s in _AFTER_FAILURE}
        for stack, status in failed.items():
            yield PreflightFinding("stacks", "problem", f"{stack}: {status}", f"see {RUNBOOK}")
        if not failed:
            there = sum(status is not None for status in states.values())
            yield PreflightFinding("stacks", "ok", f"{there} of {len(states)} are there")

    def leftovers(self) -> Iterator[PreflightFinding]:
        """Named things without a stack of use: the next deployment would find its names taken."""
        states = self._states()
        left = 0
        for kind, name, stack in self._present():
            state = states[stack]
            if state is None or state in _NOTHING_OF_USE:
                left += 1
                where = "not" if state is None else f"at {state}"
                what = kind.removeprefix("AWS::")
                found = f"{what} {name} is there, and its stack {stack} is {where}"
                yield PreflightFinding("leftovers", "problem", found, f"see {RUNBOOK}")
        if not left:
            yield PreflightFinding("leftovers", "ok", "no name is taken")

    def concurrency(self) -> Iterator[PreflightFinding]:
        """What prod reserves, beside what must stay free; what dev shares."""
        limits = self.client("lambda").get_account_settings()["AccountLimit"]
        limit, free = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]
        held = sum(self._reserved(function) for function in self.needs.reserved)
        needed = sum(self.needs.reserved.values())
        raise_it = 'Service Quotas: Lambda, "Concurrent executions"'
        if not needed:
            found = f"{limit} functions may run at once, nothing is reserved"
            if limit > FRESH_CONCURRENCY:
                yield PreflightFinding("concurrency", "ok", found)
            else:
                yield PreflightFinding("concurrency", "warning", found, raise_it)
            return
        left = free + held - needed
        found = f"{needed} to reserve, {free + held} unreserved, of which {UNRESERVED} must stay"
        if left < UNRESERVED:
            do = f"{raise_it}, to {limit + UNRESERVED - left} at least"
            yield PreflightFinding("concurrency", "problem", found, do)
        else:
            yield PreflightFinding("concurrency", "ok", found)

    def quotas(self) -> Iterator[PreflightFinding]:
        """Roles and policies of IAM: one each for a function, more for each ledger."""
        iam = self.client("iam")
        summary = iam.get_account_summary()["SummaryMap"]
        for kind, what in (("AWS::IAM::Role", "Roles"), ("AWS::IAM::ManagedPolicy", "Policies")):
            states = self._states()
            missing = sum(1 for stack in self.needs.named[kind].values() if states[stack] is None)
            used, most = summary[what], summary[f"{what}Quota"]
            found = f"{what.lower()}: {missing} to make, {used} of {most} used"
            fits = used + missing <= most
            do = "" if fits else f"Service Quotas: IAM, {what}"
            yield PreflightFinding("quotas", "ok" if fits else "problem", found, do)

    def permissions(self) -> Iterator[PreflightFinding]:
        """Whether the role that CloudFormation takes may make each kind of resource."""
        partition = self.client("sts").get_caller_identity()["Arn"].split(":")[1]
        role = EXECUTION_ROLE.format(qualifier=self.qualifier, account=self.id, region=self.region)
        arn = f"arn:{partition}:iam::{self.id}:role/{role}"
        found = _unless_missing(
            lambda: self.client("iam").simulate_principal_policy(
                PolicySourceArn=arn, ActionNames=list(ACTIONS)
            )
        )
        if found is None:
            yield PreflightFinding("permissions", "unknown", f"no role {role}", "bootstrap first")
            return
        denied = sorted(
            r["EvalActionName"]
            for r in found["EvaluationResults"]
            if r["EvalDecision"] != "allowed"
        )
        if denied:
            yield PreflightFinding("permissions", "problem", f"{role} may not {', '.join(denied)}")
        else:
            yield PreflightFinding("permissions", "ok", f"{role} may make what the stacks hold")

    def key_specs(self, *, make: bool) -> Iterator[PreflightFinding]:
        """Whether the region makes keys of these specs: no call of KMS tells without making one."""
        kms = self.client("kms")
        known = set()
        for alias in self.needs.named["AWS::KMS::Alias"]:
            key = _unless_missing(lambda alias=alias: kms.describe_key(KeyId=alias))  # type: ignore[misc]
            if key is not None:
                known.add(key["KeyMetadata"]["KeySpec"])
        for spec in sorted(self.needs.key_specs):
            if spec in known:
                yield PreflightFinding("key specs", "ok", f"{spec}: there is one")
            elif make:
                yield self._made(kms, spec)
            else:
                do = "--try-keys makes one and schedules its deletion, which costs nothing"
                yield PreflightFinding("key specs", "unknown", f"{spec}: not tried", do)

    def certificate(self) -> Iterator[PreflightFinding]:
        """Whether the certificate is issued, and for this domain."""
        arn, domain = self.settings.certificate, self.settings.domain
        if arn is None:
            return
        found = self.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
        names = {found["DomainName"], *found.get("SubjectAlternativeNames", ())}
        covered = {domain, "*." + domain.partition(".")[2]} & names
        if found["Status"] != "ISSUED" or not covered:
            said = f"{found['Status']}, of {', '.join(sorted(names))}"
            yield PreflightFinding(
                "certificate", "problem", said, f"an issued certificate of {domain}"
            )
        else:
            yield PreflightFinding("certificate", "ok", f"issued for {domain}")

    def _made(self, kms: Any, spec: str) -> PreflightFinding:
        use = "ENCRYPT_DECRYPT" if spec == "SYMMETRIC_DEFAULT" else "SIGN_VERIFY"
        try:
            key = kms.create_key(KeySpec=spec, KeyUsage=use, Description="ledger doctor: deleted")
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _DENIED:
                raise
            return PreflightFinding("key specs", "problem", f"{spec}: {code}", "another region")
        kms.schedule_key_deletion(KeyId=key["KeyMetadata"]["KeyId"], PendingWindowInDays=7)
        return PreflightFinding("key specs", "ok", f"{spec}: made one; it is being deleted")

    def _states(self) -> dict[str, str | None]:
        """The state of each of our stacks; None of one that is not there."""
        pages = self.client("cloudformation").get_paginator("describe_stacks").paginate()
        there = {s["StackName"]: s["StackStatus"] for page in pages for s in page["Stacks"]}
        return {stack: there.get(stack) for stack in self.needs.stacks}

    def _reserved(self, function: str) -> int:
        answer = _unless_missing(
            lambda: self.client("lambda").get_function_concurrency(FunctionName=function)
        )
        return int((answer or {}).get("ReservedConcurrentExecutions", 0))

    def _present(self) -> Iterator[tuple[str, str, str]]:
        """Return the existing resources with names of the stacks: kind, name, stack."""
        lookups: dict[str, Callable[[str], Any]] = {
            "AWS::DynamoDB::Table": lambda n: self.client("dynamodb").describe_table(TableName=n),
            "AWS::S3::Bucket": lambda n: self.client("s3").head_bucket(Bucket=n),
            "AWS::KMS::Alias": lambda n: self.client("kms").describe_key(KeyId=n),
            "AWS::IAM::Role": lambda n: self.client("iam").get_role(RoleName=n),
            "AWS::SQS::Queue": lambda n: self.client("sqs").get_queue_url(QueueName=n),
        }
        for kind, ask in lookups.items():
            for name, stack in self.needs.named[kind].items():
                if _unless_missing(lambda ask=ask, name=name: ask(name)) is not None:  # type: ignore[misc]
                    yield kind, name, stack
        yield from self._listed_log_groups()
        pools = self.client("cognito-idp").get_paginator("list_user_pools")
        wanted = self.needs.named["AWS::Cognito::UserPool"]
        if wanted:
            for page in pools.paginate(MaxResults=60):
                for pool in page["UserPools"]:
                    if pool["Name"] in wanted:
                        yield "AWS::Cognito::UserPool", pool["Name"], wanted[pool["Name"]]

    def _listed_log_groups(self) -> Iterator[tuple[str, str, str]]:
        wanted = self.needs.named["AWS::Logs::LogGroup"]
        for page in self.client("logs").get_paginator("describe_log_groups").paginate():
            for group in page["logGroups"]:
                name = group["logGroupName"]
                if name in wanted:
                    yield "AWS::Logs::LogGroup", name, wanted[name]


def _unless_missing(ask: Callable[[], Any]) -> Any:
    """Return the response, or None if the resource does not exist."""
    try:
        return ask()
    except ClientError as error:
        if error.response.get("Error", {}).get("Code", "") in _MISSING:
            return None
        raise
