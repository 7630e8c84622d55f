"""boto3 clients, made in one place with one set of limits."""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

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


def dynamodb() -> "DynamoDBClient":
    """Client of DynamoDB."""
    return boto3.client("dynamodb", config=_LIMITS)


def kms() -> "KMSClient":
    """Client of KMS."""
    return boto3.client("kms", config=_LIMITS)


def s3() -> "S3Client":
    """Client of S3."""
    return boto3.client("s3", config=_LIMITS)


def sqs() -> "SQSClient":
    """Client of SQS."""
    return boto3.client("sqs", config=_LIMITS)


def ssm() -> "SSMClient":
    """Client of Systems Manager."""
    return boto3.client("ssm", config=_LIMITS)


def events() -> "EventBridgeClient":
    """Client of EventBridge."""
    return boto3.client("events", config=_LIMITS)


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
    return boto3.client("lambda", config=limits)
