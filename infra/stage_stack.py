"""The base of every stack of a stage: names, settings, tags, protection."""

import hashlib
from collections.abc import Sequence

import aws_cdk as cdk
from constructs import Construct, IConstruct

from infra.names import Names
from infra.settings import Settings


class StageStack(cdk.Stack):
    """One stack of one stage, named `audit-ledger-<stage>-<name>`."""

    def __init__(self, scope: Construct, name: str, settings: Settings, description: str) -> None:
        super().__init__(
            scope,
            f"audit-ledger-{settings.stage}-{name}",
            description=description,
            env=cdk.Environment(account=settings.account, region=settings.region),
            termination_protection=settings.protected,
            analytics_reporting=False,
        )
        self.settings = settings
        self.names = Names(
            settings.stage,
            self.partition,
            self.region,
            self.account,
            tuple(ledger.id for ledger in settings.ledgers),
            self.synthesizer.bootstrap_qualifier or cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER,
        )
        cdk.Tags.of(self).add("audit-ledger-stage", settings.stage)

    @property
    def removal_policy(self) -> cdk.RemovalPolicy:
        """Removal policy of data.

        In protected stages data is retained, except after a failed first deployment, so that
        nothing has the names that the next one needs.
        """
        if self.settings.protected:
            return cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
        return cdk.RemovalPolicy.DESTROY

    def output(self, name: str, value: str, description: str) -> None:
        """Add an output for the person who deploys."""
        output = cdk.CfnOutput(self, f"Output{name}", value=value, description=description)
        output.override_logical_id(name)


def name_of(kind: str, *ids: str) -> str:
    """Return a logical id for a resource or output, unique by what it is for.

    CloudFormation accepts letters and digits only, so ids alone could collide: `a-1b` and `a1b`.
    """
    shown = "-".join(ids).title().replace("-", "")
    return f"{kind}{shown}{hashlib.sha256('/'.join(ids).encode()).hexdigest()[:8]}"


def acknowledge(construct: IConstruct, reason: str, rules: Sequence[str]) -> None:
    """Accept findings of cdk-nag on one construct; `reason` is for a security reviewer."""
    for rule in rules:
        cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=rule, reason=reason))
