"""Deployment of one synthesized template: creates what functions use, and records the rest.

moto's own CloudFormation is not used: it silently drops properties that the ledger depends on
(KeySpec, KeyUsage, versioning, Object Lock, point-in-time recovery), ignores the types that
trigger functions (ApiGatewayV2, Scheduler), and connects queues to its own Lambda.
Here a type or property is created, recorded, listed as without effect, or refused.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

from audit_ledger.errors import FormatError
from infra.local.aws.calls import client
from infra.local.cloudformation.assembly import StackTemplate
from infra.local.cloudformation.intrinsics import Scope, names_in, resolve
from infra.local.cloudformation.resources import CREATORS, create
from infra.local.cloudformation.stub_resources import DeployedIdentity, ResourceLocation, record

SSM_PARAMETER = "AWS::SSM::Parameter::Value<"
UNSUPPORTED = frozenset({"Conditions", "Mappings", "Transform"})  # sections of a template


@dataclass(frozen=True)
class Resource:
    """One deployed resource: its properties with every intrinsic function computed."""

    stack: str
    logical_id: str
    type: str
    properties: Mapping[str, Any]
    identity: DeployedIdentity


@dataclass(frozen=True)
class DeployedStack:
    """The resources and outputs of one template."""

    name: str
    resources: tuple[Resource, ...]
    outputs: Mapping[str, str]


def deploy_stack(
    stack: StackTemplate, account: str, region: str, exports: MutableMapping[str, Any]
) -> DeployedStack:
    """Deploy one template; its exports are added to `exports`.

    Raises FormatError if the template contains what the emulator does not support.
    """
    template = stack.template
    if unsupported := UNSUPPORTED.intersection(template):
        raise FormatError(f"template: {', '.join(sorted(unsupported))} of {stack.name}")
    scope = Scope(
        {
            "AWS::AccountId": account,
            "AWS::Region": region,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
        },
        exports,
    )
    for name, parameter in template.get("Parameters", {}).items():
        scope.references[name] = _parameter(stack.name, name, parameter, region)
    resources = []
    for logical_id, declared in _in_order(template.get("Resources", {})):
        properties = resolve(declared.get("Properties", {}), scope)
        location = ResourceLocation(account, region, stack.name, logical_id)
        kind = declared["Type"]
        identity = (create if kind in CREATORS else record)(kind, properties, location)
        scope.references[logical_id] = identity.reference
        scope.attributes[logical_id] = identity.attributes
        resources.append(Resource(stack.name, logical_id, kind, properties, identity))
    outputs = {}
    for name, output in template.get("Outputs", {}).items():
        outputs[name] = resolve(output["Value"], scope)
        if "Export" in output:
            exports[resolve(output["Export"]["Name"], scope)] = outputs[name]
    return DeployedStack(stack.name, tuple(resources), outputs)


def _parameter(stack: str, name: str, parameter: Mapping[str, Any], region: str) -> Any:
    if "Default" not in parameter:
        raise FormatError(f"template: parameter {name} of {stack} has no default")
    if parameter["Type"].startswith(SSM_PARAMETER):
        answer = client("ssm", region).get_parameter(Name=parameter["Default"])
        return answer["Parameter"]["Value"]
    return parameter["Default"]


def _depends_on(resource: Mapping[str, Any]) -> list[str]:
    names = resource.get("DependsOn", [])
    if not isinstance(names, list):
        raise FormatError("template: DependsOn is supported as a list of resources")
    return names


def _in_order(declared: Mapping[str, dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the resources, each after those that it references."""
    dependencies = {
        logical_id: sorted(  # the same order in each process
            declared.keys() & {*_depends_on(resource), *names_in(resource.get("Properties", {}))}
        )
        for logical_id, resource in declared.items()
    }
    for logical_id in TopologicalSorter(dependencies).static_order():
        yield logical_id, declared[logical_id]
