"""Resources without an emulator: their resolved properties are stored, their names generated.

`deployment` reads routes, authorizers, event source mappings, schedules and functions from these
records; of alarms, roles, policies, log groups, CloudFront and Cognito only names are needed.
A type that is not listed is refused: nothing of a template is dropped silently.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audit_ledger.errors import FormatError


@dataclass(frozen=True)
class StubNames:
    """Values of Ref and Fn::GetAtt of a resource type: format strings.

    Their variables: the resource's own properties that are strings, `account`, `region`, `name`
    (the property `name_property`, or a generated name) and `id` (ten characters that stay the
    same).
    """

    ref: str = "{name}"
    attributes: Mapping[str, str] = field(default_factory=dict)
    name_property: str = "Name"


def _with_arn(service: str, resource: str, name_property: str = "Name") -> StubNames:
    arn = f"arn:aws:{service}:{{region}}:{{account}}:{resource}"
    return StubNames(attributes={"Arn": arn}, name_property=name_property)


_NAME_ONLY = StubNames()
_ID = StubNames(ref="{id}")
_FUNCTION_ARN = "arn:aws:lambda:{region}:{account}:function:{FunctionName}"

RECORDED: dict[str, StubNames] = {
    # functions and their triggers
    "AWS::Lambda::Function": _with_arn("lambda", "function:{name}", "FunctionName"),
    "AWS::Lambda::Version": StubNames(ref=f"{_FUNCTION_ARN}:1", attributes={"Version": "1"}),
    "AWS::Lambda::Alias": StubNames(ref=f"{_FUNCTION_ARN}:{{Name}}"),
    "AWS::Lambda::EventSourceMapping": _ID,
    "AWS::Lambda::EventInvokeConfig": _NAME_ONLY,
    "AWS::Lambda::Permission": _NAME_ONLY,
    "AWS::ApiGatewayV2::Api": StubNames(
        ref="{id}", attributes={"ApiEndpoint": "https://{id}.execute-api.{region}.amazonaws.com"}
    ),
    "AWS::ApiGatewayV2::Authorizer": _ID,
    "AWS::ApiGatewayV2::Integration": _ID,
    "AWS::ApiGatewayV2::Route": _ID,
    "AWS::ApiGatewayV2::Stage": StubNames(ref="{StageName}"),
    "AWS::Events::EventBusPolicy": _NAME_ONLY,
    "AWS::Events::Rule": _with_arn("events", "rule/{name}"),
    "AWS::Scheduler::Schedule": _with_arn("scheduler", "schedule/default/{name}"),
    # permissions and users
    "AWS::IAM::Role": StubNames(
        attributes={"Arn": "arn:aws:iam::{account}:role/{name}", "RoleId": "AROA{id}"},
        name_property="RoleName",
    ),
    "AWS::IAM::ManagedPolicy": StubNames(
        ref="arn:aws:iam::{account}:policy/{name}", name_property="ManagedPolicyName"
    ),
    "AWS::S3::BucketPolicy": _NAME_ONLY,
    "AWS::SQS::QueuePolicy": _NAME_ONLY,
    "AWS::SNS::TopicPolicy": _NAME_ONLY,
    "AWS::Cognito::UserPool": StubNames(
        ref="{region}_{id}",
        attributes={"ProviderURL": "https://cognito-idp.{region}.amazonaws.com/{region}_{id}"},
    ),
    "AWS::Cognito::UserPoolClient": StubNames(ref="client{id}"),
    "AWS::Cognito::UserPoolDomain": StubNames(ref="{Domain}"),
    "AWS::Cognito::UserPoolResourceServer": StubNames(ref="{Identifier}"),
    # monitoring and delivery
    "AWS::Logs::LogGroup": _with_arn("logs", "log-group:{name}:*", "LogGroupName"),
    "AWS::CloudWatch::Alarm": _with_arn("cloudwatch", "alarm:{name}", "AlarmName"),
    "AWS::SNS::Topic": StubNames(
        ref="arn:aws:sns:{region}:{account}:{name}", name_property="TopicName"
    ),
    "AWS::SNS::Subscription": _NAME_ONLY,
    "AWS::CloudFront::Distribution": StubNames(
        ref="E{id}", attributes={"DomainName": "{id}.cloudfront.net"}
    ),
    "AWS::CloudFront::OriginAccessControl": StubNames(ref="{id}", attributes={"Id": "{id}"}),
}


@dataclass(frozen=True)
class ResourceLocation:
    """Where a resource is: account, region, stack and logical id."""

    account: str
    region: str
    stack: str
    logical_id: str

    @property
    def id(self) -> str:
        """Ten characters, the same in every deployment."""
        name = f"{self.account}/{self.region}/{self.stack}/{self.logical_id}"
        return hashlib.sha256(name.encode()).hexdigest()[:10]

    @property
    def physical_name(self) -> str:
        """The generated name of a resource without a name in the template."""
        return f"{self.stack}-{self.logical_id}"[:64]


@dataclass(frozen=True)
class DeployedIdentity:
    """The values of Ref and Fn::GetAtt for a deployed resource."""

    reference: str
    attributes: Mapping[str, str] = field(default_factory=dict)


def record(
    resource_type: str, properties: Mapping[str, Any], location: ResourceLocation
) -> DeployedIdentity:
    """Return the names of a recorded resource; FormatError if the type is not supported."""
    if resource_type not in RECORDED:
        raise FormatError(
            f"template: {location.stack}/{location.logical_id} is of type {resource_type}, which "
            "the emulator does not support: add it to infra/local/cloudformation/stub_resources.py"
        )
    names = RECORDED[resource_type]
    values = {k: v for k, v in properties.items() if isinstance(v, str)}
    values |= {
        "account": location.account,
        "region": location.region,
        "id": location.id,
        "name": values.get(names.name_property, location.physical_name),
    }
    return DeployedIdentity(
        names.ref.format_map(values),
        {attribute: text.format_map(values) for attribute, text in names.attributes.items()},
    )
