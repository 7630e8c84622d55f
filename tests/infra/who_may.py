"""Who may do what: a role's own policy and the policy of what it is done to, judged together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.local.iam.policy_evaluator import AccessRequest, PolicyStatement, judge, statements_of
from tests.infra.assembly import ACCOUNT, REGION, Assembly
from tests.infra.policies import role

ADMINISTRATOR = "an administrator"
_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/"
_EVERYTHING: PolicyStatement = {"Sid": "Admin", "Effect": "Allow", "Action": "*", "Resource": "*"}


@dataclass
class WhoMay:
    """All roles of an assembly, and somebody whose own policies allow everything."""

    assembly: Assembly
    _own: dict[str, list[PolicyStatement]] = field(default_factory=dict)
    _tags: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    _of_resource: dict[str, list[PolicyStatement]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assembly = self.assembly
        for name, made in assembly.named("AWS::IAM::Role", "RoleName").items():
            self._own[name] = []
            self._tags[name] = {
                f"aws:PrincipalTag/{tag['Key']}": (tag["Value"],)
                for tag in made.properties.get("Tags", ())
            }
        for name, made in assembly.named("AWS::IAM::ManagedPolicy", "ManagedPolicyName").items():
            for statement in statements_of([made.properties["PolicyDocument"]]):
                self._own[name].append(_of_stack(statement, made.stack))
        for made in assembly.resources("AWS::DynamoDB::Table"):
            arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{made.properties['TableName']}"
            self._add(arn, made.properties["ResourcePolicy"]["PolicyDocument"])
        for made in assembly.resources("AWS::S3::BucketPolicy"):
            self._add(
                f"arn:aws:s3:::{made.properties['Bucket']}", made.properties["PolicyDocument"]
            )
        for made in assembly.resources("AWS::KMS::Key"):
            arn = f"{_KEY}{made.stack}.{made.logical_id}"
            self._add(arn, made.properties["KeyPolicy"])
        for made in assembly.resources("AWS::Events::EventBusPolicy"):
            bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{made.properties['EventBusName']}"
            self._add(bus, {"Statement": made.properties["Statement"]})
        for made in assembly.resources("AWS::SQS::QueuePolicy"):
            for queue in made.properties["Queues"]:
                arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"
                self._add(arn, made.properties["PolicyDocument"])

    def key(self, ledger: str, purpose: str) -> str:
        """Return what stands for a ledger's key: its name is CloudFormation's to make."""
        alias = f"alias/{self.assembly.prefix}/{ledger}/{purpose}"
        (found,) = (
            a
            for a in self.assembly.resources("AWS::KMS::Alias")
            if a.properties["AliasName"] == alias
        )
        return f"{_KEY}{found.stack}.{found.properties['TargetKeyId'].strip('<>')}"

    def may(self, action: str, resource: str, context: Mapping[str, str] | None = None) -> set[str]:
        """Return all who may, the administrator among them by that name."""
        values = {key: (value,) for key, value in (context or {}).items()}
        return {
            who
            for who in (ADMINISTRATOR, *self._own)
            if self._judged(who, action, resource, values)
        }

    def may_with_every_permission(
        self,
        principal: str,
        action: str,
        resource: str,
        context: Mapping[str, str] | None = None,
    ) -> bool:
        """Return whether resource policies permit this to a role whose own policies allow all."""
        values = {
            "aws:PrincipalArn": (principal,),
            "aws:SecureTransport": ("true",),
            "s3:TlsVersion": ("1.3",),
            "aws:PrincipalIsAWSService": ("false",),
            **{key: (value,) for key, value in (context or {}).items()},
        }
        policies = self._of_resource.get(_policed(action, resource))
        request = AccessRequest(action, resource, values)
        return judge(request, principal, ACCOUNT, [_EVERYTHING], policies).allowed

    def _judged(
        self, who: str, action: str, resource: str, values: Mapping[str, tuple[str, ...]]
    ) -> bool:
        admin = who == ADMINISTRATOR
        arn = role("Admin" if admin else f"{self.assembly.prefix}-{who}")
        context = {
            "aws:PrincipalArn": (arn,),
            "aws:PrincipalAccount": (ACCOUNT,),
            "aws:SecureTransport": ("true",),
            "s3:TlsVersion": ("1.3",),
            "aws:PrincipalIsAWSService": ("false",),
            **self._tags.get(who, {}),
            **values,
        }
        return judge(
            AccessRequest(action, resource, context),
            arn,
            ACCOUNT,
            [_EVERYTHING] if admin else self._own[who],
            self._of_resource.get(_policed(action, resource)),
            resource_must_allow=action.startswith("kms:"),
        ).allowed

    def _add(self, arn: str, document: Mapping[str, Any]) -> None:
        self._of_resource.setdefault(arn, []).extend(statements_of([document]))


def _policed(action: str, resource: str) -> str:
    """Return what has the policy: the bucket of an object, the table of an index."""
    if action.startswith("s3:"):
        return resource.partition("/")[0]
    return resource.partition("/index/")[0]


def _of_stack(statement: PolicyStatement, stack: str) -> PolicyStatement:
    """Spell `<logical id.Arn>`, of a key: CloudFormation's to name, so its stack's and its id."""
    resources = statement["Resource"]
    listed = [resources] if isinstance(resources, str) else resources
    spelled = [
        f"{_KEY}{stack}.{r.removeprefix('<').removesuffix('.Arn>')}" if r.startswith("<") else r
        for r in listed
    ]
    return {**statement, "Resource": spelled}
