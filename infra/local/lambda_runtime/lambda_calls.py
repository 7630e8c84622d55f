"""Functions that invoke functions: boto3's `lambda.invoke`, executed by the runner.

botocore calls its handlers before it sends anything; what one returns is the response.
"""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.handlers import BUILTIN_HANDLERS

from infra.local.cloudformation.deployment import alias_of, function_name
from infra.local.lambda_runtime.runner import FunctionFailedError, Runner


@dataclass(frozen=True)
class _Sent:
    """The part of an HTTP response that botocore reads."""

    status_code: int


_runners: list[Runner] = []


@contextmanager
def invoking(runner: Runner) -> Iterator[None]:
    """Answer invocations within the block by running the function, synchronously."""
    _runners.append(runner)
    try:
        yield
    finally:
        _runners.remove(runner)


def _answer(params: dict[str, Any], context: dict[str, Any], **_: Any) -> Any:
    if not _runners:
        return None
    target = context["function"]  # a name, or an ARN
    name = function_name(target) if ":" in target else target
    answer: dict[str, Any] = {"StatusCode": 200, "ResponseMetadata": {"HTTPStatusCode": 200}}
    try:
        result = _runners[-1].invoke(name, json.loads(params["body"]), alias=alias_of(target))
        payload = json.dumps(result)
    except FunctionFailedError:
        answer["FunctionError"] = "Unhandled"
        payload = '{"errorMessage": "the function failed"}'
    return _Sent(200), {**answer, "Payload": io.BytesIO(payload.encode())}


def _note(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["function"] = params["FunctionName"]


BUILTIN_HANDLERS.append(("before-parameter-build.lambda.Invoke", _note))
BUILTIN_HANDLERS.append(("before-call.lambda.Invoke", _answer))
