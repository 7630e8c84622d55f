"""Retention of data, limits of stacks, and delivery of public ledgers."""

import json

import pytest

from tests.infra.assembly import LEDGERS, Assembly
from tests.infra.policies import statements

HOLDS_DATA = (
    "AWS::DynamoDB::Table",
    "AWS::S3::Bucket",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::Cognito::UserPool",
    "AWS::SQS::Queue",
)


@pytest.mark.parametrize("kind", HOLDS_DATA)
def test_in_prod_nothing_that_holds_data_goes_with_its_stack(prod: Assembly, kind: str) -> None:
    """Neither when the stack is deleted nor when a resource is replaced.

    But when a first deployment fails it does, or its name would stand in the way of the next.
    """
    found = list(prod.resources(kind))
    assert found
    for resource in found:
        assert resource.whole["DeletionPolicy"] == "RetainExceptOnCreate", resource.logical_id
        assert resource.whole["UpdateReplacePolicy"] == "Retain", resource.logical_id


@pytest.mark.parametrize("kind", HOLDS_DATA)
def test_in_dev_everything_goes_with_its_stack(dev: Assembly, kind: str) -> None:
    """A developer's stage leaves nothing behind that would stand in the way of the next."""
    for resource in dev.resources(kind):
        assert resource.whole["DeletionPolicy"] == "Delete", resource.logical_id


def test_tables_and_stacks_are_protected_in_prod(dev: Assembly, prod: Assembly) -> None:
    """Against deletion by mistake."""
    for assembly, protected in ((dev, False), (prod, True)):
        for table in assembly.resources("AWS::DynamoDB::Table"):
            assert table.properties["DeletionProtectionEnabled"] is protected
        for name in assembly.templates():
            properties = assembly.manifest()[name]["properties"]
            assert properties.get("terminationProtection", False) is protected, name


def test_stacks_are_these(prod: Assembly) -> None:
    """A stack per ledger, and those that all ledgers share."""
    shared = (
        *("operations", "tables", "buckets", "bus", "api", "follower", "dead-letters"),
        "delivery",
    )
    names = {*shared, *(f"ledger-{ledger}" for ledger in LEDGERS)}
    assert set(prod.templates()) == {f"audit-ledger-prod-{name}" for name in names}


def test_fifty_ledgers_fit(many: Assembly) -> None:
    """500 resources and 200 outputs a stack, 1 MB a template; 20 KB a policy of bucket or table."""
    templates = many.templates()
    assert len(templates) == 58
    for name, template in templates.items():
        assert len(template["Resources"]) < 500, name
        assert len(template.get("Outputs", {})) <= 200, name
        assert len(json.dumps(template)) < 1_000_000, name
    for kind, limit in (("AWS::S3::BucketPolicy", 20 * 1024), ("AWS::SQS::QueuePolicy", 8 * 1024)):
        for resource in many.resources(kind):
            policy = json.dumps(resource.properties["PolicyDocument"], separators=(",", ":"))
            assert len(policy) <= limit, resource.logical_id
    statements_of_bus = [
        r.properties["Statement"] for r in many.resources("AWS::Events::EventBusPolicy")
    ]
    assert len(json.dumps(statements_of_bus)) < 10_240
    for table in many.resources("AWS::DynamoDB::Table"):  # white space counts
        assert len(json.dumps(table.properties["ResourcePolicy"], indent=1)) < 20 * 1024


def test_a_stack_does_not_wait_for_another_ledgers(many: Assembly) -> None:
    """One ledger's trouble never touches another: ledgers need shared stacks only."""
    for name, artifact in many.manifest().items():
        if "-ledger-hospital-" in name and artifact["type"] == "aws:cloudformation:stack":
            needed = {d for d in artifact["dependencies"] if not d.endswith(".assets")}
            assert not [d for d in needed if d.startswith(f"{many.prefix}-ledger-")], name
            assert f"{many.prefix}-tables" in needed


def test_public_ledgers_are_delivered_over_https_from_a_private_bucket(prod: Assembly) -> None:
    """By origin access control, without query strings, so that no request lists the bucket."""
    (distribution,) = prod.resources("AWS::CloudFront::Distribution")
    config = distribution.properties["DistributionConfig"]
    behaviour = config["DefaultCacheBehavior"]
    assert behaviour["ViewerProtocolPolicy"] == "https-only"
    assert behaviour["AllowedMethods"] == ["GET", "HEAD"]
    assert "OriginRequestPolicyId" not in behaviour
    assert config["DefaultRootObject"] == "index.html"
    (origin,) = config["Origins"]
    assert "OriginAccessControlId" in origin
    assert origin["S3OriginConfig"] == {"OriginAccessIdentity": ""}
    outputs = prod.outputs("delivery")
    (public,) = (name for name in outputs if name.startswith("Public"))
    assert public.startswith("PublicStElsewhere")


def test_a_ledgers_parameter_contains_the_settings_of_ingest(prod: Assembly) -> None:
    """Origin, how each portal identifies patients, and the limits of its callers."""
    limits = {"portal": {"rate": 1000, "burst": 20_000}, "reader": {"rate": 20, "burst": 600}}
    parameters = {
        r.properties["Name"]: json.loads(r.properties["Value"])
        for r in prod.resources("AWS::SSM::Parameter")
    }
    assert parameters == {
        "/audit-ledger-prod/ledgers/st-elsewhere": {
            "origin": "audit.example.org/st-elsewhere",
            "portals": {
                "ehr": {"patient": {"system": "urn:mrn"}},
                "app": {"patient": {"reference": True}},
            },
            "limits": limits,
        },
        "/audit-ledger-prod/ledgers/riverside-lab": {
            "origin": "audit.example.org/riverside-lab",
            "portals": {"ehr": {"patient": {"system": "urn:lab"}}},
            "limits": limits,
        },
    }


def test_the_operations_key_serves_logs_and_alarms_of_this_stage(prod: Assembly) -> None:
    """CloudWatch Logs for log groups of the stage only."""
    (key,) = (
        r for r in prod.resources("AWS::KMS::Key") if r.stack == "audit-ledger-prod-operations"
    )
    found = {s.get("Sid"): s for s in statements(key.properties["KeyPolicy"])}
    condition = found["LogGroupsOfThisStage"]["Condition"]["ArnLike"]
    assert condition["kms:EncryptionContext:aws:logs:arn"].endswith(
        ":log-group:*audit-ledger-prod*"
    )
