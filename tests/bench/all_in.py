"""What events cost beside the calls that functions make: API Gateway, Lambda, logs.

Invocations, calls and bytes of log are counted. Lambda's time is reckoned, because calls take no
time here: a fixed time an invocation, and a time for each call, one after the other (rather too
much: some are made at once). Cold starts are not in it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from infra.local.cloudformation.deployment import Deployment, Function
from infra.local.cost.list_prices import (
    API_CHUNK_BYTES,
    API_REQUEST_USD,
    LAMBDA_GB_SECOND_USD,
    LAMBDA_REQUEST_USD,
    LOGS_GB_USD,
)
from infra.local.lambda_runtime.function_log import FunctionLog
from infra.local.lambda_runtime.runner import Runner

INVOCATION_MS = 5.0  # powertools, JSON, and the work itself at half a processor (1 GB)
CALL_MS: Mapping[str, float] = {
    "dynamodb": 7.0,
    "kms": 15.0,
    "s3": 35.0,
    "sqs": 12.0,
    "ssm": 15.0,
    "events": 15.0,
    "lambda": 70.0,
}
"""By service, botocore's own work included."""

LAMBDA_LINES_BYTES = (
    380  # START, END and REPORT of an invocation, with what CloudWatch adds to each
)
LINE_BYTES = 26  # what CloudWatch adds to a line
ACCESS_LINE_BYTES = 420  # of the API's access log


@dataclass(frozen=True)
class Taken:
    """What a runner and its logs came to at a moment."""

    invocations: Mapping[str, int]
    log_bytes: Mapping[str, int]


@dataclass(frozen=True)
class AllIn:
    """US dollars of one stretch of time."""

    api_usd: float
    lambda_usd: float
    logs_usd: float


def taken(runner: Runner) -> Taken:
    """Note where a runner stands."""
    return Taken(dict(runner.invocations), {n: _size(log) for n, log in runner.logs.items()})


def all_in(
    deployment: Deployment,
    before: Taken,
    after: Taken,
    calls: Mapping[tuple[str, str, str], int],
    requests: Counter[int],
) -> AllIn:
    """Price what lies between two moments.

    `calls`: by caller, service and operation; `requests`: how many of the API, by their size.
    """
    usd = 0.0
    lines = float(sum(requests.values()) * ACCESS_LINE_BYTES)
    for name, function in deployment.functions.items():
        ran = after.invocations.get(name, 0) - before.invocations.get(name, 0)
        written = after.log_bytes.get(name, 0) - before.log_bytes.get(name, 0)
        lines += written + ran * LAMBDA_LINES_BYTES
        usd += ran * LAMBDA_REQUEST_USD + _seconds(function, ran, calls) * _usd_a_second(function)
    api = sum(n * -(-max(size, 1) // API_CHUNK_BYTES) for size, n in requests.items())
    return AllIn(api * API_REQUEST_USD, usd, lines / 10**9 * LOGS_GB_USD)


def _seconds(
    function: Function, invocations: int, calls: Mapping[tuple[str, str, str], int]
) -> float:
    waited = sum(
        count * CALL_MS[service]
        for (caller, service, _), count in calls.items()
        if caller == function.name
    )
    return (invocations * INVOCATION_MS + waited) / 1000


def _usd_a_second(function: Function) -> float:
    return function.memory_mb / 1024 * LAMBDA_GB_SECOND_USD


def _size(log: FunctionLog) -> int:
    return sum(len(line.encode()) + LINE_BYTES for line in log.lines)
