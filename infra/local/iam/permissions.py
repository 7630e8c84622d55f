"""Enforces the permissions of functions' roles, as the deployed templates grant them.

A function's request is evaluated against the policies of its role and of the table, key, bucket or
queue that it concerns. A call that IAM would refuse raises the error of botocore, so that a missing
permission or a wrong condition is found before anything is deployed to AWS.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError
from moto.s3.models import s3_backends

from infra.local.aws.calls import Call, observing
from infra.local.cloudformation.deployment import Deployment
from infra.local.iam.policy_evaluator import (
    AccessRequest,
    PolicyDecision,
    PolicyStatement,
    judge,
    statements_of,
)
from infra.local.iam.request_context import RequestPlace, access_requests_of

_CODES = {"s3": "AccessDenied", "sqs": "AccessDenied"}


@dataclass(frozen=True)
class Refusal:
    """A refused call: its caller, its request and the reason."""

    caller: str
    request: AccessRequest
    reason: str


@dataclass
class Permissions:
    """The policies of a deployed app, and the calls that they refused."""

    place: RequestPlace
    refusals: list[Refusal] = field(default_factory=list)
    _of_role: dict[str, list[PolicyStatement]] = field(default_factory=lambda: defaultdict(list))
    _of_resource: dict[str, list[PolicyStatement]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _tags: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)

    @staticmethod
    def of(deployment: Deployment) -> "Permissions":
        """Read the policies of all roles and resources."""
        permissions = Permissions(RequestPlace(deployment.account, deployment.region))
        for resource in deployment.resources:
            permissions._read(resource.type, resource.properties, resource.identity.reference)
            if "PolicyDocument" in resource.properties.get("ResourcePolicy", {}):  # a table
                permissions._add_to(
                    resource.identity.attributes["Arn"], resource.properties["ResourcePolicy"]
                )
            if "KeyPolicy" in resource.properties:
                document = {"PolicyDocument": resource.properties["KeyPolicy"]}
                permissions._add_to(resource.identity.attributes["Arn"], document)
        return permissions

    @contextmanager
    def enforced(self) -> Iterator["Permissions"]:
        """Refuse calls of functions and event source mappings within the block."""
        with observing(lambda _: None, self._check):
            yield self

    def may(self, role: str, request: AccessRequest) -> PolicyDecision:
        """Return the decision on one request of a role."""
        arn = f"arn:aws:iam::{self.place.account}:role/{role}"
        context = {
            "aws:PrincipalArn": (arn,),
            "aws:PrincipalAccount": (self.place.account,),
            "aws:SecureTransport": ("true",),
            "s3:TlsVersion": ("1.3",),
            **self._tags.get(role, {}),
            **request.context,
        }
        return judge(
            AccessRequest(request.action, request.resource, context),
            arn,
            self.place.account,
            self._of_role[role],
            self._of_resource.get(_policed(request)),
            resource_must_allow=request.action.startswith("kms:"),
        )

    def _check(self, call: Call) -> None:
        if call.caller is None or call.caller.role is None:
            return
        for request in access_requests_of(call, self.place):
            verdict = self.may(call.caller.role, request)
            if verdict.allowed and request.action == "s3:GetObject" and self._is_missing(call):
                listing = AccessRequest("s3:ListBucket", request.resource.partition("/")[0], {})
                verdict = self.may(call.caller.role, listing)  # else S3 returns 403, not 404
            if not verdict.allowed:
                self.refusals.append(Refusal(call.caller.name, request, verdict.reason))
                raise _denied(call, request, verdict)

    def _is_missing(self, call: Call) -> bool:
        bucket = s3_backends[self.place.account]["aws"].buckets.get(call.parameters["Bucket"])
        return bucket is not None and call.parameters["Key"] not in bucket.keys

    def _read(self, resource_type: str, properties: Mapping[str, Any], name: str) -> None:
        if resource_type == "AWS::IAM::ManagedPolicy":
            for role in properties.get("Roles", ()):
                self._of_role[role] += statements_of([properties["PolicyDocument"]])
        elif resource_type == "AWS::IAM::Role":
            self._tags[name] = {
                f"aws:PrincipalTag/{tag['Key']}": (tag["Value"],)
                for tag in properties.get("Tags", ())
            }
        elif resource_type == "AWS::S3::BucketPolicy":
            self._add_to(f"arn:aws:s3:::{properties['Bucket']}", properties)
        elif resource_type == "AWS::Events::EventBusPolicy":
            bus = self.place.arn("events", f"event-bus/{properties['EventBusName']}")
            self._add_to(bus, {"PolicyDocument": {"Statement": properties["Statement"]}})
        elif resource_type == "AWS::SQS::QueuePolicy":
            for url in properties["Queues"]:
                self._add_to(self.place.arn("sqs", url.rpartition("/")[2]), properties)

    def _add_to(self, arn: str, properties: Mapping[str, Any]) -> None:
        self._of_resource[arn] += statements_of([properties["PolicyDocument"]])


def _policed(request: AccessRequest) -> str:
    """Return the ARN of the resource with the policy: an object's bucket, an index's table."""
    if request.action.startswith("s3:"):
        return request.resource.partition("/")[0]
    return request.resource.partition("/index/")[0]


def _denied(call: Call, request: AccessRequest, verdict: PolicyDecision) -> ClientError:
    caller = call.caller.name if call.caller else ""
    return ClientError(
        {
            "Error": {
                "Code": _CODES.get(call.service, "AccessDeniedException"),
                "Message": f"{caller} is not authorized to perform {request.action} on "
                f"{request.resource}: {verdict.reason}",
            },
            "ResponseMetadata": {
                "HTTPStatusCode": 403 if call.service == "s3" else 400,
                "RequestId": "local",
                "HostId": "",
                "HTTPHeaders": {},
                "RetryAttempts": 0,
            },
        },
        call.operation,
    )
