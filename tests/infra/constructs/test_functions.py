"""The functions: platform, environment to the letter, logs, concurrency."""

import json

import pytest

from audit_ledger.settings.environment import (
    DeadLettersEnvironment,
    Environment,
    FollowerEnvironment,
    IngestEnvironment,
    PublishedFilesEnvironment,
    PublisherEnvironment,
    QueryEnvironment,
    SequencerEnvironment,
)
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
ENVIRONMENTS: dict[str, type[Environment]] = {
    "ingest": IngestEnvironment,
    "query": QueryEnvironment,
    "follower": FollowerEnvironment,
    "published-files": PublishedFilesEnvironment,
    "dead-letters": DeadLettersEnvironment,
    "sequencer": SequencerEnvironment,
    "publisher": PublisherEnvironment,
}
POWERTOOLS = "POWERTOOLS_"


def functions(assembly: Assembly) -> dict[str, Resource]:
    return assembly.named("AWS::Lambda::Function", "FunctionName")


def source_of(name: str) -> str:
    """Return the name of a function without its ledger's."""
    return name if name in SHARED_FUNCTIONS else name.rpartition("-")[2]


def variables_of(assembly: Assembly, name: str) -> dict[str, str]:
    return dict(functions(assembly)[name].properties["Environment"]["Variables"])


def test_there_are_these_functions_and_no_others(dev: Assembly) -> None:
    """None of CDK's own either (custom resources)."""
    found = functions(dev)
    assert set(found) == set(FUNCTIONS)
    assert len(list(dev.resources("AWS::Lambda::Function"))) == len(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_functions_variables_are_those_that_its_handler_reads(dev: Assembly, name: str) -> None:
    """And its own name, the metrics' namespace and the log level for powertools; nothing else."""
    variables = variables_of(dev, name)
    powertools = {k: v for k, v in variables.items() if k.startswith(POWERTOOLS)}
    assert powertools == {
        "POWERTOOLS_SERVICE_NAME": f"{P}-{name}",
        "POWERTOOLS_METRICS_NAMESPACE": "AuditLedger",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }
    read = ENVIRONMENTS[source_of(name)].read(variables)
    assert {**read.variables(), **powertools} == variables


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_functions_variables_name_resources_of_the_templates(dev: Assembly, name: str) -> None:
    """The table, bucket, key or bus that the variable is called after, of the function's ledger."""
    ledger = "" if name in SHARED_FUNCTIONS else name.rpartition("-")[0]
    keys = (
        {alias.properties["AliasName"] for alias in dev.resources("AWS::KMS::Alias")}
        if ledger
        else set()
    )
    for variable, value in variables_of(dev, name).items():
        what, _, kind = variable.rpartition("_")
        what = what.lower().replace("_", "-")
        if kind == "TABLE":
            assert value == f"{P}-{what}"
            assert what in dev.named("AWS::DynamoDB::Table", "TableName")
        elif kind == "BUCKET" and value:
            assert value == f"{P}-{what}-{ACCOUNT}-{REGION}"
            assert f"{what}-{ACCOUNT}-{REGION}" in dev.named("AWS::S3::Bucket", "BucketName")
        elif kind == "KEY":
            assert value == f"alias/{P}/{ledger}/{what}"
            assert value in keys
        elif variable == "EVENT_BUS":
            assert value in {b.properties["Name"] for b in dev.resources("AWS::Events::EventBus")}


@pytest.mark.parametrize("ledger", LEDGERS)
def test_a_ledgers_functions_know_its_origin(dev: Assembly, ledger: str) -> None:
    """The stage's domain and the ledger's id; the publisher's objects are below the id."""
    origin = f"dev.audit.example.org/{ledger}"
    publisher = variables_of(dev, f"{ledger}-publisher")
    assert variables_of(dev, f"{ledger}-sequencer")["ORIGIN"] == publisher["ORIGIN"] == origin
    assert publisher["LEDGER_ID"] == ledger


def test_shared_functions_know_the_stage_and_what_they_call(dev: Assembly) -> None:
    """Query records its use by ingest's alias for internal events; no directory is configured."""
    variables = {name: variables_of(dev, name) for name in SHARED_FUNCTIONS}
    for name in ("ingest", "query", "follower", "dead-letters"):
        assert variables[name]["STAGE"] == "dev"
    assert variables["query"]["INGEST_FUNCTION"] == INGEST_OF_QUERY
    assert variables["follower"]["DIRECTORY_BUCKET"] == ""
    assert (variables["dead-letters"]["LOCK_MODE"], variables["dead-letters"]["LOCK_DAYS"]) == (
        "GOVERNANCE",
        "1",
    )
    for name in ("ingest", "query", "published-files"):
        assert json.loads(variables[name]["TOKEN_CLAIMS"]) == {
            "ledger": "ledger",
            "portal": "portal",
            "patient": "patient",
        }
    smart = json.loads(variables["ingest"]["SMART_CONFIGURATION"])
    assert smart["token_endpoint"].endswith("/oauth2/token")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_environment_stays_below_lambdas_4_kb(dev: Assembly, name: str) -> None:
    """With room: Lambda counts names and values."""
    variables = functions(dev)[name].properties["Environment"]["Variables"]
    assert sum(len(k) + len(v) for k, v in variables.items()) < 2048


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_runs_python_3_13_on_arm(dev: Assembly, name: str) -> None:
    """Under a handler that is the import path from the top of the repository."""
    properties = functions(dev)[name].properties
    assert properties["Runtime"] == "python3.13"
    assert properties["Architectures"] == ["arm64"]
    source = source_of(name).replace("-", "_")
    assert properties["Handler"] == f"functions.{source}.handler.handler"
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


def test_snapstart_is_for_aliases_of_functions_with_waiting_callers(
    dev: Assembly,
) -> None:
    """A portal waits for ingest, a person for query; each caller of ingest has its own alias."""
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


def test_each_function_responds_before_its_caller_times_out(
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
        variables = functions(prod)[f"{ledger}-publisher"].properties["Environment"]["Variables"]
        assert variables["LOCK_MODE"] == "COMPLIANCE"
        assert int(variables["LOCK_DAYS"]) >= 10 * 365 + 2
