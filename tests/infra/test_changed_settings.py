"""What a change of the settings does to stacks that are there: no more than it should.

CloudFormation goes by logical ids: one that changes replaces a resource, or fails where what it
names is there already.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.assemblies import synthesized
from tests.infra.assembly import ACCOUNT, REGION, SETTINGS, Assembly

ELSEWHERE = {k: v for k, v in SETTINGS.items() if k not in ("account", "region")}
PROFILE = f"arn:aws:signer:{REGION}:{ACCOUNT}:/signing-profiles/AuditLedger/AbCdEf1234"
ASSETS = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
ASSETS_ANYWHERE = {"Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"}


def assembly_of(settings: Mapping[str, Any], stage: str = "dev") -> Assembly:
    return Assembly(synthesized(settings, stage=stage, alone=True), stage)


@pytest.fixture(scope="module")
def before() -> Assembly:
    """A stage without account and region in its settings: deployed where credentials point."""
    return assembly_of(ELSEWHERE)


def computed(assembly: Assembly) -> dict[str, Any]:
    """Every resource by stack and logical id, with what CloudFormation fills in filled in."""
    kinds = {r["Type"] for t in assembly.templates().values() for r in t["Resources"].values()}
    found: dict[str, Any] = {}
    for kind in kinds - {"AWS::CDK::Metadata"}:
        for resource in assembly.resources(kind):
            properties = dict(resource.properties)
            if "S3Bucket" in properties.get("Code", {}):
                assert properties["Code"]["S3Bucket"] in (ASSETS, ASSETS_ANYWHERE)
                properties["Code"] = {**properties["Code"], "S3Bucket": ASSETS}
            found[f"{resource.stack}/{resource.logical_id}"] = properties
    return found


def test_account_and_region_can_be_added_later(before: Assembly, dev: Assembly) -> None:
    """No resource is new, gone or changed: a version of a function could not be published again."""
    one, two = computed(before), computed(dev)
    assert set(one) == set(two)
    assert {name: (one[name], two[name]) for name in one if one[name] != two[name]} == {}
    for stack in before.templates():
        short = stack.removeprefix(f"{before.prefix}-")
        assert before.outputs(short).keys() == dev.outputs(short).keys()


@pytest.mark.parametrize("place", [0, 1])
def test_a_ledger_that_is_inserted_renames_nothing(before: Assembly, place: int) -> None:
    """Neither outputs, which scripts read, nor clients, whose secrets portals hold."""
    new = {"id": "a1", "portals": [{"id": "b", "patient": {"reference": True}}], "public": True}
    ledgers = list(SETTINGS["ledgers"])
    ledgers.insert(place, new)
    after = assembly_of({**ELSEWHERE, "ledgers": ledgers})
    for stack, template in before.templates().items():
        changed = after.templates()[stack]
        assert template["Resources"].keys() <= changed["Resources"].keys(), stack
        for name, output in template.get("Outputs", {}).items():
            assert changed["Outputs"][name]["Value"] == output["Value"], f"{stack}: {name}"
        for name, resource in template["Resources"].items():
            if resource["Type"] in ("AWS::Cognito::UserPoolClient", "AWS::Lambda::Version"):
                assert changed["Resources"][name]["Properties"] == resource["Properties"]


def test_names_that_look_alike_are_told_apart() -> None:
    """CloudFormation's names have no hyphens, and ledgers' ids do."""
    ids = ["a1b", "a-1b", "a1-b", "a--1b"]
    portals = [{"id": "p", "patient": {"reference": True}}]
    ledgers = [{"id": id_, "portals": portals, "public": True} for id_ in ids]
    found = assembly_of({**SETTINGS, "ledgers": ledgers})
    for stack, kind in (("api", "Client"), ("delivery", "Public")):
        assert len([name for name in found.outputs(stack) if name.startswith(kind)]) == len(ids)


def test_who_confirmed_alarms_need_not_confirm_again(before: Assembly) -> None:
    """A subscription is named after its address, not its place."""
    emails = ["new@example.org", *SETTINGS["alarm_emails"]]
    after = assembly_of({**ELSEWHERE, "alarm_emails": emails})

    def subscribed(assembly: Assembly) -> dict[str, str]:
        found = assembly.resources("AWS::SNS::Subscription")
        return {r.logical_id: r.properties["Endpoint"] for r in found}

    assert subscribed(before).items() < subscribed(after).items()


def test_what_a_function_runs_names_its_version(dev: Assembly) -> None:
    """Something else to be told is another version; the description says which is meant."""
    claims = {"ledger": "other", "portal": "portal", "patient": "patient"}
    after = assembly_of({**SETTINGS, "tokens": {"claims": claims}})

    def versions(assembly: Assembly) -> dict[str, str]:
        found = [r.logical_id for r in assembly.resources("AWS::Lambda::Version")]
        return {name.lower(): digits for name, _, digits in (f.partition("Version") for f in found)}

    assert versions(dev).keys() == versions(after).keys() == {"ingest", "query"}
    assert not set(versions(dev).values()) & set(versions(after).values())
    for assembly in (dev, after):
        functions = assembly.named("AWS::Lambda::Function", "FunctionName")
        for name, digits in versions(assembly).items():
            described = functions[name].properties["Description"]
            assert described == f"functions/{name}, {digits}"


def test_nothing_is_signed_unless_the_settings_say_by_whom(dev: Assembly) -> None:
    """And then by that version of that profile alone, enforced, for every function."""
    assert not list(dev.resources("AWS::Lambda::CodeSigningConfig"))
    signed = assembly_of({**SETTINGS, "signing_profile": PROFILE})
    configs = {c.stack: c for c in signed.resources("AWS::Lambda::CodeSigningConfig")}
    for config in configs.values():
        assert config.properties["AllowedPublishers"] == {"SigningProfileVersionArns": [PROFILE]}
        policy = {"UntrustedArtifactOnDeployment": "Enforce"}
        assert config.properties["CodeSigningPolicies"] == policy
    for function in signed.resources("AWS::Lambda::Function"):
        config = configs[function.stack]
        assert config.logical_id in function.properties["CodeSigningConfigArn"]
