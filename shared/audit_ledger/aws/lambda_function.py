"""Invoke a Lambda function and return its response."""

import json
from typing import TYPE_CHECKING, Any

from audit_ledger.errors import UnreachableError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class LambdaFunction:
    """One function by its name or ARN, with or without an alias."""

    def __init__(self, client: "LambdaClient", name: str) -> None:
        self._client = client
        self._name = name

    def invoke(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Invoke the function and return its response.

        Raise UnreachableError if it raised; its work may have taken effect nevertheless.
        """
        response = self._client.invoke(
            FunctionName=self._name, Payload=json.dumps(payload).encode()
        )
        if response.get("FunctionError"):
            raise UnreachableError("the invoked function failed")
        answer: dict[str, Any] = json.loads(response["Payload"].read())
        return answer
