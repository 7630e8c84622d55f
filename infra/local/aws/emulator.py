"""AWS inside this process: moto, taught what it lacks, one call at a time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, wraps
from threading import RLock
from typing import Any
from unittest.mock import patch

from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

from infra.local.aws.moto_kms import patch_moto_kms
from infra.local.aws.moto_sqs import patch_moto_sqs
from infra.local.aws.patching import replace

ACCOUNT = "123456789012"
"""The account that moto plays."""

_one_call_at_a_time = RLock()

_ENVIRONMENT = {
    # Endpoints that carry the account are not known to moto (DynamoDB streams, for one).
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def emulated_aws(region: str) -> Iterator[None]:
    """Answer every boto3 call of this process from memory, in `region` unless a call names another.

    Nothing of it is left afterwards. Any thread may call: calls wait for each other, because moto's
    conditional writes are not safe without.
    """
    patch_moto_kms()
    patch_moto_sqs()
    serialise_calls()
    with mock_aws(), patch.dict(os.environ, _ENVIRONMENT | {"AWS_DEFAULT_REGION": region}):
        yield


@cache
def serialise_calls() -> None:
    """Let threads call moto one at a time, for the rest of this process."""
    moto_process = BotocoreStubber.process_request

    @wraps(moto_process)
    def process_request(stubber: BotocoreStubber, request: Any) -> Any:
        with _one_call_at_a_time:
            return moto_process(stubber, request)

    replace(BotocoreStubber, "process_request", process_request)
