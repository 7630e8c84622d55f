"""Policies of queues: the only senders and receivers; nobody empties a queue or opens it to others.

A message in a ledger's queue is an accepted event that is nowhere else yet. SQS takes at most seven
actions a statement, twenty statements and 8,192 bytes. Moving messages back (StartMessageMoveTask)
needs ReceiveMessage here and SendMessage there.
"""

from collections.abc import Sequence

from aws_cdk import aws_iam as iam

from infra.iam.statements import deny_all, unless_role, unless_service
from infra.names import Names


def queue_statements(
    names: Names,
    queue_arn: str,
    *,
    senders: Sequence[str],
    receivers: Sequence[str] | None,
    services_send: bool = False,
) -> list[iam.PolicyStatement]:
    """Return the Denies of one queue; `senders` and `receivers` are ARNs of roles.

    No receivers: nobody; None: every principal with permission, because its messages wait for a
    person. `services_send`: an AWS service sends too, which an Allow of the queue names, or SQS
    itself, which moves messages to their dead-letter queue and needs no Allow.
    """
    spared = {**_unless(senders), **(unless_service() if services_send else {})}
    statements = [deny_all("OnlyTheseSend", ["sqs:SendMessage"], [queue_arn], spared)]
    if receivers is not None:
        statements.append(
            deny_all(
                "OnlyTheseReceive",
                ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"],
                [queue_arn],
                _unless(receivers),
            )
        )
    return [
        *statements,
        deny_all("NobodyPurges", ["sqs:PurgeQueue"], [queue_arn]),
        # A principal that may set a policy could remove all of this; deployments must.
        deny_all(
            "OnlyDeploymentsManageIt",
            [
                "sqs:SetQueueAttributes",
                "sqs:DeleteQueue",
                "sqs:AddPermission",
                "sqs:RemovePermission",
            ],
            [queue_arn],
            unless_role(names.deployment_role),
        ),
    ]


def _unless(roles: Sequence[str]) -> dict[str, object]:
    return unless_role(*roles) if roles else {}
