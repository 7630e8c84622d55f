"""Observers of every call to AWS that this process makes.

botocore notifies its handlers of each call; clients created after the import of this module have
these handlers.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import boto3
from botocore.handlers import BUILTIN_HANDLERS

from infra.local.aws.call_context import Caller, current_caller

_CALL = "audit-ledger call"


@dataclass(frozen=True)
class Call:
    """One call: `service` as botocore names it, `parameters` as passed.

    `answer` and `status` are set in observers `after`; `notes` pass an observer's values from
    before to after.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any]
    caller: Caller | None
    answer: Mapping[str, Any] = field(default_factory=dict)
    status: int = 0
    notes: dict[str, Any] = field(default_factory=dict)


Observer = Callable[[Call], None]
_before: list[Observer] = []
_after: list[Observer] = []


@contextmanager
def observing(after: Observer, before: Observer | None = None) -> Iterator[None]:
    """Notify `before` of each call when it is made and `after` when its answer is there."""
    first = [] if before is None else [before]
    _before.extend(first)
    _after.append(after)
    try:
        yield
    finally:
        _after.remove(after)
        for observer in first:
            _before.remove(observer)


def _made(params: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
    if not _after:
        return
    service = model.service_model.service_name
    context[_CALL] = call = Call(service, model.name, params, current_caller())
    for observer in tuple(_before):
        observer(call)


def _returned(http_response: Any, parsed: Any, context: dict[str, Any], **_: Any) -> None:
    if _CALL not in context:
        return
    call = replace(context[_CALL], answer=parsed, status=http_response.status_code)
    for observer in tuple(_after):
        observer(call)


BUILTIN_HANDLERS.append(("before-parameter-build", _made))
BUILTIN_HANDLERS.append(("after-call", _returned))


@cache
def client(service: str, region: str) -> Any:
    """Return the cached client of a service, which works in every `emulated_aws`.

    Creating a client is slower than most calls.
    """
    return boto3.client(service, region_name=region)  # type: ignore[call-overload]
