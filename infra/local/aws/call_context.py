"""Who is calling AWS right now: a function, an event source mapping, or someone outside."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Caller:
    """A caller that the ledger pays for; `principal_id` is what SQS calls its SenderId.

    For a role that is `<role id>:<session name>`; Lambda's session name is the function's name.
    `role` is the name of the role whose permissions it has.
    """

    name: str
    principal_id: str | None = None
    role: str | None = None


_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


def current_caller() -> Caller | None:
    """Return who is calling; None outside functions and pumps (tests, the demo, a command)."""
    return _caller.get()


@contextmanager
def calling_as(caller: Caller) -> Iterator[None]:
    """Make every call to AWS within the block one of `caller`."""
    token = _caller.set(caller)
    try:
        yield
    finally:
        _caller.reset(token)
