"""A cloud assembly as its readers see it: resources with what CloudFormation computes filled in."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ACCOUNT = "123456789012"
REGION = "eu-central-1"
PORTAL_ACCOUNT = "210987654321"
WRITER = f"arn:aws:iam::{ACCOUNT}:role/identity-feed"

SETTINGS: dict[str, Any] = {
    "domain": "audit.example.org",
    "account": ACCOUNT,
    "region": REGION,
    "alarm_emails": ["ops@example.org"],
    "ledgers": [
        {
            "id": "st-elsewhere",
            "public": True,
            "readers": ["security"],
            "portals": [
                {"id": "ehr", "patient": {"system": "urn:mrn"}, "account": PORTAL_ACCOUNT},
                {"id": "app", "patient": {"reference": True}},
            ],
        },
        {
            "id": "riverside-lab",
            "public": False,
            "portals": [{"id": "ehr", "patient": {"system": "urn:lab"}, "account": ACCOUNT}],
        },
    ],
}
# What the defaults of SETTINGS leave out.
CUSTOM: dict[str, Any] = {
    "break_glass": [f"arn:aws:iam::{ACCOUNT}:role/on-call/Admin"],
    "signing_profile": (
        f"arn:aws:signer:{REGION}:{ACCOUNT}:/signing-profiles/AuditLedger/AbCdEf1234"
    ),
    "tokens": {
        "issuer": "https://login.example.org/realms/hospital",
        "audience": ["audit-ledger"],
        "claims": {"ledger": "tenant", "portal": "azp", "patient": "patient"},
    },
}
LEDGERS = ("st-elsewhere", "riverside-lab")
SHARED_FUNCTIONS = ("ingest", "query", "follower", "published-files", "dead-letters")
FUNCTIONS = (
    *SHARED_FUNCTIONS,
    *(f"{led}-{f}" for led in LEDGERS for f in ("sequencer", "publisher")),
)


@dataclass(frozen=True)
class Resource:
    """One resource of a template."""

    stack: str
    logical_id: str
    type: str
    properties: Mapping[str, Any]
    whole: Mapping[str, Any]


@dataclass(frozen=True)
class Assembly:
    """Everything that was synthesized for one stage in ACCOUNT and REGION."""

    folder: Path
    stage: str

    @property
    def prefix(self) -> str:
        return f"audit-ledger-{self.stage}"

    def manifest(self) -> dict[str, Any]:
        """Artifacts by name."""
        artifacts: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text())[
            "artifacts"
        ]
        return artifacts

    def templates(self) -> dict[str, dict[str, Any]]:
        """Templates by stack name."""
        return {
            path.name.removesuffix(".template.json"): json.loads(path.read_text())
            for path in sorted(self.folder.glob("*.template.json"))
        }

    def resources(self, resource_type: str) -> Iterator[Resource]:
        """All resources of a type, in all stacks, with their references computed."""
        for stack, template in self.templates().items():
            for logical_id, resource in template["Resources"].items():
                if resource["Type"] == resource_type:
                    properties = computed(resource.get("Properties", {}), template)
                    yield Resource(stack, logical_id, resource_type, properties, resource)

    def named(self, resource_type: str, name_property: str) -> dict[str, Resource]:
        """Resources of a type by their fixed name without the stage's prefix."""
        return {
            r.properties[name_property].removeprefix(f"{self.prefix}-"): r
            for r in self.resources(resource_type)
            if name_property in r.properties
        }

    def outputs(self, stack: str) -> dict[str, Any]:
        """Outputs of a stack by short name (`api`)."""
        template = self.templates()[f"{self.prefix}-{stack}"]
        return {
            name: computed(output["Value"], template)
            for name, output in template.get("Outputs", {}).items()
        }


def computed(value: Any, template: Mapping[str, Any]) -> Any:
    """Compute Ref, GetAtt, Join and ImportValue; what has no fixed name becomes `<logical id>`."""
    if isinstance(value, list):
        return [computed(item, template) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((function, argument),) = value.items()
        if function in _FUNCTIONS:
            return _FUNCTIONS[function](argument, template)
    return {key: computed(item, template) for key, item in value.items()}


_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
_NAMES = {
    "AWS::S3::Bucket": ("BucketName", "arn:aws:s3:::{}"),
    "AWS::SQS::Queue": ("QueueName", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{}}"),
    "AWS::IAM::Role": ("RoleName", f"arn:aws:iam::{ACCOUNT}:role/{{}}"),
    "AWS::Lambda::Function": ("FunctionName", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{}}"),
    "AWS::Events::EventBus": ("Name", f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{{}}"),
}


def _reference(logical_id: str, template: Mapping[str, Any]) -> str:
    if logical_id in _PSEUDO:
        return _PSEUDO[logical_id]
    resource = template["Resources"].get(logical_id, {"Type": ""})
    if resource["Type"] in _NAMES:
        return str(computed(resource["Properties"][_NAMES[resource["Type"]][0]], template))
    if resource["Type"] == "AWS::Lambda::Alias":  # its reference is its ARN
        function, name = (resource["Properties"][p] for p in ("FunctionName", "Name"))
        return f"{_NAMES['AWS::Lambda::Function'][1].format(computed(function, template))}:{name}"
    return f"<{logical_id}>"


def _attribute(argument: list[str], template: Mapping[str, Any]) -> str:
    logical_id, attribute = argument
    resource = template["Resources"][logical_id]
    if attribute == "Arn" and resource["Type"] in _NAMES:
        return _NAMES[resource["Type"]][1].format(_reference(logical_id, template))
    return f"<{logical_id}.{attribute}>"


def _joined(argument: list[Any], template: Mapping[str, Any]) -> str:
    separator, parts = argument
    return str(separator).join(str(computed(part, template)) for part in parts)


_FUNCTIONS: dict[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "Ref": _reference,
    "Fn::GetAtt": _attribute,
    "Fn::Join": _joined,
    "Fn::ImportValue": lambda argument, _: f"<{argument}>",
}
