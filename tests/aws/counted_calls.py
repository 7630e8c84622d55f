"""Calls of one DynamoDB operation, so that tests see that a page boundary was crossed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def counted_calls(client: Any, operation: str, **added: Any) -> Iterator[list[dict[str, Any]]]:
    """Yield a list to which the parameters of each call are appended, with those `added`."""
    calls: list[dict[str, Any]] = []
    event = f"provide-client-params.dynamodb.{operation}"

    def count(params: dict[str, Any], **_: Any) -> dict[str, Any]:
        calls.append({**params, **added})
        return calls[-1]

    client.meta.events.register(event, count)
    try:
        yield calls
    finally:
        client.meta.events.unregister(event, count)
