"""Every call to AWS that this process makes, told to those who count or listen.

botocore tells its handlers of each call; clients made after this module was imported have ours.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.handlers import BUILTIN_HANDLERS

from infra.local.caller import Caller, current_caller

_PARAMETERS = "audit-ledger parameters"


@dataclass(frozen=True)
class Call:
    """One finished call: `service` as botocore names it, `parameters` as given, and the answer."""

    service: str
    operation: str
    parameters: Mapping[str, Any]
    answer: Mapping[str, Any]
    status: int
    caller: Caller | None


Observer = Callable[[Call], None]
_before: list[Observer] = []
_after: list[Observer] = []


@contextmanager
def observing(after: Observer, before: Observer | None = None) -> Iterator[None]:
    """Tell an observer of each call once it is answered; another before it is sent (status 0)."""
    _after.append(after)
    if before is not None:
        _before.append(before)
    try:
        yield
    finally:
        _after.remove(after)
        if before is not None:
            _before.remove(before)


def _remember(params: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
    if not _after:
        return
    context[_PARAMETERS] = params
    _tell(_before, params, model, {}, 0)


def _report(http_response: Any, parsed: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
    if _after and _PARAMETERS in context:
        _tell(_after, context[_PARAMETERS], model, parsed, http_response.status_code)


def _tell(observers: list[Observer], params: Any, model: Any, answer: Any, status: int) -> None:
    service = model.service_model.service_name
    call = Call(service, model.name, params, answer, status, current_caller())
    for observer in tuple(observers):
        observer(call)


BUILTIN_HANDLERS.append(("before-parameter-build", _remember))
BUILTIN_HANDLERS.append(("after-call", _report))
