"""Clients of AWS, created in one place with one set of limits.

They use botocore alone: boto3's resources and managed transfers are not needed, and importing boto3
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
"""The errors of calls to AWS if the service or the connection fails."""

_LIMITS = Config(
    connect_timeout=2, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 3}
)

_BRIEF = Config(
    connect_timeout=1, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 1}
)
"""For calls whose failure a request tolerates."""


_session = cache(Session)  # each session reads credentials and all service descriptions again
_creation_lock = Lock()  # a session creates one client at a time


def _client(service: str, limits: Config) -> BaseClient:
    with _creation_lock:
        return _session().create_client(service, config=limits)


def dynamodb() -> "DynamoDBClient":
    """Return a client of DynamoDB."""
    return cast("DynamoDBClient", _client("dynamodb", _LIMITS))


def dynamodb_briefly() -> "DynamoDBClient":
    """Return a client of DynamoDB that waits one second and never retries."""
    return cast("DynamoDBClient", _client("dynamodb", _BRIEF))


def kms() -> "KMSClient":
    """Return a client of KMS."""
    return cast("KMSClient", _client("kms", _LIMITS))


def s3() -> "S3Client":
    """Return a client of S3."""
    return cast("S3Client", _client("s3", _LIMITS))


def sqs() -> "SQSClient":
    """Return a client of SQS."""
    return cast("SQSClient", _client("sqs", _LIMITS))


def ssm() -> "SSMClient":
    """Return a client of Systems Manager."""
    return cast("SSMClient", _client("ssm", _LIMITS))


def events() -> "EventBridgeClient":
    """Return a client of EventBridge."""
    return cast("EventBridgeClient", _client("events", _LIMITS))


def error_code(error: Exception) -> str:
    """Return AWS's error code, such as ConditionalCheckFailedException, or else the class name."""
    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code", "")
    return type(error).__name__


def lambda_(read_timeout_seconds: int = 20) -> "LambdaClient":
    """Return a client of Lambda that never retries: a timed-out function may have taken effect."""
    limits = Config(
        connect_timeout=2, read_timeout=read_timeout_seconds, retries={"total_max_attempts": 1}
    )
    return cast("LambdaClient", _client("lambda", limits))
