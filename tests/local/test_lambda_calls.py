"""A function that invokes another by boto3 receives the response that Lambda returns."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from infra.local.cloudformation.deployment import Deployment
from infra.local.lambda_runtime.lambda_calls import invoking
from infra.local.lambda_runtime.runner import Runner
from tests.local.conftest import REGION

ECHO = "small-echo"
ARN = f"arn:aws:lambda:{REGION}:123456789012:function:{ECHO}"


@pytest.fixture
def runner(small: Deployment) -> Iterator[Runner]:
    """Return a runner that handles invocations."""
    runner = Runner(small.functions, small.region)
    with invoking(runner):
        yield runner


@pytest.mark.parametrize("name", [ARN, f"{ARN}:live"])
def test_returns_the_result_of_the_function(runner: Runner, name: str) -> None:
    """By its ARN or that of an alias, as JSON both ways, in one call."""
    response: Any = boto3.client("lambda", REGION).invoke(
        FunctionName=name, Payload=json.dumps({"a": ["é"]}).encode()
    )
    assert response["StatusCode"] == response["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert "FunctionError" not in response
    assert json.loads(response["Payload"].read())["event"] == {"a": ["é"]}
    assert runner.invocations == {ECHO: 1}


def test_returns_an_error_for_a_failed_function(runner: Runner) -> None:
    """200 with FunctionError, as Lambda responds; the function's error is not disclosed."""
    response = boto3.client("lambda", REGION).invoke(
        FunctionName=ARN, Payload=json.dumps({"raise": "secret"}).encode()
    )
    assert response["StatusCode"] == 200
    assert response["FunctionError"] == "Unhandled"
    assert b"secret" not in response["Payload"].read()


def test_the_innermost_runner_runs_the_function(runner: Runner, small: Deployment) -> None:
    """Two clouds in one process do not mix."""
    inner = Runner(small.functions, small.region)
    with invoking(inner):
        boto3.client("lambda", REGION).invoke(FunctionName=ARN, Payload=b"{}")
    boto3.client("lambda", REGION).invoke(FunctionName=ARN, Payload=b"{}")
    assert (inner.invocations, runner.invocations) == ({ECHO: 1}, {ECHO: 1})


def test_without_a_runner_nothing_is_run(small: Deployment) -> None:
    """The call is sent to AWS; here it gets no response."""
    runner = Runner(small.functions, small.region)
    with invoking(runner):
        pass
    with pytest.raises((BotoCoreError, ClientError, ModuleNotFoundError)):
        boto3.client("lambda", REGION).invoke(FunctionName=ARN, Payload=b"{}")
    assert runner.invocations == {}
