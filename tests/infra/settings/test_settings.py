"""Settings: what is taken, and the one clear line that a wrong one gets."""

import json
from copy import deepcopy
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
    """`stages.prod` holds for prod only."""
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
    told = read("prod", alarm_emails=["ops@example.org"], break_glass=[role])
    assert read_warnings(told) == read_warnings(read("dev")) == []


def test_public_ledgers_are_for_regions_with_cloudfront() -> None:
    """GovCloud takes private ones; where it is not said, `ledger doctor` looks."""
    assert read(region="us-gov-west-1").region == "us-gov-west-1"
    assert read(region="eu-west-1", ledgers=[ledger("a", PORTAL, public=True)])
    issuer = {"issuer": "https://x.example", "audience": ["x"]}
    assert read(region="cn-north-1", tokens=issuer).region == "cn-north-1"


def test_an_origin_is_domain_and_ledger_id() -> None:
    """And the parameter for ingest holds it, with the portals' rules."""
    settings = read("prod")
    assert ledger_parameter(settings, settings.ledgers[0]) == {
        "origin": "audit.example.org/st-elsewhere",
        "portals": {"ehr": {"patient": {"reference": True}}},
        "limits": {
            "portal": {"rate": 1000, "burst": 20_000},
            "reader": {"rate": 20, "burst": 600},
        },
    }


BAD_ID = "1 to 32 of a-z, 0-9 and -, neither beginning nor ending with -"
BASE = "https://fhir.example.org/r4"
BASED: dict[str, Any] = {"id": "ehr", "patient": {"reference": True, "base": BASE}}
MANY_PORTALS = [{"id": f"p{number}", "patient": {"system": "urn:x"}} for number in range(51)]

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"domain": "Audit.example.org"}, 'domain: found "Audit.example.org", expected a domain name'),
    ({"domain": "localhost"}, 'domain: found "localhost", expected a domain name'),
    ({"domain": 7}, "domain: found 7, expected text, in quotes"),
    ({"ledgers": []}, "ledgers: found [], expected at least one ledger"),
    ({"ledgers": "all"}, 'ledgers: found "all", expected a list'),
    ({"ledgers": [{"id": "a"}]}, "ledgers[0]: object missing required field `portals`"),
    (
        {"ledgers": [ledger("St-Elsewhere")]},
        f'ledgers[0].id: found "St-Elsewhere", expected {BAD_ID}',
    ),
    ({"ledgers": [ledger("-a")]}, f'ledgers[0].id: found "-a", expected {BAD_ID}'),
    ({"ledgers": [ledger("a" * 33)]}, f'ledgers[0].id: found "{"a" * 33}", expected {BAD_ID}'),
    (
        {"domain": f"{'a' * 40}.example.org", "ledgers": [ledger("b" * 20)]},
        "expected an origin of at most 64 bytes",
    ),
    (
        {"ledgers": [ledger("a"), ledger("a")]},
        'ledgers[1].id: found "a", expected another id: a ledger above has this one',
    ),
    (
        {"ledgers": [ledger("a"), ledger("a-dead")]},
        "ledgers[1].id: found \"a-dead\", expected an id that shares no queue name with ledger 'a'",
    ),
    (
        {"ledgers": [ledger("a", public="yes")]},
        'ledgers[0].public: found "yes", expected true or false',
    ),
    (
        {"ledgers": [ledger("a", {**PORTAL, "id": "EHR"})]},
        f'ledgers[0].portals[0].id: found "EHR", expected {BAD_ID}',
    ),
    (
        {"ledgers": [ledger("a", PORTAL, PORTAL)]},
        'ledgers[0].portals[1].id: found "ehr", expected an id that no other portal of this ledger',
    ),
    (
        {"ledgers": [ledger("a", {"id": "ehr"})]},
        "ledgers[0].portals[0]: object missing required field `patient`",
    ),
    (
        {"ledgers": [ledger("a", {"id": "ehr", "patient": {}})]},
        'ledgers[0].portals[0].patient: found {}, expected {"system": "<URI>"},',
    ),
    (
        {"ledgers": [ledger("a", {"id": "e", "patient": {"system": "urn:x|y"}})]},
        'patient.system: found "urn:x|y", expected the URI of an identifier system',
    ),
    (
        {"ledgers": [ledger("a", {"id": "e", "patient": {"system": "urn:x", "base": BASE}})]},
        'patient.base: found "https://fhir.example.org/r4", expected none without',
    ),
    *(
        (
            {"ledgers": [ledger("a", {"id": "e", "patient": {"reference": True, "base": base}})]},
            f'patient.base: found "{base}", expected the base URL of a FHIR server',
        )
        for base in (
            "",
            "fhir.example.org",
            f"{BASE}/",
            "https://FHIR.example.org",
            "https://fhir.example.org:443/r4",
            "http://fhir.example.org:80",
            "https://fhir.example.org/r4?x=1",
            "https://fhir.example.org/a/../b",
            "ftp://fhir.example.org",
        )
    ),
    (
        {"ledgers": [ledger("a", PORTAL, {**PORTAL, "id": "app"})]},
        'ledgers[0].portals[0].patient: found {"reference": true}, expected a base',
    ),
    (
        {"ledgers": [ledger("a", BASED, {**PORTAL, "id": "app"})]},
        'ledgers[0].portals[1].patient: found {"reference": true}, expected a base',
    ),
    (
        {"ledgers": [ledger("a", {**PORTAL, "account": "1234"})]},
        'ledgers[0].portals[0].account: found "1234", expected an AWS account id, 12 digits',
    ),
    (
        {
            "ledgers": [
                ledger("a", {**PORTAL, "account": "210987654321"}),
                ledger("b", {**PORTAL, "account": "210987654321"}),
            ]
        },
        'ledgers[1].portals[0].account: found "210987654321", expected an account of its own',
    ),
    (
        {"ledgers": [ledger("a", *[{**p, "patient": {"system": "x" * 90}} for p in MANY_PORTALS])]},
        "expected portals that fit into an SSM parameter of 4096 bytes",
    ),
    ({"ledgers": [ledger("a", *MANY_PORTALS)]}, "ledgers: found 51, expected at most 50 portals"),
    (
        {"ledgers": [ledger("a", *MANY_PORTALS[:50], readers=["security"])]},
        "ledgers: found 51, expected at most 50 portals and readers",
    ),
    (
        {"ledgers": [ledger("a", readers=["Security"])]},
        f'ledgers[0].readers[0]: found "Security", expected {BAD_ID}',
    ),
    (
        {"ledgers": [ledger("a", readers=["security", "security"])]},
        'ledgers[0].readers[1]: found "security", expected an id that no portal and no other',
    ),
    (
        {"ledgers": [ledger("a", PORTAL, readers=["ehr"])]},
        'ledgers[0].readers[0]: found "ehr", expected an id that no portal and no other reader',
    ),
    (
        {
            "ledgers": [ledger("a", readers=["security"])],
            "tokens": {"issuer": "https://x.example", "audience": ["x"]},
        },
        'ledgers[0].readers: found ["security"], expected none beside tokens.issuer',
    ),
    (
        {"ledgers": [ledger(f"l{number}") for number in range(61)]},
        "ledgers: found 61, expected at most 60 in a stage",
    ),
    (
        {"signing_profile": "arn:aws:signer:eu-central-1:123456789012:/signing-profiles/Mine"},
        "signing_profile: found ",
    ),
    ({"account": "12"}, 'account: found "12", expected an AWS account id, 12 digits, as text'),
    ({"account": 123456789012}, "account: found 123456789012, expected text, in quotes"),
    ({"region": "Frankfurt"}, 'region: found "Frankfurt", expected an AWS region'),
    (
        {"retention": {"mode": "NONE", "days": 1}},
        'retention.mode: found "NONE", expected one of GOV',
    ),
    (
        {"retention": {"mode": "GOVERNANCE", "days": 0}},
        "retention.days: found 0, expected at least 1",
    ),
    (
        {"retention": {"mode": "GOVERNANCE", "days": 36_501}},
        "retention.days: found 36501, expected at least 1, at most 36500",
    ),
    ({"retention": {"mode": "GOVERNANCE"}}, "retention: object missing required field `days`"),
    ({"log_days": 31}, "log_days: found 31, expected one of 1, 3, 5, 7"),
    (
        {"break_glass": ["admin"]},
        'break_glass[0]: found "admin", expected the ARN of one IAM role or user',
    ),
    (
        {"account": "123456789012", "break_glass": ["arn:aws:iam::210987654321:role/a"]},
        "expected a principal of account 123456789012",
    ),
    (
        {"account": "123456789012", "directory_writers": ["arn:aws:iam::210987654321:role/a"]},
        'directory_writers[0]: found "arn:aws:iam::210987654321:role/a", expected a principal of',
    ),
    (
        {"ledgers": [ledger("a", detections={"after_hours": {"grace_minutes": 9999}})]},
        "ledgers[0].detections.after_hours.grace_minutes: found 9999, expected int <= 720",
    ),
    (
        {"ledgers": [ledger("a", detections={"same_sirname": None})]},
        'ledgers[0].detections: found ["same_sirname"], expected members that are settings, such '
        "as same_surname: see docs/detections.md",
    ),
    (
        {"ledgers": [ledger("a", detections={"after_hours": {"grace_minuts": 1}})]},
        'detections.after_hours: found ["grace_minuts"], expected members that are settings, such '
        "as grace_minutes: see docs/detections.md",
    ),
    ({"domain": "10.0.0.1"}, 'domain: found "10.0.0.1", expected a domain name'),
    ({"account": "١٢٣٤٥٦٧٨٩٠١٢"}, 'account: found "١٢٣٤٥٦٧٨٩٠١٢", expected an AWS account id'),
    (
        {"ledgers": [ledger("a", {**PORTAL, "account": "１２３４５６７８９０１２"})]},
        "ledgers[0].portals[0].account: found",
    ),
    ({"retention": {"mode": "compliance", "days": 1}}, "expected one of GOVERNANCE, COMPLIANCE"),
    ({"public_url": "https://a.example:65536"}, 'public_url: found "https://a.example:65536"'),
    ({"cors_origins": ["https://a.example:0"]}, 'cors_origins[0]: found "https://a.example:0"'),
    *(
        (
            {"ledgers": [ledger("a", reports={"zone": zone})]},
            "expected a time zone by its IANA name",
        )
        for zone in ("localtime", "posixrules", "right/Europe/Berlin", "posix/Europe/Berlin")
    ),
    *(
        ({"ledgers": [ledger("a", reports={"exclusions": {key: {"until": until}}})]}, expected)
        for key, until, expected in (
            ("treatment", "2003-04-14T00:00:00Z", "expected no such setting but of before_comp"),
            ("before_compliance", "2999-01-01T00:00:00Z", "expected a time that has passed"),
            ("before_compliance", "2003", "expected an instant like"),
        )
    ),
    (
        {"ledgers": [ledger("a", {**PORTAL, "id": "b-c"}), ledger("a-b", {**PORTAL, "id": "c"})]},
        "ledgers[1]: found \"a-b-c\", expected ids that make no name of a client of ledger 'a'",
    ),
    ({"tokens": {"claims": {"portal": ""}}}, "tokens.claims: found"),
    ({"tokens": {"claims": {"portal": "ledger"}}}, "expected three names of claims, each another"),
    (
        {"tokens": {"issuer": "https://x.example", "audience": [""]}},
        'tokens.audience: found [""], expected audiences that are not empty',
    ),
    ({"alarm_emails": ["nobody"]}, 'alarm_emails[0]: found "nobody", expected an e-mail address'),
    (
        {"certificate": "arn:aws:acm:eu-central-1:1:x"},
        "expected the ARN of an ACM certificate in us-east-1",
    ),
    *(
        ({"public_url": url}, f'public_url: found "{url}", expected the URL that clients use')
        for url in (
            "http://audit.example.org",
            "https://audit.example.org/",
            "https://audit.example.org/a/",
            "https://audit.example.org?a=b",
            "https://user@audit.example.org",
            "audit.example.org",
            "https://audit.example.org/a b",
        )
    ),
    *(
        ({"cors_origins": [origin]}, f'cors_origins[0]: found "{origin}", expected the origin')
        for origin in ("*", "https://a.example/", "a.example", "http://a.example", "null")
    ),
    (
        {"tokens": {"smart_configuration": {}}},
        "tokens.smart_configuration: found [], expected none without tokens.issuer",
    ),
    (
        {
            "tokens": {
                "issuer": "https://x.example",
                "audience": ["a"],
                "smart_configuration": {"token_endpoint": "https://x.example/token"},
            }
        },
        'tokens.smart_configuration: found ["token_endpoint"], expected token_endpoint, grant',
    ),
    ({"tokens": {"issuer": "http://x"}}, 'tokens.issuer: found "http://x", expected an https URL'),
    (
        {"tokens": {"issuer": "https://x.example"}},
        "tokens.audience: found [], expected at least one audience",
    ),
    ({"tokens": {"audience": ["x"]}}, 'tokens.audience: found ["x"], expected none without'),
    (
        {"tokens": {"claims": {"tenant": "x"}}},
        "tokens.claims: object contains unknown field `tenant`",
    ),
    ({"stages": {"test": {}}}, 'stages: found "test", expected one of dev, prod'),
    ({"stages": {"dev": []}}, "expected an object of objects"),
    ({"legders": []}, "object contains unknown field `legders`; did you mean `ledgers`?"),
    ({"Domain": "x"}, "unknown field `Domain`; did you mean `domain`?"),
    ({"alarm_mails": []}, "unknown field `alarm_mails`; did you mean `alarm_emails`?"),
    ({"xyz": 1}, "unknown field `xyz`, expected one of account, alarm_emails, break_glass"),
    (
        {"stages": {"prod": {"stage": "prod"}}},
        'audit-ledger.stages.prod.stage: found "prod", expected -c stage=… in its place',
    ),
    (
        {"stages": {"prod": {"retentoin": {}}}},
        "stages.prod: object contains unknown field `retentoin`; did you mean `retention`?",
    ),
    (
        {"retention": {"mode": "GOVERNANCE", "days": 1, "day": 1}},
        "retention: object contains unknown field `day`; did you mean `days`?",
    ),
    (
        {"ledgers": [{**ledger("a"), "reader": []}]},
        "ledgers[0]: object contains unknown field `reader`; did you mean `readers`?",
    ),
    (
        {"ledgers": [ledger("a", {**PORTAL, "acount": "1"})]},
        "ledgers[0].portals[0]: object contains unknown field `acount`; did you mean `account`?",
    ),
    (
        {"ledgers": [ledger("a", reports={"suspensions": [{"form": "x"}]})]},
        "reports.suspensions[0]: object contains unknown field `form`; did you mean `from`?",
    ),
    (
        {"ledgers": [ledger("a", reports={"exclusions": {"treatment": {"kind": []}}})]},
        "reports.exclusions: object contains unknown field `kind`; did you mean `kinds`?",
    ),
    ({"tokens": {"issuers": "x"}}, "unknown field `issuers`; did you mean `issuer`?"),
    (
        {"region": "eu-cenral-1"},
        'region: found "eu-cenral-1", expected an AWS region that this boto3 knows, such as '
        "eu-central-1",
    ),
    ({"region": "eu-central-9"}, "region that this boto3 knows, such as eu-central-2"),
    *(
        (
            {"region": region, "ledgers": [ledger("a", PORTAL, public=True)], **more},
            f"ledgers[0].public: found true, expected false in {region}",
        )
        for region, more in (
            ("us-gov-west-1", {}),
            ("cn-north-1", {"tokens": {"issuer": "https://x.example", "audience": ["x"]}}),
        )
    ),
    (
        {"region": "cn-north-1"},
        "tokens.issuer: found nothing, expected an issuer of your own: cn-north-1 has no Cognito",
    ),
    (
        {"region": "us-gov-west-1", "break_glass": ["arn:aws:iam::210987654321:role/a"]},
        "expected a principal of us-gov-west-1: arn:aws-us-gov:iam::…",
    ),
    (
        {"certificate": "arn:aws:acm:us-east-1:210987654321:certificate/0a"},
        "expected none where no ledger is public",
    ),
    (
        {
            "account": "123456789012",
            "certificate": "arn:aws:acm:us-east-1:210987654321:certificate/0a",
            "ledgers": [ledger("a", PORTAL, public=True)],
        },
        "expected a certificate of account 123456789012",
    ),
    *(
        (
            {"tokens": {"issuer": f"https://x.example/a/.well-known/{file}", "audience": ["x"]}},
            "expected the issuer itself, as in the tokens' `iss` claim, such as https://x.example/a",
        )
        for file in ("openid-configuration", "jwks.json", "oauth-authorization-server")
    ),
    ({"tokens": {"issuer": "https:///x", "audience": ["x"]}}, "expected an https URL"),
    ({"tokens": {"issuer": "https://u:p@x.example", "audience": ["x"]}}, "expected an https URL"),
]


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
    """A base says which; one portal alone needs none."""
    settings = read(ledgers=[ledger("a", *portals)])
    told = ledger_parameter(settings, settings.ledgers[0])["portals"]
    assert told == {portal["id"]: {"patient": portal["patient"]} for portal in portals}
