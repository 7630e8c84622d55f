"""An AWS account that answers what a test says, through boto3's own clients and their checks."""

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
    """AWS answers with an error of this code."""

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
"""An account that was bootstrapped, and holds nothing else."""


@dataclass
class FakeAccount:
    """`answers`: by operation; an error, an answer, or a function of what was asked."""

    answers: Mapping[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def client(self, service: str) -> Any:
        made: Any = boto3.client(  # type: ignore[call-overload]
            service,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(retries={"total_max_attempts": 1}),
        )
        given: dict[str, Any] = {}

        def noted(params: dict[str, Any], **_: Any) -> None:
            given.clear()
            given.update(params)

        def answered(model: Any, **_: Any) -> Any:
            self.asked.append((model.name, dict(given)))
            answer = {**EMPTY, **self.answers}[model.name]
            if isinstance(answer, Callable):  # type: ignore[arg-type]
                try:
                    answer = answer(dict(given))
                except RefusedError as refused:
                    answer = refused
            if isinstance(answer, RefusedError):
                error = {"Error": {"Code": answer.code, "Message": ""}}
                return SimpleNamespace(status_code=400), error
            return SimpleNamespace(status_code=200), answer

        made.meta.events.register("provide-client-params.*.*", noted)
        made.meta.events.register("before-call.*.*", answered)
        return made
