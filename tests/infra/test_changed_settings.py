"""What a change of the settings does to stacks that are there: no more than it should.

CloudFormation goes by logical ids: one that changes replaces a resource, or fails where what it
names is there already.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.assemblies import synthesized
from tests.infra.assembly import ACCOUNT, CUSTOM, REGION, SETTINGS, Assembly

ELSEWHERE = {k: v for k, v in SETTINGS.items() if k not in ("account", "region")}
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


@pytest.fixture(scope="module")
def after() -> Assembly:
    """The same stage with an address and ledgers inserted, whose names differ in hyphens only."""
    portals = [{"id": "p", "patient": {"reference": True}}]
    ids = ["a1b", "a-1b", "a1-b", "a--1b"]
    inserted = [{"id": id_, "portals": portals, "public": True} for id_ in ids]
    first, second = SETTINGS["ledgers"]
    ledgers = [inserted[0], first, *inserted[1:3], second, inserted[3]]
    emails = ["new@example.org", *SETTINGS["alarm_emails"]]
    return assembly_of({**ELSEWHERE, "ledgers": ledgers, "alarm_emails": emails})


def test_an_inserted_ledger_renames_nothing(before: Assembly, after: Assembly) -> None:
    """Neither outputs, which scripts read, nor clients, whose secrets portals have."""
    for stack, template in before.templates().items():
        changed = after.templates()[stack]
        assert template["Resources"].keys() <= changed["Resources"].keys(), stack
        for name, output in template.get("Outputs", {}).items():
            assert changed["Outputs"][name]["Value"] == output["Value"], f"{stack}: {name}"
        for name, resource in template["Resources"].items():
            if resource["Type"] in ("AWS::Cognito::UserPoolClient", "AWS::Lambda::Version"):
                assert changed["Resources"][name]["Properties"] == resource["Properties"]


def test_ledgers_whose_ids_differ_in_hyphens_have_outputs_of_their_own(
    before: Assembly, after: Assembly
) -> None:
    """Names of outputs have no hyphens, and ids of ledgers do."""
    for stack, kind in (("api", "Client"), ("delivery", "Public")):
        old, new = (
            [name for name in assembly.outputs(stack) if name.startswith(kind)]
            for assembly in (before, after)
        )
        assert len(new) == len(old) + 4


def test_an_inserted_address_keeps_confirmed_subscriptions(
    before: Assembly, after: Assembly
) -> None:
    """A subscription is named after its address, not its place."""

    def subscribed(assembly: Assembly) -> dict[str, str]:
        found = assembly.resources("AWS::SNS::Subscription")
        return {r.logical_id: r.properties["Endpoint"] for r in found}

    assert subscribed(before).items() < subscribed(after).items()


def test_a_version_is_named_after_what_the_function_runs(
    dev: Assembly, customized: Assembly
) -> None:
    """Another environment is another version, which the description of the function names."""

    def versions(assembly: Assembly) -> dict[str, str]:
        found = [r.logical_id for r in assembly.resources("AWS::Lambda::Version")]
        return {name.lower(): digits for name, _, digits in (f.partition("Version") for f in found)}

    assert versions(dev).keys() == versions(customized).keys() == {"ingest", "query"}
    assert not set(versions(dev).values()) & set(versions(customized).values())
    for assembly in (dev, customized):
        functions = assembly.named("AWS::Lambda::Function", "FunctionName")
        for name, digits in versions(assembly).items():
            described = functions[name].properties["Description"]
            assert described == f"functions/{name}, {digits}"


def test_code_is_signed_only_if_the_settings_name_a_profile(
    dev: Assembly, customized: Assembly
) -> None:
    """Then by that version of that profile alone, enforced, for every function."""
    assert not list(dev.resources("AWS::Lambda::CodeSigningConfig"))
    profiles = {"SigningProfileVersionArns": [CUSTOM["signing_profile"]]}
    configs = {c.stack: c for c in customized.resources("AWS::Lambda::CodeSigningConfig")}
    for config in configs.values():
        assert config.properties["AllowedPublishers"] == profiles
        policy = {"UntrustedArtifactOnDeployment": "Enforce"}
        assert config.properties["CodeSigningPolicies"] == policy
    for function in customized.resources("AWS::Lambda::Function"):
        config = configs[function.stack]
        assert config.logical_id in function.properties["CodeSigningConfigArn"]
