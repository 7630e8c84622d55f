"""The bus: a portal's account decides whose events these are."""

import json
from typing import Any

import pytest

from tests.infra.assembly import ACCOUNT, PORTAL_ACCOUNT, REGION, Assembly
from tests.infra.policies import Request, decision, role

P = "audit-ledger-dev"
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{P}"


def rules_of_portals(assembly: Assembly) -> dict[str, Any]:
    """Rules by stack, but the one that our own announcements have."""
    rules = {r.stack: r.properties for r in assembly.resources("AWS::Events::Rule")}
    del rules[f"{P}-follower"]
    return rules


def test_portals_with_an_account_have_a_rule_each(dev: Assembly) -> None:
    """It matches the account that EventBridge writes, and never our own announcements."""
    rules = rules_of_portals(dev)
    assert {stack: rule["EventPattern"] for stack, rule in rules.items()} == {
        f"{P}-ledger-{ledger}": {
            "account": [account],
            "source": [{"anything-but": ["audit-ledger"]}],
        }
        for ledger, account in (("st-elsewhere", PORTAL_ACCOUNT), ("riverside-lab", ACCOUNT))
    }
    assert {rule["EventBusName"] for rule in rules.values()} == {P}


def test_ingest_gets_portal_and_ledger_from_the_rule_and_the_whole_event(dev: Assembly) -> None:
    """EventBridge puts the event, detail included, in the place of its reserved variable."""
    shown = []
    for rule in rules_of_portals(dev).values():
        (target,) = rule["Targets"]
        assert set(target["InputTransformer"]) == {"InputTemplate"}
        template = target["InputTransformer"]["InputTemplate"]
        event = '{"source": "ehr", "detail": {"a": "}"}}'
        shown.append(json.loads(template.replace("<aws.events.event.json>", event)))
    own = {"event": {"source": "ehr", "detail": {"a": "}"}}}
    assert shown == [
        {"portal": "ehr", "ledger": "riverside-lab", **own},
        {"portal": "ehr", "ledger": "st-elsewhere", **own},
    ]


def test_the_follower_is_started_by_digests_of_this_account_alone(dev: Assembly) -> None:
    """Other accounts put events too, and `source` is theirs to choose; `account` is not."""
    (rule,) = (
        r.properties for r in dev.resources("AWS::Events::Rule") if r.stack == f"{P}-follower"
    )
    assert rule["EventBusName"] == P
    assert rule["EventPattern"] == {
        "account": [ACCOUNT],
        "source": ["audit-ledger"],
        "detail-type": ["Digest Published"],
    }
    (target,) = rule["Targets"]
    assert target["Arn"] == f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{P}-follower"
    assert target["InputTransformer"] == {
        "InputPathsMap": {"origin": "$.detail.origin"},
        "InputTemplate": '{"detail": {"origin": <origin>}}',
    }


def test_other_accounts_may_put_events_and_nothing_else(dev: Assembly) -> None:
    """Those of portals, and not as the ledger; this account's need permission of their own."""
    for account, action, source, wanted in (
        (PORTAL_ACCOUNT, "events:PutEvents", "ehr", "allow"),
        (PORTAL_ACCOUNT, "events:PutEvents", "audit-ledger", "deny"),
        (PORTAL_ACCOUNT, "events:PutRule", "ehr", "none"),
        ("999999999999", "events:PutEvents", "ehr", "none"),
    ):
        request = Request(
            f"arn:aws:iam::{account}:role/Portal", action, BUS, {"events:source": source}
        )
        assert decision(bus_policy(dev), request) == wanted


@pytest.mark.parametrize(
    ("name", "decided"),
    [
        (f"{P}-st-elsewhere-publisher", "none"),
        (f"{P}-riverside-lab-publisher", "none"),
        (f"{P}-follower", "none"),
        (f"{P}-evil-publisher", "deny"),
        (f"{P}-st-elsewhere-sequencer", "deny"),
        (f"{P}-ingest", "deny"),
        ("Admin", "deny"),
        ("Portal", "deny"),
    ],
)
def test_no_role_of_the_account_puts_events_as_the_ledger(
    dev: Assembly, name: str, decided: str
) -> None:
    """A portal in the ledger's account would be believed, and could restart views."""
    as_ledger = {"events:source": "audit-ledger"}
    assert decision(bus_policy(dev), Request(role(name), "events:PutEvents", BUS, as_ledger)) == (
        decided
    )
    among_others = {"events:source": ["ehr", "audit-ledger"]}
    request = Request(role(name), "events:PutEvents", BUS, among_others)
    assert decision(bus_policy(dev), request) == decided
    as_portal = {"events:source": "ehr"}
    request = Request(role(name), "events:PutEvents", BUS, as_portal)
    assert decision(bus_policy(dev), request) != "deny"


def bus_policy(assembly: Assembly) -> dict[str, Any]:
    """Return all statements of the bus: each is a resource of its own."""
    found = [r.properties for r in assembly.resources("AWS::Events::EventBusPolicy")]
    assert {policy["EventBusName"] for policy in found} == {assembly.prefix}
    return {"Statement": [policy["Statement"] for policy in found]}


def test_events_that_ingest_refuses_stay_in_a_queue(dev: Assembly) -> None:
    """By the rule when ingest cannot be called, by Lambda when it refuses; tried for hours."""
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{P}_undelivered"
    for rule in dev.resources("AWS::Events::Rule"):
        (target,) = rule.properties["Targets"]
        if target["Arn"].endswith(f"{P}-follower"):
            assert "DeadLetterConfig" not in target  # announcements carry nothing
        else:
            assert target["DeadLetterConfig"] == {"Arn": queue}
    ingest = dev.named("AWS::Lambda::Function", "FunctionName")["ingest"]
    assert ingest.properties["DeadLetterConfig"] == {"TargetArn": queue}
    (config,) = (
        c.properties
        for c in dev.resources("AWS::Lambda::EventInvokeConfig")
        if c.properties["FunctionName"] == f"{P}-ingest"
    )
    assert config["MaximumRetryAttempts"] == 2
    assert config["MaximumEventAgeInSeconds"] == 6 * 3600
    (allowed,) = (
        s
        for r in dev.resources("AWS::SQS::QueuePolicy")
        for s in r.properties["PolicyDocument"]["Statement"]
        if s["Effect"] == "Allow"
    )
    assert allowed["Principal"] == {"Service": "events.amazonaws.com"}
    assert allowed["Condition"] == {
        "ArnLike": {"aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{P}/*"}
    }


def test_events_are_not_archived_by_the_bus(dev: Assembly) -> None:
    """Its archive would keep them in the clear, where no erasure reaches."""
    assert not list(dev.resources("AWS::Events::Archive"))
