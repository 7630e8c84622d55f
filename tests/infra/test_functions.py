"""The functions: platform, environment to the letter, logs, concurrency."""

import json
from typing import Any

import pytest

from tests.infra.assembly import (
    ACCOUNT,
    FUNCTIONS,
    LEDGERS,
    REGION,
    SHARED_FUNCTIONS,
    Assembly,
    Resource,
)

P = "audit-ledger-dev"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{P}"
INGEST, QUERY = f"{FUNCTION}-ingest:live", f"{FUNCTION}-query:live"
INGEST_OF_BUS, INGEST_OF_QUERY = f"{FUNCTION}-ingest:bus", f"{FUNCTION}-ingest:own"
CLAIMS = {"ledger": "ledger", "portal": "portal", "patient": "patient"}


def functions(assembly: Assembly) -> dict[str, Resource]:
    return assembly.named("AWS::Lambda::Function", "FunctionName")


def environment(name: str) -> dict[str, Any]:
    """What the contract between functions and infrastructure says, JSON decoded."""
    ledger, _, _ = name.rpartition("-")
    origin, keys = f"dev.audit.example.org/{ledger}", f"alias/{P}/{ledger}"
    wanted: dict[str, dict[str, Any]] = {
        "ingest": {
            "STAGE": "dev",
            "EVENTS_TABLE": f"{P}-events",
            "SUBJECTS_TABLE": f"{P}-subjects",
            "LEDGERS_TABLE": f"{P}-ledgers",
            "LIMITS_TABLE": f"{P}-limits",
            "TOKEN_CLAIMS": CLAIMS,
        },
        "query": {
            "STAGE": "dev",
            "BLOCKS_TABLE": f"{P}-blocks",
            "EVENTS_TABLE": f"{P}-events",
            "SUBJECTS_TABLE": f"{P}-subjects",
            "LEDGERS_TABLE": f"{P}-ledgers",
            "VIEWS_TABLE": f"{P}-views",
            "LIMITS_TABLE": f"{P}-limits",
            "PUBLISHED_BUCKET": f"{P}-published-{ACCOUNT}-{REGION}",
            "INGEST_FUNCTION": INGEST_OF_QUERY,
            "TOKEN_CLAIMS": CLAIMS,
        },
        "follower": {
            "STAGE": "dev",
            "BLOCKS_TABLE": f"{P}-blocks",
            "EVENTS_TABLE": f"{P}-events",
            "SUBJECTS_TABLE": f"{P}-subjects",
            "LEDGERS_TABLE": f"{P}-ledgers",
            "VIEWS_TABLE": f"{P}-views",
            "PUBLISHED_BUCKET": f"{P}-published-{ACCOUNT}-{REGION}",
            "EVENT_BUS": P,
            "DIRECTORY_BUCKET": "",
        },
        "published-files": {
            "PUBLISHED_BUCKET": f"{P}-published-{ACCOUNT}-{REGION}",
            "TOKEN_CLAIMS": CLAIMS,
        },
        "dead-letters": {
            "STAGE": "dev",
            "ARCHIVE_BUCKET": f"{P}-archive-{ACCOUNT}-{REGION}",
            "LOCK_MODE": "GOVERNANCE",
            "LOCK_DAYS": "1",
        },
        f"{ledger}-sequencer": {
            "ORIGIN": origin,
            "BLOCKS_TABLE": f"{P}-blocks",
            "EVENTS_TABLE": f"{P}-events",
            "LEDGERS_TABLE": f"{P}-ledgers",
            "SEQUENCER_KEY": f"{keys}/sequencer",
        },
        f"{ledger}-publisher": {
            "ORIGIN": origin,
            "LEDGER_ID": ledger,
            "BLOCKS_TABLE": f"{P}-blocks",
            "LEDGERS_TABLE": f"{P}-ledgers",
            "VIEWS_TABLE": f"{P}-views",
            "PUBLISHED_BUCKET": f"{P}-published-{ACCOUNT}-{REGION}",
            "ARCHIVE_BUCKET": f"{P}-archive-{ACCOUNT}-{REGION}",
            "SEQUENCER_KEY": f"{keys}/sequencer",
            "WRAPPING_KEY": f"{keys}/wrapping",
            "CHECKPOINT_ED25519_KEY": f"{keys}/checkpoint-ed25519",
            "CHECKPOINT_MLDSA44_KEY": f"{keys}/checkpoint-mldsa44",
            "EVENT_BUS": P,
            "LOCK_MODE": "GOVERNANCE",
            "LOCK_DAYS": "1",
        },
    }
    return wanted[name]


def test_there_are_these_functions_and_no_others(dev: Assembly) -> None:
    """None of CDK's own either (custom resources)."""
    found = functions(dev)
    assert set(found) == set(FUNCTIONS)
    assert len(list(dev.resources("AWS::Lambda::Function"))) == len(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_told_exactly_this(dev: Assembly, name: str) -> None:
    """And its own name, the metrics' namespace and the log level for powertools."""
    told = dict(functions(dev)[name].properties["Environment"]["Variables"])
    powertools = {
        "POWERTOOLS_SERVICE_NAME": f"{P}-{name}",
        "POWERTOOLS_METRICS_NAMESPACE": "AuditLedger",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }
    if "TOKEN_CLAIMS" in told:
        told["TOKEN_CLAIMS"] = json.loads(told["TOKEN_CLAIMS"])
    if name == "ingest":  # of /.well-known/smart-configuration
        smart = json.loads(told.pop("SMART_CONFIGURATION"))
        assert smart["token_endpoint"].endswith("/oauth2/token")
    assert told == {**environment(name), **powertools}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_environment_stays_below_lambdas_4_kb(dev: Assembly, name: str) -> None:
    """With room: Lambda counts names and values."""
    told = functions(dev)[name].properties["Environment"]["Variables"]
    assert sum(len(k) + len(v) for k, v in told.items()) < 2048


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_runs_python_3_13_on_arm(dev: Assembly, name: str) -> None:
    """Under a handler that is the import path from the top of the repository."""
    properties = functions(dev)[name].properties
    assert properties["Runtime"] == "python3.13"
    assert properties["Architectures"] == ["arm64"]
    source = name if name in SHARED_FUNCTIONS else name.rpartition("-")[2]
    assert properties["Handler"] == f"functions.{source.replace('-', '_')}.handler.handler"
    assert properties["Role"] == f"arn:aws:iam::{ACCOUNT}:role/{P}-{name}"
    assert "Layers" not in properties
    assert "VpcConfig" not in properties


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_functions_log_is_encrypted_and_expires(dev: Assembly, name: str) -> None:
    """In a group of its own with a fixed name, made before the function could make one."""
    (group,) = (
        r
        for r in dev.resources("AWS::Logs::LogGroup")
        if r.properties["LogGroupName"] == f"/aws/lambda/{P}-{name}"
    )
    assert group.properties["RetentionInDays"] == 30
    assert "operations" in group.properties["KmsKeyId"]
    log = functions(dev)[name].properties["LoggingConfig"]
    assert log["LogGroup"] == f"<{group.logical_id}>"


def test_snapstart_is_for_functions_that_somebody_waits_for_by_way_of_their_aliases(
    dev: Assembly,
) -> None:
    """A portal waits for ingest, a person for query; whoever calls ingest has its own alias."""
    started = {n for n, f in functions(dev).items() if "SnapStart" in f.properties}
    assert started == {"ingest", "query"}
    versions = {
        f"<{version.logical_id}.Version>": version.properties["FunctionName"]
        for version in dev.resources("AWS::Lambda::Version")
    }
    aliases = {
        (alias.properties["FunctionName"], alias.properties["Name"]): versions[
            alias.properties["FunctionVersion"]
        ]
        for alias in dev.resources("AWS::Lambda::Alias")
    }
    assert aliases == {
        **{(f"{P}-ingest", alias): f"{P}-ingest" for alias in ("live", "bus", "own")},
        (f"{P}-query", "live"): f"{P}-query",
    }
    assert {
        r.properties["IntegrationUri"] for r in dev.resources("AWS::ApiGatewayV2::Integration")
    } == {INGEST, QUERY, f"{FUNCTION}-published-files"}
    targets = {
        target["Arn"]
        for rule in dev.resources("AWS::Events::Rule")
        for target in rule.properties["Targets"]
    }
    assert targets == {INGEST_OF_BUS, f"{FUNCTION}-follower"}


def test_query_answers_before_the_api_gives_up_and_ingest_before_query_does(
    dev: Assembly,
) -> None:
    """API Gateway waits for 30 seconds, and nobody may wait for longer than who waits for them."""
    seconds = {name: f.properties["Timeout"] for name, f in functions(dev).items()}
    assert seconds["ingest"] < seconds["query"] < 30
    assert all(seconds[name] < 30 for name in ("ingest", "query", "published-files"))


def test_concurrency_is_reserved_in_prod_only(dev: Assembly, prod: Assembly) -> None:
    """So that a flood at ingest leaves every ledger its sequencers and publishers."""
    assert not [
        f for f in functions(dev).values() if "ReservedConcurrentExecutions" in f.properties
    ]
    reserved = {
        name: f.properties["ReservedConcurrentExecutions"] for name, f in functions(prod).items()
    }
    ledgers = {f"{led}-{f}": n for led in LEDGERS for f, n in (("sequencer", 2), ("publisher", 3))}
    shared = {"ingest": 200, "query": 50, "follower": 10, "published-files": 50, "dead-letters": 2}
    assert reserved == {**shared, **ledgers}


def test_prod_locks_for_ten_years_in_compliance_mode(prod: Assembly) -> None:
    """Dev locks for a day in governance mode (see the environment above)."""
    for ledger in LEDGERS:
        told = functions(prod)[f"{ledger}-publisher"].properties["Environment"]["Variables"]
        assert told["LOCK_MODE"] == "COMPLIANCE"
        assert int(told["LOCK_DAYS"]) >= 10 * 365 + 2
