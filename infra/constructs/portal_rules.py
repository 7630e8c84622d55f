"""The bus and a ledger's portals: one rule for each portal that has an AWS account.

Portal and ledger come from the rule, and the rule matches the account that EventBridge itself
writes into an event: no content of an event determines its ledger.
"""

import json

from aws_cdk import aws_events as events

from audit_ledger.settings.event_bus import BUS_SOURCE
from infra.constructs.ingest import BUS_ALIAS
from infra.names import Names
from infra.settings import Ledger
from infra.stage_stack import StageStack

MAX_AGE_SECONDS = 24 * 3600
MAX_RETRIES = 185  # EventBridge's own most


def add_portal_rules(stack: StageStack, ledger: Ledger) -> None:
    """Add the rules; the bus' own stack lets the accounts put events."""
    names = stack.names
    for portal in ledger.portals:
        if portal.account is None:
            continue
        events.CfnRule(
            stack,
            f"Rule-{portal.id}",
            event_bus_name=names.prefix,
            description=f"Events of the portal {portal.id} for {ledger.id}",
            event_pattern={
                "account": [portal.account],
                # The ledger's own announcements, if a portal is in the ledger's account.
                "source": [{"anything-but": [BUS_SOURCE]}],
            },
            targets=[_ingest(names, ledger.id, portal.id)],
        )


def input_template(ledger_id: str, portal_id: str) -> str:
    """Return the template of ingest's input: portal and ledger by the rule, and the whole event.

    EventBridge replaces the bare variable by the event: the template itself is not JSON.
    """
    head = json.dumps({"portal": portal_id, "ledger": ledger_id})
    return f'{head[:-1]}, "event": <aws.events.event.json>}}'


def _ingest(names: Names, ledger_id: str, portal_id: str) -> events.CfnRule.TargetProperty:
    return events.CfnRule.TargetProperty(
        id="ingest",
        arn=names.function_arn(f"{names.named('ingest')}:{BUS_ALIAS}"),
        input_transformer=events.CfnRule.InputTransformerProperty(
            input_template=input_template(ledger_id, portal_id)
        ),
        retry_policy=events.CfnRule.RetryPolicyProperty(
            maximum_event_age_in_seconds=MAX_AGE_SECONDS, maximum_retry_attempts=MAX_RETRIES
        ),
        dead_letter_config=events.CfnRule.DeadLetterConfigProperty(
            arn=names.queue_arn(names.undelivered)
        ),
    )
