"""Clients of AWS, made in one place with one set of limits.

By botocore itself: what boto3 adds (resources, managed transfers) is not used, and importing it
would lengthen every cold start.
"""

from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, cast

from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

AwsError = (ClientError, BotoCoreError)
"""What a call to AWS raises when the service, or the way to it, fails."""

_LIMITS = Config(
    connect_timeout=2, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 3}
)

_BRIEF = Config(
    connect_timeout=1, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 1}
)
"""Of calls without which a request goes on."""


_session = cache(Session)  # one: each reads credentials and all descriptions of services anew
_making = Lock()  # a session makes one client at a time


def _client(service: str, limits: Config) -> BaseClient:
    with _making:
        return _session().create_client(service, config=limits)


def dynamodb() -> "DynamoDBClient":
    """Client of DynamoDB."""
    return cast("DynamoDBClient", _client("dynamodb", _LIMITS))


def dynamodb_briefly() -> "DynamoDBClient":
    """Client of DynamoDB that waits a second and asks once."""
    return cast("DynamoDBClient", _client("dynamodb", _BRIEF))


def kms() -> "KMSClient":
    """Client of KMS."""
    return cast("KMSClient", _client("kms", _LIMITS))


def s3() -> "S3Client":
    """Client of S3."""
    return cast("S3Client", _client("s3", _LIMITS))


def sqs() -> "SQSClient":
    """Client of SQS."""
    return cast("SQSClient", _client("sqs", _LIMITS))


def ssm() -> "SSMClient":
    """Client of Systems Manager."""
    return cast("SSMClient", _client("ssm", _LIMITS))


def events() -> "EventBridgeClient":
    """Client of EventBridge."""
    return cast("EventBridgeClient", _client("events", _LIMITS))


def error_code(error: Exception) -> str:
    """AWS' own word for what went wrong, such as ConditionalCheckFailedException; or the class."""
    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code", "")
    return type(error).__name__


def lambda_(read_timeout_seconds: int = 20) -> "LambdaClient":
    """Client of Lambda. It asks once: a function that did not answer may have done its work."""
    limits = Config(
        connect_timeout=2, read_timeout=read_timeout_seconds, retries={"total_max_attempts": 1}
    )
    return cast("LambdaClient", _client("lambda", limits))
