"""The deployed application: functions, routes, queues, schedules, rules, from its templates."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit_ledger.errors import FormatError
from infra.local.aws.calls import client
from infra.local.aws.emulator import ACCOUNT
from infra.local.cloudformation.assembly import read_assembly
from infra.local.cloudformation.stacks import DeployedStack, Resource, deploy_stack
from infra.local.cloudformation.stub_resources import DeployedIdentity

BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
BOOTSTRAP_VERSION = "30"
_FUNCTION_ARN = re.compile(r"arn:aws:lambda:[^:]+:\d+:function:([^:/]+)(?::([^:/]+))?")
_UNSUPPORTED: dict[str, frozenset[str]] = {
    "AWS::Events::Rule": frozenset({"ScheduleExpression", "State"}),
    "AWS::IAM::Role": frozenset({"Policies"}),
    "AWS::Lambda::EventSourceMapping": frozenset({"Enabled"}),
    "AWS::Scheduler::Schedule": frozenset({"State"}),
}
"""Properties of recorded resources that would change what the application does."""
_RATE = re.compile(r"rate\((\d+) minutes?\)")


@dataclass(frozen=True)
class Function:
    """A Lambda function as its template declares it."""

    name: str
    arn: str
    handler: str
    environment: Mapping[str, str]
    timeout_seconds: int
    memory_mb: int
    role_name: str
    role_id: str
    retries: int = 2
    """Of an asynchronous invocation that failed."""
    dead_letters_arn: str | None = None
    """The queue for the events of asynchronous invocations that failed for good."""
    aliases: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Authorizer:
    """A JWT authorizer of an HTTP API: the issuer and audience that it accepts."""

    issuer: str
    audience: frozenset[str]


@dataclass(frozen=True)
class DeployedRoute:
    """A route of the HTTP API, such as `GET` `/published/{path+}`; `ANY` is every method."""

    method: str
    path: str
    function: str
    authorizer: Authorizer | None
    scopes: frozenset[str]
    alias: str = ""


@dataclass(frozen=True)
class QueueMapping:
    """An SQS event source mapping."""

    function: str
    queue_arn: str
    batch_size: int
    window_seconds: int
    max_concurrency: int | None
    partial_answers: bool

    @property
    def queue(self) -> str:
        """The queue's name."""
        return self.queue_arn.rpartition(":")[2]


@dataclass(frozen=True)
class Schedule:
    """A function that runs at a fixed rate, and its payload."""

    name: str
    function: str
    every_seconds: int
    payload: Any


@dataclass(frozen=True)
class RuleTarget:
    """A function to which a rule sends events, as they are or transformed."""

    function: str
    template: str | None = None
    paths: Mapping[str, str] = field(default_factory=dict)
    alias: str = ""


@dataclass(frozen=True)
class BusRule:
    """An EventBridge rule with an event pattern."""

    name: str
    bus: str
    pattern: Mapping[str, Any]
    targets: tuple[RuleTarget, ...]


@dataclass(frozen=True)
class Deployment:
    """A whole deployed app."""

    account: str
    region: str
    functions: Mapping[str, Function]
    routes: tuple[DeployedRoute, ...]
    mappings: tuple[QueueMapping, ...]
    schedules: tuple[Schedule, ...]
    rules: tuple[BusRule, ...]
    resources: tuple[Resource, ...]
    outputs: Mapping[str, Mapping[str, str]]
    """By stack name, by output name."""

    def of_type(self, resource_type: str) -> tuple[Resource, ...]:
        """Return all deployed resources of one CloudFormation type."""
        return tuple(r for r in self.resources if r.type == resource_type)


def deploy(assembly: Path, region: str) -> Deployment:
    """Deploy all stacks of a cloud assembly, in order of their dependencies.

    Runs inside `emulated_aws`. Assets are not uploaded: functions run from the work tree. Raises
    NotFoundError, FormatError: see `read_assembly`, `deploy_stack`.
    """
    client("ssm", region).put_parameter(
        Name=BOOTSTRAP_PARAMETER, Value=BOOTSTRAP_VERSION, Type="String", Overwrite=True
    )
    exports: dict[str, Any] = {}
    stacks = [deploy_stack(stack, ACCOUNT, region, exports) for stack in read_assembly(assembly)]
    return describe(stacks, ACCOUNT, region)


def describe(stacks: list[DeployedStack], account: str, region: str) -> Deployment:
    """Read the deployment out of its stacks."""
    resources = tuple(resource for stack in stacks for resource in stack.resources)
    for resource in resources:
        if found := _UNSUPPORTED.get(resource.type, frozenset()) & resource.properties.keys():
            raise FormatError(f"deployment: {', '.join(sorted(found))} of {resource.type}")
    roles = {
        r.identity.attributes["Arn"]: r.identity for r in resources if r.type == "AWS::IAM::Role"
    }
    retries = {
        r.properties["FunctionName"]: int(r.properties.get("MaximumRetryAttempts", 2))
        for r in resources
        if r.type == "AWS::Lambda::EventInvokeConfig"
    }
    aliases = [r.properties for r in resources if r.type == "AWS::Lambda::Alias"]
    functions = (
        _function(
            r,
            roles[r.properties["Role"]],
            retries.get(r.identity.reference, 2),
            frozenset(a["Name"] for a in aliases if a["FunctionName"] == r.identity.reference),
        )
        for r in resources
        if r.type == "AWS::Lambda::Function" and r.properties["Runtime"].startswith("python")
    )
    return Deployment(
        account,
        region,
        {function.name: function for function in functions},
        tuple(_routes(resources)),
        tuple(_mappings(resources)),
        tuple(_schedules(resources)),
        tuple(_rules(resources)),
        resources,
        {stack.name: stack.outputs for stack in stacks},
    )


def function_name(arn: str) -> str:
    """Return the function's name in any ARN that invokes it, with or without a qualifier."""
    match = _FUNCTION_ARN.search(arn)
    if match is None:
        raise FormatError(f"deployment: {arn} is no function")
    return match[1]


def alias_of(arn: str) -> str:
    """Return the alias in an ARN that invokes a function; empty if there is none."""
    match = _FUNCTION_ARN.search(arn)
    return (match[2] or "") if match else ""


def _function(
    resource: Resource, role: DeployedIdentity, retries: int, aliases: frozenset[str]
) -> Function:
    properties = resource.properties
    return Function(
        resource.identity.reference,
        resource.identity.attributes["Arn"],
        properties["Handler"],
        {k: str(v) for k, v in properties.get("Environment", {}).get("Variables", {}).items()},
        int(properties.get("Timeout", 3)),
        int(properties.get("MemorySize", 128)),
        role.reference,
        role.attributes["RoleId"],
        retries,
        properties.get("DeadLetterConfig", {}).get("TargetArn"),
        aliases,
    )


def _routes(resources: tuple[Resource, ...]) -> Iterator[DeployedRoute]:
    by_reference = {r.identity.reference: r for r in resources}
    for resource in resources:
        if resource.type != "AWS::ApiGatewayV2::Route":
            continue
        properties = resource.properties
        integration = by_reference[properties["Target"].removeprefix("integrations/")].properties
        if integration["PayloadFormatVersion"] != "2.0":
            raise FormatError(f"deployment: {properties['RouteKey']}: payload format is not 2.0")
        authorizer = None
        if properties.get("AuthorizationType", "NONE") == "JWT":
            jwt = by_reference[properties["AuthorizerId"]].properties["JwtConfiguration"]
            authorizer = Authorizer(jwt["Issuer"], frozenset(jwt.get("Audience", ())))
        elif properties.get("AuthorizationType", "NONE") != "NONE":
            raise FormatError(f"deployment: {properties['RouteKey']}: authorization is not JWT")
        method, _, path = properties["RouteKey"].partition(" ")
        yield DeployedRoute(
            method,
            path,
            function_name(integration["IntegrationUri"]),
            authorizer,
            frozenset(properties.get("AuthorizationScopes", ())),
            alias_of(integration["IntegrationUri"]),
        )


def _mappings(resources: tuple[Resource, ...]) -> Iterator[QueueMapping]:
    for resource in resources:
        if resource.type != "AWS::Lambda::EventSourceMapping":
            continue
        properties = resource.properties
        source = properties["EventSourceArn"]
        if ":sqs:" not in source:
            raise FormatError(f"deployment: {resource.logical_id}: the source is no queue")
        yield QueueMapping(
            properties["FunctionName"],
            source,
            properties["BatchSize"],
            properties.get("MaximumBatchingWindowInSeconds", 0),
            properties.get("ScalingConfig", {}).get("MaximumConcurrency"),
            "ReportBatchItemFailures" in properties.get("FunctionResponseTypes", ()),
        )


def _schedules(resources: tuple[Resource, ...]) -> Iterator[Schedule]:
    for resource in resources:
        if resource.type != "AWS::Scheduler::Schedule":
            continue
        name, expression = resource.identity.reference, resource.properties["ScheduleExpression"]
        rate = _RATE.fullmatch(expression)
        if rate is None:
            raise FormatError(f"deployment: schedule {name}: {expression} is no rate in minutes")
        target = resource.properties["Target"]
        payload = json.loads(target["Input"])
        yield Schedule(name, function_name(target["Arn"]), int(rate[1]) * 60, payload)


def _rules(resources: tuple[Resource, ...]) -> Iterator[BusRule]:
    for resource in resources:
        properties = resource.properties
        if resource.type != "AWS::Events::Rule":
            continue
        if any("Input" in target for target in properties["Targets"]):
            raise FormatError(f"deployment: {resource.identity.reference}: Input of a target")
        yield BusRule(
            resource.identity.reference,
            properties["EventBusName"],
            properties["EventPattern"],
            tuple(
                RuleTarget(
                    function_name(target["Arn"]),
                    target.get("InputTransformer", {}).get("InputTemplate"),
                    target.get("InputTransformer", {}).get("InputPathsMap", {}),
                    alias_of(target["Arn"]),
                )
                for target in properties["Targets"]
            ),
        )
