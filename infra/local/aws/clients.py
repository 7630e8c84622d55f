"""Cached boto3 clients for the local ledger's own use: creating one is slower than most calls."""

from functools import cache
from typing import Any

import boto3

# A client notifies only the handlers that were registered before its creation.
import infra.local.aws.calls  # noqa: F401


@cache
def client(service: str, region: str) -> Any:
    """Return the client of a service; it works in every `emulated_aws` of this process."""
    return boto3.client(service, region_name=region)  # type: ignore[call-overload]
