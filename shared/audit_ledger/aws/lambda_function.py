"""A Lambda function that is called by another, and answers it."""

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
        """Call it and return what it answers.

        UnreachableError if it raised; it may have done its work all the same.
        """
        response = self._client.invoke(
            FunctionName=self._name, Payload=json.dumps(payload).encode()
        )
        if response.get("FunctionError"):
            raise UnreachableError("the function that was invoked failed")
        answer: dict[str, Any] = json.loads(response["Payload"].read())
        return answer
