"""`ledger doctor`: what stands in the way of a deployment is named before it begins."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from audit_ledger.cli.commands import doctor
from audit_ledger.cli.exit_codes import UsageError
from audit_ledger.cli.main import run
from infra.doctor.__main__ import findings, lines, main, region_findings
from infra.doctor.account import Account
from infra.doctor.finding import PreflightFinding, exit_code
from infra.doctor.machine import machine_findings
from infra.doctor.needs import Needs, needs_of
from infra.settings.reader import read_settings
from tests.infra.assembly import SETTINGS, Assembly
from tests.infra.doctor.fake_account import ACCOUNT, REGION, FakeAccount, RefusedError

P = "audit-ledger-prod"


@pytest.fixture(scope="session")
def needs(prod: Assembly) -> Needs:
    return needs_of(prod.folder)


def examined(
    needs: Needs, answers: dict[str, Any], *, try_keys: bool = False, **changes: Any
) -> tuple[list[PreflightFinding], FakeAccount]:
    settings = read_settings({"stage": "prod", "audit-ledger": {**SETTINGS, **changes}})
    account = FakeAccount(answers)
    examiner = Account(account.client, settings, needs, ACCOUNT, REGION)
    return list(examiner.findings(try_keys=try_keys)), account


def of(found: list[PreflightFinding], check: str) -> list[tuple[str, str]]:
    return [(f.status, f.found) for f in found if f.check == check]


def test_needs_are_those_of_the_templates(needs: Needs, prod: Assembly) -> None:
    """Recounted from the templates' own resources, by another reader."""
    assert set(needs.stacks) == set(prod.templates())
    reserved = [
        r.properties["ReservedConcurrentExecutions"]
        for r in prod.resources("AWS::Lambda::Function")
        if "ReservedConcurrentExecutions" in r.properties
    ]
    assert sum(needs.reserved.values()) == sum(reserved)
    assert set(needs.named["AWS::DynamoDB::Table"]) == {
        f"{P}-{name}" for name in ("blocks", "events", "subjects", "ledgers", "views", "limits")
    }
    assert f"{P}-published-{ACCOUNT}-{REGION}" in needs.named["AWS::S3::Bucket"]
    assert f"alias/{P}/st-elsewhere/sequencer" in needs.named["AWS::KMS::Alias"]
    assert needs.key_specs == {"ECC_NIST_EDWARDS25519", "ML_DSA_44", "SYMMETRIC_DEFAULT"}


def test_an_empty_bootstrapped_account_lacks_only_a_test_of_keys(
    needs: Needs,
) -> None:
    """Exit 3: that a region makes ML-DSA keys is not known before one was made. Nothing changes."""
    found, account = examined(needs, {})
    assert {f.check for f in found if f.status == "unknown"} == {"key specs"}
    assert not [f for f in found if f.status == "problem"]
    assert exit_code(found) == 3
    assert {
        op for op, _ in account.requests if op.startswith(("Create", "Put", "Delete", "Schedule"))
    } == set()


def test_keys_are_created_on_request_and_deleted_at_once(needs: Needs) -> None:
    """One of each spec, with the shortest waiting period."""
    made_key = {"CreateKey": {"KeyMetadata": {"KeyId": "k"}}, "ScheduleKeyDeletion": {"KeyId": "k"}}
    found, account = examined(needs, made_key, try_keys=True)
    assert exit_code(found) == 0
    specs = [params["KeySpec"] for op, params in account.requests if op == "CreateKey"]
    assert set(specs) == needs.key_specs
    assert [
        p["PendingWindowInDays"] for op, p in account.requests if op == "ScheduleKeyDeletion"
    ] == [7] * 3


def test_a_region_without_mldsa_is_a_problem(needs: Needs) -> None:
    """The finding contains the error of KMS."""

    def create(request: dict[str, Any]) -> Any:
        if request["KeySpec"] == "ML_DSA_44":
            raise RefusedError("ValidationException")
        return {"KeyMetadata": {"KeyId": "k"}}

    answers = {"CreateKey": create, "ScheduleKeyDeletion": {"KeyId": "k"}}
    found, _ = examined(needs, answers, try_keys=True)
    assert ("problem", "ML_DSA_44: ValidationException") in of(found, "key specs")
    assert exit_code(found) == 1


@pytest.mark.parametrize(
    ("answers", "check", "said"),
    [
        ({"GetParameter": RefusedError("ParameterNotFound")}, "bootstrap", "is not bootstrapped"),
        ({"GetParameter": {"Parameter": {"Value": "5"}}}, "bootstrap", "version 5, 6 at least"),
        (
            {
                "DescribeStacks": {
                    "Stacks": [{"StackName": f"{P}-tables", "StackStatus": "ROLLBACK_COMPLETE"}]
                }
            },
            "stacks",
            f"{P}-tables: ROLLBACK_COMPLETE",
        ),
        (
            {"DescribeTable": {"Table": {"TableStatus": "ACTIVE"}}},
            "leftovers",
            f"DynamoDB::Table {P}-blocks is there, and its stack {P}-tables is not",
        ),
        (
            {
                "DescribeStacks": {
                    "Stacks": [
                        {"StackName": f"{P}-tables", "StackStatus": "UPDATE_ROLLBACK_FAILED"}
                    ]
                }
            },
            "stacks",
            f"{P}-tables: UPDATE_ROLLBACK_FAILED",
        ),
        (
            {"GetQueueUrl": {"QueueUrl": "https://sqs.eu-central-1.amazonaws.com/1/x"}},
            "leftovers",
            f"SQS::Queue {P}-st-elsewhere-dead is there, and its stack {P}-ledger-st-elsewhere",
        ),
        ({"HeadBucket": {}}, "leftovers", f"S3::Bucket {P}-archive-{ACCOUNT}-{REGION} is there"),
        (
            {"DescribeLogGroups": {"logGroups": [{"logGroupName": f"/aws/lambda/{P}-ingest"}]}},
            "leftovers",
            f"Logs::LogGroup /aws/lambda/{P}-ingest is there",
        ),
        (
            {"ListUserPools": {"UserPools": [{"Name": P, "Id": "x"}]}},
            "leftovers",
            f"Cognito::UserPool {P} is there",
        ),
        (
            {
                "GetAccountSettings": {
                    "AccountLimit": {
                        "ConcurrentExecutions": 400,
                        "UnreservedConcurrentExecutions": 400,
                    }
                }
            },
            "concurrency",
            "400 unreserved, of which 100 must stay",
        ),
        (
            {
                "GetAccountSummary": {
                    "SummaryMap": {
                        "Roles": 999,
                        "RolesQuota": 1000,
                        "Policies": 1,
                        "PoliciesQuota": 1500,
                    }
                }
            },
            "quotas",
            "999 of 1000 used",
        ),
        (
            {
                "SimulatePrincipalPolicy": {
                    "EvaluationResults": [
                        {"EvalActionName": "kms:CreateKey", "EvalDecision": "implicitDeny"}
                    ]
                }
            },
            "permissions",
            "may not kms:CreateKey",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_an_obstacle_is_named(needs: Needs, answers: dict[str, Any], check: str, said: str) -> None:
    """Exit 1, by the check that found it, with what to do or where that stands."""
    found, _ = examined(needs, answers)
    (problem, *_) = [f for f in found if f.status == "problem" and said in f.found]
    assert problem.check == check
    assert problem.do or check == "permissions"
    assert exit_code(found) == 1


@pytest.mark.parametrize(
    ("status", "left"),
    [
        ("ROLLBACK_FAILED", True),  # deletion protection held the tables
        ("DELETE_FAILED", True),
        ("CREATE_FAILED", False),  # with --no-rollback: the next deployment goes on
        ("UPDATE_ROLLBACK_COMPLETE", False),
    ],
)
def test_what_a_failed_stack_left_is_named(needs: Needs, status: str, left: bool) -> None:
    """All six tables, so that the runbook's reader knows what to take away."""
    stack = {"StackName": f"{P}-tables", "StackStatus": status}
    there = {"DescribeTable": {"Table": {"TableStatus": "ACTIVE"}}}
    found, _ = examined(needs, {"DescribeStacks": {"Stacks": [stack]}, **there})
    tables = {f"{P}-{t}" for t in ("blocks", "events", "subjects", "ledgers", "views", "limits")}
    said = {
        f"DynamoDB::Table {t} is there, and its stack {P}-tables is at {status}" for t in tables
    }
    assert {s for s in said if ("problem", s) in of(found, "leftovers")} == (
        said if left else set()
    )


def test_the_configured_bootstrap_stack_is_checked(prod: Assembly) -> None:
    """By the qualifier of cdk.json, in its parameter and its role."""
    settings = read_settings({"stage": "prod", "audit-ledger": SETTINGS})
    account = FakeAccount({})
    list(
        Account(account.client, settings, needs_of(prod.folder), ACCOUNT, REGION, "other").findings(
            try_keys=False
        )
    )
    requests = dict(account.requests)
    assert requests["GetParameter"] == {"Name": "/cdk-bootstrap/other/version"}
    role = requests["SimulatePrincipalPolicy"]["PolicySourceArn"]
    assert role == f"arn:aws:iam::{ACCOUNT}:role/cdk-other-cfn-exec-role-{ACCOUNT}-{REGION}"


def test_concurrency_that_a_stage_has_reserved_is_not_counted_twice(needs: Needs) -> None:
    """The same account a day later: 1,000 less what is reserved is free, and enough."""
    reserved = sum(needs.reserved.values())
    limits = {"ConcurrentExecutions": reserved + 100, "UnreservedConcurrentExecutions": 100}
    answers = {
        "GetAccountSettings": {"AccountLimit": limits},
        "GetFunctionConcurrency": lambda request: {
            "ReservedConcurrentExecutions": needs.reserved[request["FunctionName"]]
        },
    }
    found, _ = examined(needs, answers)
    assert [status for status, _ in of(found, "concurrency")] == ["ok"]


@pytest.mark.parametrize("operation", ["GetAccountSummary", "DescribeStacks", "GetAccountSettings"])
def test_a_check_without_permission_is_unknown_and_never_good(needs: Needs, operation: str) -> None:
    """Exit 3, and the other checks are made all the same."""
    made = {"CreateKey": {"KeyMetadata": {"KeyId": "k"}}, "ScheduleKeyDeletion": {"KeyId": "k"}}
    found, _ = examined(needs, {operation: RefusedError("AccessDenied"), **made}, try_keys=True)
    assert f"may not ask {operation}" in {f.found for f in found if f.status == "unknown"}
    assert exit_code(found) == 3
    assert of(found, "permissions")[0][0] == "ok"


@pytest.mark.parametrize(
    ("status", "names", "answer"),
    [
        ("ISSUED", ["audit.example.org"], "ok"),
        ("ISSUED", ["*.example.org"], "ok"),
        ("ISSUED", ["other.example.org"], "problem"),
        ("PENDING_VALIDATION", ["audit.example.org"], "problem"),
    ],
)
def test_a_certificate_is_issued_and_of_the_domain(
    needs: Needs, status: str, names: list[str], answer: str
) -> None:
    described = {
        "Certificate": {
            "Status": status,
            "DomainName": names[0],
            "SubjectAlternativeNames": names,
        }
    }
    arn = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/0a"
    found, _ = examined(needs, {"DescribeCertificate": described}, certificate=arn)
    assert [s for s, _ in of(found, "certificate")] == [answer]


def test_a_region_must_have_what_the_settings_want() -> None:
    """Where cdk.json leaves the region to the credentials, its own check cannot."""
    settings = {k: v for k, v in SETTINGS.items() if k not in ("region", "account")}
    public = read_settings({"stage": "prod", "audit-ledger": settings})
    for region, status in (
        ("eu-central-1", "ok"),
        ("us-gov-west-1", "problem"),
        ("nowhere-1", "problem"),
        (None, "problem"),
    ):
        assert [f.status for f in region_findings(public, region)] == [status], region


def test_the_region_is_that_of_the_cdk_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_REGION before AWS_DEFAULT_REGION, as in the SDK for JavaScript, but not in boto3."""
    monkeypatch.setattr(
        "infra.doctor.__main__.clients_of",
        lambda _: FakeAccount({"GetCallerIdentity": RefusedError("ExpiredToken")}).client,
    )
    monkeypatch.setenv("AWS_REGION", "us-gov-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    found = [f for f in findings("dev", try_keys=False) if f.check == "region"]
    assert [(f.status, f.found) for f in found] == [("problem", "us-gov-west-1 has no CloudFront")]


@pytest.mark.parametrize(
    ("version", "status"), [("v24.1.0", "ok"), ("v22.0.0", "ok"), ("v20.9.0", "problem")]
)
def test_node_is_new_enough_for_the_cdk_command(
    version: str, status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("node", "npx"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho {version}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [f.status for f in machine_findings()] == [status]


def test_no_node_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [f.status for f in machine_findings()] == ["problem"]


def test_people_see_what_to_do_below_what_was_found() -> None:
    """The status first."""
    assert list(
        lines(
            [
                PreflightFinding("stacks", "problem", "x: y", "see z"),
                PreflightFinding("a", "ok", "b"),
            ]
        )
    ) == [
        "PROBLEM    stacks       x: y",
        "                        → see z",
        "ok         a            b",
    ]


def test_an_invalid_setting_is_the_only_problem_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As JSON: stage, exit code, findings."""
    wrong = {"audit-ledger": {"domain": "x", "ledgers": []}}
    monkeypatch.setattr("infra.doctor.__main__.written_context", lambda: wrong)
    assert main(["--stage", "prod", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["stage"], report["exit_code"]) == ("prod", 1)
    (finding,) = report["findings"]
    assert (finding["check"], finding["status"]) == ("settings", "problem")
    assert 'domain: found "x"' in finding["found"]


def test_no_credentials_are_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "infra.doctor.__main__.clients_of",
        lambda _: FakeAccount({"GetCallerIdentity": RefusedError("ExpiredToken")}).client,
    )
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    assert [f.status for f in findings("dev", try_keys=False) if f.check == "credentials"] == [
        "problem"
    ]


def test_the_ledger_command_runs_it_in_the_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And returns its exit code; elsewhere it states where it belongs."""
    ran: list[list[str]] = []

    def noted(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        ran.append(command[1:])
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr("audit_ledger.cli.commands.doctor.subprocess.run", noted)
    assert run(["doctor", "--stage", "prod", "--json"]) == 3
    assert ran == [["-m", "infra.doctor", "--stage", "prod", "--json"]]
    assert run(["doctor", "--stage", "test"]) == 2
    with pytest.raises(UsageError, match="the settings of a checkout"):
        doctor.run_doctor("prod", try_keys=False, as_json=False, checkout=tmp_path)
