"""A stage: functions in threads that go one AWS call at a time, when the test says so.

Each stops before and after each of its calls, at botocore's hooks, until it is told to go on; at
most one runs at a time. So an interleaving is a list of named moments, the same in every run.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from queue import Queue
from threading import Semaphore, Thread, local
from typing import Any, Generic, TypeVar

import boto3
import pytest

from audit_ledger.aws import clients
from tests.world import LEDGER, NAME

Result = TypeVar("Result")
WATCHDOG_SECONDS = 120  # a thread that neither stops nor ends is a defect of the stage

_here = local()


class _DiedError(BaseException):
    """The process is gone: no `except Exception` of the function sees it."""


class Actor(Generic[Result]):
    """One run of a function. `at`: the moment it stands at, None before its first and once over."""

    def __init__(self, run: Callable[[], Result]) -> None:
        self.at: str | None = None
        self.is_over = False
        self._go = Semaphore(0)
        self._stops: Queue[str | None] = Queue()
        self._dies = False
        self._result: Result | None = None
        self._error: BaseException | None = None
        self._thread = Thread(target=self._play, args=(run,), daemon=True)
        self._thread.start()

    def step(self) -> str | None:
        """Go on to the next moment, and give it; None where the run is over."""
        if not self.is_over:
            self._go.release()
            self.at = self._stops.get(timeout=WATCHDOG_SECONDS)
            self.is_over = self.at is None
        return self.at

    def until(self, moment: str, times: int = 1) -> None:
        """Go on to the moment that begins so, such as `before PutItem blocks`."""
        seen: list[str] = []
        for _ in range(times):
            while at := self.step():
                seen.append(at)
                if at.startswith(moment):
                    break
            assert not self.is_over, f"over before {moment}: {seen} {self._error!r}"

    def pass_calls(self, calls: int) -> None:
        """Go on to where this many more calls are over and the next is about to be made.

        Between two calls nobody can see how far it came: these moments are all there are.
        """
        if self.at is None:
            self.step()  # from the beginning to the first call
        for _ in range(2 * calls):
            self.step()

    def finish(self) -> Result:
        """Go on to the end; give or raise what the function does."""
        while self.step():
            pass
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]  # it ended without an error

    def die(self) -> None:
        """End it where it stands, like a container that is gone."""
        self._dies = True
        while self.step():
            pass

    def stop_at(self, moment: str) -> None:
        """In the actor's thread: say where it stands, and wait."""
        self._stops.put(moment)
        self._wait()

    def _wait(self) -> None:
        self._go.acquire()
        if self._dies:
            raise _DiedError

    def _play(self, run: Callable[[], Result]) -> None:
        _here.actor = self
        try:
            self._wait()
            self._result = run()
        except BaseException as error:  # noqa: BLE001  # handed to the test, which raises it
            self._error = error
        self._stops.put(None)


@dataclass
class Stage:
    """All actors of a test. `signed`: the messages that anybody had signed by KMS."""

    signed: list[bytes] = field(default_factory=list)
    _actors: list[Actor[Any]] = field(default_factory=list)

    def play(self, run: Callable[[], Result]) -> Actor[Result]:
        """Let a function wait for its first step."""
        actor = Actor(run)
        self._actors.append(actor)
        return actor

    def clear(self) -> None:
        """Nobody is left on the stage."""
        for actor in self._actors:
            actor.die()

    def checkpoints(self) -> list[str]:
        """The texts of all checkpoints that were ever signed, published or not."""
        texts = [message.decode() for message in self.signed if message.isascii()]
        return [text for text in texts if text.count("\n") == 3]

    def before(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """Hook of botocore: a call is about to be made."""
        if model.name == "Sign":
            self.signed.append(bytes(params["Message"]))
        _here.call = _named(model.name, params)
        self._stop("before")

    def after(self, **_: Any) -> None:
        """Hook of botocore: a call took effect and was answered; nobody saw the answer yet."""
        self._stop("after")

    def _stop(self, when: str) -> None:
        actor: Actor[Any] | None = getattr(_here, "actor", None)
        if actor is not None:
            actor.stop_at(f"{when} {_here.call}")


def set_stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Put the hooks into every client that our code makes from now on, one of each service."""
    stage = Stage()
    boto3_client: Any = boto3.client  # its stubs know a service by its literal name only

    @cache
    def client(service: str, limits: Any) -> Any:
        made = boto3_client(service, config=limits)
        made.meta.events.register("provide-client-params.*.*", stage.before)
        made.meta.events.register("after-call.*.*", stage.after)
        return made

    monkeypatch.setattr(clients, "_client", client)
    return stage


def _named(operation: str, params: dict[str, Any]) -> str:
    """`PutItem blocks`, `PutObject published/checkpoint`, `Sign`."""
    if "TableName" in params:
        return f"{operation} {params['TableName'].removeprefix(f'{NAME}-')}"
    if "Bucket" in params:
        path = params.get("Key", params.get("Prefix", "")).removeprefix(f"{LEDGER}/")
        return f"{operation} {params['Bucket'].removeprefix(f'{NAME}-')}/{path}"
    return operation
