"""What a stage needs of an account, read from its templates."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

NAME_OF = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::KMS::Alias": "AliasName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::Cognito::UserPool": "UserPoolName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::SQS::Queue": "QueueName",
}
"""What is named by us, so that what is there already stands in its way."""


@dataclass(frozen=True)
class Needs:
    """`named`: by type, the stack of each name; `reserved`: concurrency by function."""

    stacks: Sequence[str]
    named: Mapping[str, Mapping[str, str]]
    reserved: Mapping[str, int] = field(default_factory=dict)
    functions: int = 0
    key_specs: frozenset[str] = frozenset()


def needs_of(assembly: Path) -> Needs:
    """Read the templates of an assembly that was synthesized for one account and region."""
    stacks: list[str] = []
    named: dict[str, dict[str, str]] = {kind: {} for kind in NAME_OF}
    reserved: dict[str, int] = {}
    specs: set[str] = set()
    functions = 0
    for file in sorted(assembly.glob("*.template.json")):
        stack = file.name.removesuffix(".template.json")
        stacks.append(stack)
        for resource in json.loads(file.read_text())["Resources"].values():
            kind, properties = resource["Type"], resource.get("Properties", {})
            name = properties.get(NAME_OF.get(kind, ""))
            if isinstance(name, str):
                named[kind][name] = stack
            if kind == "AWS::KMS::Key":
                specs.add(properties.get("KeySpec", "SYMMETRIC_DEFAULT"))
            if kind == "AWS::Lambda::Function":
                functions += 1
                if "ReservedConcurrentExecutions" in properties:
                    reserved[properties["FunctionName"]] = properties[
                        "ReservedConcurrentExecutions"
                    ]
    return Needs(stacks, named, reserved, functions, frozenset(specs))
