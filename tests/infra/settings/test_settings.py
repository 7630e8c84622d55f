"""Settings: what is taken, and the one clear line that a wrong one gets."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from infra.settings import SettingsError, ledger_parameter
from infra.settings.reader import read_settings, read_warnings
from infra.synth import synthesize
from tests.conftest import REPOSITORY

PORTAL: dict[str, Any] = {"id": "ehr", "patient": {"reference": True}}
GOOD: dict[str, Any] = {
    "domain": "audit.example.org",
    "ledgers": [{"id": "st-elsewhere", "portals": [PORTAL]}],
}


def read(stage: str = "dev", **changes: Any) -> Any:
    return read_settings({"stage": stage, "audit-ledger": {**deepcopy(GOOD), **changes}})


def ledger(ledger_id: str, *portals: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": ledger_id, "portals": list(portals), **more}


def test_the_committed_settings_are_good_for_both_stages() -> None:
    """cdk.json as it is in the repository."""
    context = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
    for stage in ("dev", "prod"):
        assert read_settings({**context, "stage": stage}).stage == stage


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn"])
def test_principals_may_be_of_any_partition(partition: str) -> None:
    """Names use the partition that they are deployed to."""
    writer = f"arn:{partition}:iam::123456789012:role/feed"
    assert read(directory_writers=[writer]).directory_writers == (writer,)


def test_what_happened_before_compliance_may_be_left_out() -> None:
    """Up to a day that has passed."""
    until = {"before_compliance": {"until": "2003-04-14T00:00:00Z"}}
    assert read(ledgers=[ledger("a", PORTAL, reports={"exclusions": until})])


def test_stages_differ_in_what_they_keep() -> None:
    """Dev: a day, governance, nothing protected. Prod: ten years, compliance, protected."""
    dev, prod = read("dev"), read("prod")
    assert (dev.retention.mode, dev.retention.days) == ("GOVERNANCE", 1)
    assert (prod.retention.mode, prod.retention.days) == ("COMPLIANCE", 3653)
    assert (dev.protected, prod.protected) == (False, True)


def test_a_stages_own_settings_replace_the_general_ones() -> None:
    """`stages.prod` applies to prod only."""
    stages = {"prod": {"domain": "ledger.example.org", "account": "123456789012"}}
    assert read("prod", stages=stages).domain == "ledger.example.org"
    assert read("dev", stages=stages).domain == "dev.audit.example.org"
    assert read("dev", stages=stages).account is None


def test_no_two_stages_have_a_ledger_of_one_origin() -> None:
    """Verifiers remember by origin: dev's is behind `dev.`, or has a domain of its own."""
    context = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
    of_stage = {
        stage: {s.origin(ledger) for ledger in s.ledgers}
        for stage in ("dev", "prod")
        for s in [read_settings({**context, "stage": stage})]
    }
    assert of_stage["prod"] == {
        "audit.example.org/st-elsewhere",
        "audit.example.org/riverside-lab",
    }
    assert of_stage["dev"] == {
        "dev.audit.example.org/st-elsewhere",
        "dev.audit.example.org/riverside-lab",
    }
    own = {"dev": {"domain": "trial.example.org"}}
    assert read("dev", stages=own).domain == "trial.example.org"
    assert read("prod", stages=own).domain == "audit.example.org"


@pytest.mark.parametrize(
    "stages",
    [
        {"dev": {"domain": "audit.example.org"}},
        {"prod": {"domain": "dev.audit.example.org"}},
        {"dev": {"domain": "a.example"}, "prod": {"domain": "a.example"}},
    ],
)
@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_two_stages_with_one_domain_are_refused(stage: str, stages: dict[str, Any]) -> None:
    """Whichever of them is deployed."""
    with pytest.raises(SettingsError, match=r"expected another domain than (prod|dev)'s"):
        read(stage, stages=stages)


def test_prod_without_addresses_for_alarms_is_warned_of() -> None:
    """One may subscribe to the topic otherwise, so it is no error."""
    assert [w.partition(":")[0] for w in read_warnings(read("prod"))] == [
        "audit-ledger.alarm_emails",
        "audit-ledger.break_glass",
    ]
    role = "arn:aws:iam::123456789012:role/a"
    configured = read("prod", alarm_emails=["ops@example.org"], break_glass=[role])
    assert read_warnings(configured) == read_warnings(read("dev")) == []


def test_public_ledgers_are_for_regions_with_cloudfront() -> None:
    """GovCloud takes private ones; where it is not said, `ledger doctor` looks."""
    assert read(region="us-gov-west-1").region == "us-gov-west-1"
    assert read(region="eu-west-1", ledgers=[ledger("a", PORTAL, public=True)])
    issuer = {"issuer": "https://x.example", "audience": ["x"]}
    assert read(region="cn-north-1", tokens=issuer).region == "cn-north-1"


def test_an_origin_is_domain_and_ledger_id() -> None:
    """The parameter for ingest contains it, with the portals' rules."""
    settings = read("prod")
    assert ledger_parameter(settings, settings.ledgers[0]) == {
        "origin": "audit.example.org/st-elsewhere",
        "portals": {"ehr": {"patient": {"reference": True}}},
        "limits": {
            "portal": {"rate": 1000, "burst": 20_000},
            "reader": {"rate": 20, "burst": 600},
        },
    }


BASE = "https://fhir.example.org/r4"
BASED: dict[str, Any] = {"id": "ehr", "patient": {"reference": True, "base": BASE}}
MANY_PORTALS = [{"id": f"p{number}", "patient": {"system": "urn:x"}} for number in range(51)]
LONG_PORTALS = [{**portal, "patient": {"system": "x" * 90}} for portal in MANY_PORTALS]


def wrong_settings() -> Iterator[tuple[dict[str, Any], str]]:
    """Yield changes of GOOD, each with the message that it causes: a line each of the file."""
    for line in Path(__file__).with_name("wrong_settings.txt").read_text().splitlines():
        changes, _, message = line.partition("  →  ")
        yield json.loads(changes), message
    too_many = "ledgers: found 51, expected at most 50 portals"
    yield {"ledgers": [ledger("a", *MANY_PORTALS)]}, too_many
    yield (
        {"ledgers": [ledger("a", *MANY_PORTALS[:50], readers=["security"])]},
        f"{too_many} and readers",
    )
    too_long = "expected portals that fit into an SSM parameter of 4096 bytes"
    yield {"ledgers": [ledger("a", *LONG_PORTALS)]}, too_long
    ledgers = [ledger(f"l{number}") for number in range(61)]
    yield {"ledgers": ledgers}, "ledgers: found 61, expected at most 60 in a stage"


WRONG = list(wrong_settings())


@pytest.mark.parametrize(("changes", "message"), WRONG, ids=[m for _, m in WRONG])
def test_a_wrong_setting_says_where_and_what_was_expected(
    changes: dict[str, Any], message: str
) -> None:
    """One line: the place under `audit-ledger`, what was found, what is right."""
    with pytest.raises(SettingsError) as raised:
        read(**changes)
    text = str(raised.value)
    assert text.startswith("audit-ledger")
    assert message in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"retention": {"mode": "GOVERNANCE", "days": 2192}}, "retention.mode: found"),
        (
            {"retention": {"mode": "COMPLIANCE", "days": 2191}},
            r"retention.days: found 2191, expected at least 2192 \(six years\) in prod",
        ),
        ({"protected": False}, "protected: found false, expected true in prod"),
    ],
)
def test_prod_cannot_be_weakened(changes: dict[str, Any], message: str) -> None:
    """What dev may have, prod may not."""
    assert read("dev", **changes)
    with pytest.raises(SettingsError, match=message):
        read("prod", **changes)


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"stage": "test", "audit-ledger": GOOD}, 'stage: found "test", expected one of dev, prod'),
        ({"stage": "dev"}, "audit-ledger: found nothing, expected an object"),
        (
            {"stage": "dev", "audit_ledger": GOOD},
            'audit-ledger: found "audit_ledger", expected an object of this name',
        ),
        ({"stage": "dev", "audit-ledger": []}, "audit-ledger: found [], expected an object"),
    ],
)
def test_the_context_itself_is_checked(context: dict[str, Any], message: str) -> None:
    """Before anything is built."""
    with pytest.raises(SettingsError) as raised:
        read_settings(context)
    assert message in str(raised.value)


def test_the_app_ends_with_one_line_and_no_traceback(tmp_path: Any) -> None:
    """As `cdk synth` shows it."""
    with pytest.raises(SettingsError) as raised:
        synthesize(tmp_path, settings={**GOOD, "domain": "x"}, alone=True)
    assert str(raised.value) == (
        'cdk.json: audit-ledger.domain: found "x", expected a domain name in lower case, such as '
        "audit.example.org"
    )


@pytest.mark.parametrize(
    "portals",
    [
        [BASED, {**BASED, "id": "app"}],
        [BASED, {"id": "app", "patient": {"reference": True, "base": "http://app.example:8080"}}],
        [PORTAL, {"id": "app", "patient": {"system": "urn:x"}}],
        [{"id": "hapi", "patient": {"system": "urn:x", "reference": True, "base": BASE}}, BASED],
        [{"id": "hapi", "patient": {"system": "urn:x", "reference": True}}],
    ],
)
def test_portals_share_patients_by_reference_only_of_one_server(
    portals: list[dict[str, Any]],
) -> None:
    """A base names the server; a single portal needs none."""
    settings = read(ledgers=[ledger("a", *portals)])
    portals_of = ledger_parameter(settings, settings.ledgers[0])["portals"]
    assert portals_of == {portal["id"]: {"patient": portal["patient"]} for portal in portals}
