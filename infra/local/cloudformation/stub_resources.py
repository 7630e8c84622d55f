"""Resources that need no emulator: their resolved properties are stored, their names generated.

Routes, authorizers, event source mappings, schedules and functions are read from these records by
`deployment`; alarms, roles, policies, log groups, CloudFront and Cognito only have to have names.
A type that is not listed is refused: nothing of a template is dropped silently.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audit_ledger.errors import FormatError


@dataclass(frozen=True)
class StubNames:
    """How a type answers Ref and Fn::GetAtt: format strings.

    Over the resource's own properties that are strings, `account`, `region`, `stack`, `logical`
    (logical id), `name` (the property `name_property`, or a name of CloudFormation's making) and
    `id` (ten characters that stay the same).
    """

    ref: str = "{name}"
    attributes: Mapping[str, str] = field(default_factory=dict)
    name_property: str = "Name"


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{{region}}:{{account}}:{resource}"


_NAME_ONLY = StubNames()

RECORDED: dict[str, StubNames] = {
    # what runs, and how it is reached
    "AWS::Lambda::Function": StubNames(
        attributes={"Arn": _arn("lambda", "function:{name}")}, name_property="FunctionName"
    ),
    "AWS::Lambda::Version": StubNames(
        ref=_arn("lambda", "function:{FunctionName}:1"),
        attributes={"Version": "1", "FunctionArn": _arn("lambda", "function:{FunctionName}:1")},
    ),
    "AWS::Lambda::Alias": StubNames(
        ref=_arn("lambda", "function:{FunctionName}:{Name}"),
        attributes={"AliasArn": _arn("lambda", "function:{FunctionName}:{Name}")},
    ),
    "AWS::Lambda::EventSourceMapping": StubNames(ref="{id}", attributes={"Id": "{id}"}),
    "AWS::Lambda::EventInvokeConfig": _NAME_ONLY,
    "AWS::Lambda::LayerVersion": StubNames(
        ref=_arn("lambda", "layer:{name}:1"),
        attributes={"LayerVersionArn": _arn("lambda", "layer:{name}:1")},
    ),
    "AWS::Lambda::Permission": _NAME_ONLY,
    "AWS::Lambda::CodeSigningConfig": _NAME_ONLY,
    "AWS::ApiGatewayV2::Api": StubNames(
        ref="{id}",
        attributes={
            "ApiId": "{id}",
            "ApiEndpoint": "https://{id}.execute-api.{region}.amazonaws.com",
        },
    ),
    "AWS::ApiGatewayV2::Authorizer": StubNames(ref="{id}", attributes={"AuthorizerId": "{id}"}),
    "AWS::ApiGatewayV2::Integration": StubNames(ref="{id}", attributes={"IntegrationId": "{id}"}),
    "AWS::ApiGatewayV2::Route": StubNames(ref="{id}", attributes={"RouteId": "{id}"}),
    "AWS::ApiGatewayV2::Stage": StubNames(ref="{StageName}"),
    "AWS::Events::EventBusPolicy": _NAME_ONLY,
    "AWS::Events::Rule": StubNames(attributes={"Arn": _arn("events", "rule/{name}")}),
    "AWS::Scheduler::Schedule": StubNames(
        attributes={"Arn": _arn("scheduler", "schedule/default/{name}")}
    ),
    "AWS::Scheduler::ScheduleGroup": StubNames(
        attributes={"Arn": _arn("scheduler", "schedule-group/{name}")}
    ),
    # who may
    "AWS::IAM::Role": StubNames(
        attributes={"Arn": "arn:aws:iam::{account}:role/{name}", "RoleId": "AROA{id}"},
        name_property="RoleName",
    ),
    "AWS::IAM::Policy": StubNames(name_property="PolicyName"),
    "AWS::IAM::ManagedPolicy": StubNames(
        ref="arn:aws:iam::{account}:policy/{name}", name_property="ManagedPolicyName"
    ),
    "AWS::S3::BucketPolicy": _NAME_ONLY,
    "AWS::SQS::QueuePolicy": _NAME_ONLY,
    "AWS::SNS::TopicPolicy": _NAME_ONLY,
    "AWS::Logs::ResourcePolicy": _NAME_ONLY,
    "AWS::Cognito::UserPool": StubNames(
        ref="{region}_{id}",
        attributes={
            "Arn": _arn("cognito-idp", "userpool/{region}_{id}"),
            "UserPoolId": "{region}_{id}",
            "ProviderName": "cognito-idp.{region}.amazonaws.com/{region}_{id}",
            "ProviderURL": "https://cognito-idp.{region}.amazonaws.com/{region}_{id}",
        },
    ),
    "AWS::Cognito::UserPoolClient": StubNames(
        ref="client{id}",
        attributes={"ClientId": "client{id}", "Name": "{name}", "ClientSecret": "secret{id}"},
    ),
    "AWS::Cognito::UserPoolDomain": StubNames(ref="{Domain}"),
    "AWS::Cognito::UserPoolResourceServer": StubNames(ref="{Identifier}"),
    "AWS::Cognito::ManagedLoginBranding": _NAME_ONLY,
    # what watches, what delivers
    "AWS::Logs::LogGroup": StubNames(
        attributes={"Arn": _arn("logs", "log-group:{name}:*")}, name_property="LogGroupName"
    ),
    "AWS::Logs::MetricFilter": _NAME_ONLY,
    "AWS::CloudWatch::Alarm": StubNames(
        attributes={"Arn": _arn("cloudwatch", "alarm:{name}")}, name_property="AlarmName"
    ),
    "AWS::CloudWatch::CompositeAlarm": StubNames(
        attributes={"Arn": _arn("cloudwatch", "alarm:{name}")}, name_property="AlarmName"
    ),
    "AWS::CloudWatch::Dashboard": StubNames(name_property="DashboardName"),
    "AWS::SNS::Topic": StubNames(
        ref=_arn("sns", "{name}"),
        attributes={"TopicArn": _arn("sns", "{name}"), "TopicName": "{name}"},
        name_property="TopicName",
    ),
    "AWS::SNS::Subscription": _NAME_ONLY,
    "AWS::CloudFront::Distribution": StubNames(
        ref="E{id}", attributes={"Id": "E{id}", "DomainName": "{id}.cloudfront.net"}
    ),
    "AWS::CloudFront::OriginAccessControl": StubNames(ref="{id}", attributes={"Id": "{id}"}),
    "AWS::CloudFront::CachePolicy": StubNames(ref="{id}", attributes={"Id": "{id}"}),
    "AWS::CloudFront::OriginRequestPolicy": StubNames(ref="{id}", attributes={"Id": "{id}"}),
    "AWS::CloudFront::ResponseHeadersPolicy": StubNames(ref="{id}", attributes={"Id": "{id}"}),
    "AWS::CloudFront::Function": StubNames(
        ref="arn:aws:cloudfront::{account}:function/{name}",
        attributes={"FunctionARN": "arn:aws:cloudfront::{account}:function/{name}"},
    ),
    "AWS::CloudFront::KeyGroup": StubNames(ref="{id}", attributes={"Id": "{id}"}),
    "AWS::WAFv2::WebACL": StubNames(
        attributes={"Arn": _arn("wafv2", "regional/webacl/{name}/{id}")}
    ),
    "AWS::WAFv2::WebACLAssociation": _NAME_ONLY,
    "AWS::Backup::BackupVault": StubNames(
        attributes={"BackupVaultArn": _arn("backup", "backup-vault:{name}")},
        name_property="BackupVaultName",
    ),
    "AWS::Backup::BackupPlan": StubNames(ref="{id}", attributes={"BackupPlanId": "{id}"}),
    "AWS::Backup::BackupSelection": _NAME_ONLY,
    "AWS::CDK::Metadata": _NAME_ONLY,
}


@dataclass(frozen=True)
class StackPlace:
    """Where a resource is: account, region, stack and logical id."""

    account: str
    region: str
    stack: str
    logical_id: str

    @property
    def id(self) -> str:
        """Ten characters that the same resource gets in every deployment."""
        name = f"{self.account}/{self.region}/{self.stack}/{self.logical_id}"
        return hashlib.sha256(name.encode()).hexdigest()[:10]

    @property
    def physical_name(self) -> str:
        """The name that CloudFormation would make up where the template gives none."""
        return f"{self.stack}-{self.logical_id}"[:64]


@dataclass(frozen=True)
class Made:
    """What Ref and Fn::GetAtt answer for a resource that is there."""

    reference: str
    attributes: Mapping[str, str] = field(default_factory=dict)


def record(resource_type: str, properties: Mapping[str, Any], place: StackPlace) -> Made:
    """Return the names of a recorded resource; FormatError where the type is not supported."""
    if (
        resource_type.startswith("Custom::")
        or resource_type == "AWS::CloudFormation::CustomResource"
    ):
        return Made(place.physical_name)
    if resource_type not in RECORDED:
        raise FormatError(
            f"template: {place.stack}/{place.logical_id} is of type {resource_type}, which the "
            f"local ledger does not know: add it to infra/local/cloudformation/stub_resources.py"
        )
    names = RECORDED[resource_type]
    values = {k: v for k, v in properties.items() if isinstance(v, str)}
    values |= {
        "account": place.account,
        "region": place.region,
        "stack": place.stack,
        "logical": place.logical_id,
        "id": place.id,
        "name": values.get(names.name_property, place.physical_name),
    }
    return Made(
        names.ref.format_map(values),
        {attribute: text.format_map(values) for attribute, text in names.attributes.items()},
    )
