"""Deploys one synthesized template: computes it, makes what functions use, records the rest.

moto has a CloudFormation of its own, which this project does not use: it silently drops properties
that the ledger rests on (KeySpec, KeyUsage, versioning, Object Lock, point-in-time recovery), skips
the types that say what runs when (ApiGatewayV2, Scheduler), and hands queues to its own Lambda.
Here a type or property is made, recorded, listed as without effect, or refused.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

from audit_ledger.errors import FormatError
from infra.local.aws.clients import client
from infra.local.cloudformation.assembly import StackTemplate
from infra.local.cloudformation.intrinsics import Scope, names_in, resolve
from infra.local.cloudformation.resources import MAKERS, make
from infra.local.cloudformation.stub_resources import Made, StackPlace, record

SSM_PARAMETER = "AWS::SSM::Parameter::Value<"


@dataclass(frozen=True)
class Resource:
    """One deployed resource: its properties with every intrinsic function computed."""

    stack: str
    logical_id: str
    type: str
    properties: Mapping[str, Any]
    made: Made


@dataclass(frozen=True)
class DeployedStack:
    """What came out of one template."""

    name: str
    resources: tuple[Resource, ...]
    outputs: Mapping[str, str]


def deploy_stack(
    stack: StackTemplate, account: str, region: str, exports: MutableMapping[str, Any]
) -> DeployedStack:
    """Deploy one template; its exports are added to `exports`.

    Raises FormatError where the template contains what the local ledger does not support.
    """
    template = stack.template
    scope = Scope(
        {
            "AWS::AccountId": account,
            "AWS::Region": region,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": stack.name,
            "AWS::StackId": f"arn:aws:cloudformation:{region}:{account}:stack/{stack.name}/local",
            "AWS::NotificationARNs": [],
        },
        exports,
        template.get("Mappings", {}),
        template.get("Conditions", {}),
    )
    for name, parameter in template.get("Parameters", {}).items():
        scope.references[name] = _parameter(stack.name, name, parameter, region)
    resources = []
    for logical_id, declared in _in_order(template.get("Resources", {}), scope):
        properties = resolve(declared.get("Properties", {}), scope)
        place = StackPlace(account, region, stack.name, logical_id)
        kind = declared["Type"]
        made = (make if kind in MAKERS else record)(kind, properties, place)
        scope.references[logical_id] = made.reference
        scope.attributes[logical_id] = made.attributes
        resources.append(Resource(stack.name, logical_id, kind, properties, made))
    outputs = {}
    for name, output in template.get("Outputs", {}).items():
        if "Condition" in output and not scope.condition(output["Condition"]):
            continue
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


def _in_order(
    declared: Mapping[str, dict[str, Any]], scope: Scope
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the resources whose condition is true, each after those that it references."""
    wanted = {
        logical_id: resource
        for logical_id, resource in declared.items()
        if "Condition" not in resource or scope.condition(resource["Condition"])
    }
    needs = {}
    for logical_id, resource in wanted.items():
        explicit = resource.get("DependsOn", [])
        named = [explicit] if isinstance(explicit, str) else explicit
        needs[logical_id] = {
            name for name in (*named, *names_in(resource.get("Properties", {}))) if name in wanted
        }
    for logical_id in TopologicalSorter(needs).static_order():
        yield logical_id, wanted[logical_id]
