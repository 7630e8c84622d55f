"""An AWS account with the responses of a test, through boto3's own clients and their checks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.config import Config

from infra.doctor.account import ACTIONS

ACCOUNT = "123456789012"
REGION = "eu-central-1"


class RefusedError(Exception):
    """AWS responds with an error of this code."""

    def __init__(self, code: str) -> None:
        self.code = code


ALLOWED = [{"EvalActionName": action, "EvalDecision": "allowed"} for action in ACTIONS]
EMPTY: dict[str, Any] = {
    "GetCallerIdentity": {
        "Account": ACCOUNT,
        "Arn": f"arn:aws:iam::{ACCOUNT}:user/ops",
        "UserId": "x",
    },
    "GetParameter": {"Parameter": {"Value": "30"}},
    "DescribeStacks": {"Stacks": []},
    "DescribeTable": RefusedError("ResourceNotFoundException"),
    "HeadBucket": RefusedError("404"),
    "DescribeKey": RefusedError("NotFoundException"),
    "GetRole": RefusedError("NoSuchEntity"),
    "GetQueueUrl": RefusedError("AWS.SimpleQueueService.NonExistentQueue"),
    "DescribeLogGroups": {"logGroups": []},
    "ListUserPools": {"UserPools": []},
    "GetAccountSettings": {
        "AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}
    },
    "GetFunctionConcurrency": RefusedError("ResourceNotFoundException"),
    "GetAccountSummary": {
        "SummaryMap": {"Roles": 10, "RolesQuota": 1000, "Policies": 10, "PoliciesQuota": 1500}
    },
    "SimulatePrincipalPolicy": {"EvaluationResults": ALLOWED},
}
"""A bootstrapped account without other resources."""


@dataclass
class FakeAccount:
    """`responses`: by operation; an error, a response, or a function of the request."""

    responses: Mapping[str, Any] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def client(self, service: str) -> Any:
        client: Any = boto3.client(  # type: ignore[call-overload]
            service,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(retries={"total_max_attempts": 1}),
        )
        request: dict[str, Any] = {}

        def record(params: dict[str, Any], **_: Any) -> None:
            request.clear()
            request.update(params)

        def respond(model: Any, **_: Any) -> Any:
            self.requests.append((model.name, dict(request)))
            response = {**EMPTY, **self.responses}[model.name]
            if isinstance(response, Callable):  # type: ignore[arg-type]
                try:
                    response = response(dict(request))
                except RefusedError as refused:
                    response = refused
            if isinstance(response, RefusedError):
                error = {"Error": {"Code": response.code, "Message": ""}}
                return SimpleNamespace(status_code=400), error
            return SimpleNamespace(status_code=200), response

        client.meta.events.register("provide-client-params.*.*", record)
        client.meta.events.register("before-call.*.*", respond)
        return client
