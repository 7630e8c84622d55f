"""A deadline for one object, however steadily it drips: a limit of silence would never end that."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread

from audit_ledger.errors import UnreachableError

DEADLINE_SECONDS = 120.0


def read_within(seconds: float, what: str, read: Callable[[], bytes | None]) -> bytes | None:
    """Return what `read` gives, raise what it raises, and UnreachableError about `what` when late.

    It runs in a thread of its own, which nobody waits for when time is up: a name server, a
    handshake or headers can drip as well as a body.
    """
    answered: SimpleQueue[bytes | Exception | None] = SimpleQueue()

    def answer() -> None:
        try:
            answered.put(read())
        except Exception as error:  # noqa: BLE001 - raised again by whoever waits for the answer
            answered.put(error)

    Thread(target=answer, daemon=True).start()
    try:
        outcome = answered.get(timeout=seconds)
    except Empty:
        raise UnreachableError(f"{what}: not all of it within {seconds:g} s") from None
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
