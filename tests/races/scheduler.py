"""A scheduler: functions in threads that proceed one AWS call at a time, when the test steps them.

Each stops before and after each of its calls, at botocore's hooks, until its next step; at most one
runs at a time. So an interleaving is a list of named moments, the same in every run.
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
WATCHDOG_SECONDS = 120  # a thread that neither stops nor ends is a defect of the scheduler

_here = local()


class _DiedError(BaseException):
    """The container was killed: no `except Exception` of the function catches it."""


class SteppedRun(Generic[Result]):
    """One run of a function. `at`: where it stopped, None before the first stop and at the end."""

    def __init__(self, function: Callable[[], Result]) -> None:
        self.at: str | None = None
        self.is_over = False
        self._go = Semaphore(0)
        self._stops: Queue[str | None] = Queue()
        self._dies = False
        self._result: Result | None = None
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, args=(function,), daemon=True)
        self._thread.start()

    def step(self) -> str | None:
        """Proceed to the next moment and return it, None at the end of the run."""
        if not self.is_over:
            self._go.release()
            self.at = self._stops.get(timeout=WATCHDOG_SECONDS)
            self.is_over = self.at is None
        return self.at

    def until(self, moment: str, times: int = 1) -> None:
        """Proceed to a moment by its first words, such as `before PutItem blocks`."""
        seen: list[str] = []
        for _ in range(times):
            while at := self.step():
                seen.append(at)
                if at.startswith(moment):
                    break
            assert not self.is_over, f"ended before {moment}: {seen} {self._error!r}"

    def pass_calls(self, calls: int) -> None:
        """Proceed by this many calls, to the moment before the next one.

        Between two calls the progress of a run is invisible: there are no other moments.
        """
        if self.at is None:
            self.step()  # to the first call
        for _ in range(2 * calls):
            self.step()

    def finish(self) -> Result:
        """Proceed to the end; return the result of the function or raise its error."""
        while self.step():
            pass
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]  # set unless an error was raised

    def die(self) -> None:
        """End the run where it stopped, like a killed container."""
        self._dies = True
        while self.step():
            pass

    def stop_at(self, moment: str) -> None:
        """Report the moment and wait (in the run's thread)."""
        self._stops.put(moment)
        self._wait()

    def _wait(self) -> None:
        self._go.acquire()
        if self._dies:
            raise _DiedError

    def _run(self, function: Callable[[], Result]) -> None:
        _here.stepped = self
        try:
            self._wait()
            self._result = function()
        except BaseException as error:  # noqa: BLE001  # handed to the test, which raises it
            self._error = error
        self._stops.put(None)


@dataclass
class Scheduler:
    """All runs of a test. `signed`: all messages that KMS was requested to sign."""

    signed: list[bytes] = field(default_factory=list)
    _runs: list[SteppedRun[Any]] = field(default_factory=list)

    def start(self, function: Callable[[], Result]) -> SteppedRun[Result]:
        """Start a run, which waits for its first step."""
        run = SteppedRun(function)
        self._runs.append(run)
        return run

    def clear(self) -> None:
        """Kill the runs that have not ended."""
        for run in self._runs:
            run.die()

    def checkpoints(self) -> list[str]:
        """Return the texts of all checkpoints that were signed, published or not."""
        texts = [message.decode() for message in self.signed if message.isascii()]
        return [text for text in texts if text.count("\n") == 3]

    def before(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """Hook of botocore: before a call."""
        if model.name == "Sign":
            self.signed.append(bytes(params["Message"]))
        _here.call = _named(model.name, params)
        self._stop("before")

    def after(self, **_: Any) -> None:
        """Hook of botocore: after a call took effect, before the caller gets the response."""
        self._stop("after")

    def _stop(self, when: str) -> None:
        run: SteppedRun[Any] | None = getattr(_here, "stepped", None)
        if run is not None:
            run.stop_at(f"{when} {_here.call}")


def install_scheduler(monkeypatch: pytest.MonkeyPatch) -> Scheduler:
    """Install the hooks in every client that the functions make from now on, one per service."""
    scheduler = Scheduler()
    boto3_client: Any = boto3.client  # its stubs require literal names

    @cache
    def client(service: str, limits: Any) -> Any:
        created = boto3_client(service, config=limits)
        created.meta.events.register("provide-client-params.*.*", scheduler.before)
        created.meta.events.register("after-call.*.*", scheduler.after)
        return created

    monkeypatch.setattr(clients, "_client", client)
    return scheduler


def _named(operation: str, params: dict[str, Any]) -> str:
    """`PutItem blocks`, `PutObject published/checkpoint`, `Sign`."""
    if "TableName" in params:
        return f"{operation} {params['TableName'].removeprefix(f'{NAME}-')}"
    if "Bucket" in params:
        path = params.get("Key", params.get("Prefix", "")).removeprefix(f"{LEDGER}/")
        return f"{operation} {params['Bucket'].removeprefix(f'{NAME}-')}/{path}"
    return operation
