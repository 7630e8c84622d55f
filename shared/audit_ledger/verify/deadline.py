"""A deadline for one object: a limit of silence alone never ends a slow, steady response."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread

from audit_ledger.errors import UnreachableError

DEADLINE_SECONDS = 120.0


def read_within(seconds: float, what: str, read: Callable[[], bytes | None]) -> bytes | None:
    """Return what `read` returns, raise what it raises, or UnreachableError about `what` if late.

    `read` runs in a thread of its own, which is abandoned when time is up: a name server, a
    handshake or headers can be as slow as a body.
    """
    outcomes: SimpleQueue[bytes | Exception | None] = SimpleQueue()

    def answer() -> None:
        try:
            outcomes.put(read())
        except Exception as error:  # noqa: BLE001 - raised again in the waiting thread
            outcomes.put(error)

    Thread(target=answer, daemon=True).start()
    try:
        outcome = outcomes.get(timeout=seconds)
    except Empty:
        raise UnreachableError(f"{what}: not all of it within {seconds:g} s") from None
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
