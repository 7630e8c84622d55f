"""Runs the real handlers in this process as Lambda would run them.

**Warm state.** Lambda gives every function execution environments of its own, so two ledgers'
sequencers never share what a module remembers. Here an execution environment is a copy of the
function's handler module, loaded again under a private name: the values of the handler module
(objects made at import, `functools.cache`) belong to that environment alone. Modules that it
imports are shared by all, so they must store nothing between invocations.

**Process-wide things** (os.environ, the loggers' registry, standard output) are one function's at a
time: an invocation takes a lock. Functions do not run at the same moment, but two environments of
one function can take turns, which is how two sequencers that race look to the ledger.
"""

import importlib.util
import json
import logging
import os
import sys
import time
import traceback
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock
from types import ModuleType
from typing import Any, TextIO

from audit_ledger.errors import LedgerError, NotFoundError, TooLargeError
from infra.local.aws.call_context import Caller, calling_as
from infra.local.cloudformation.deployment import Function
from infra.local.lambda_runtime.function_log import FunctionLog, printing_to

MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
"""What Lambda takes and gives in a synchronous invocation, as JSON (quotas, "payload")."""

Handler = Callable[[Any, object], Any]


class FunctionFailedError(LedgerError):
    """A handler raised, or returned what Lambda cannot pass on; the cause is attached."""


@dataclass(frozen=True)
class LambdaContext:
    """The members of the Python runtime's context object that the functions use."""

    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: str
    aws_request_id: str
    deadline: float  # of time.monotonic(), in seconds

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the function may still run. Nothing stops it when that is over."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


@dataclass
class ExecutionEnvironment:
    """One copy of a function's handler module, and so of all it remembers."""

    module: ModuleType
    handler: Handler
    invocations: int = 0


@dataclass
class Runner:
    """Invokes functions by name."""

    functions: Mapping[str, Function]
    region: str
    log_to: TextIO | None = None
    invocations: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    logs: dict[str, FunctionLog] = field(default_factory=dict)
    _environments: dict[tuple[str, int], ExecutionEnvironment] = field(default_factory=dict)
    _one_at_a_time: RLock = field(default_factory=RLock)

    def invoke(self, name: str, event: Any, environment: int = 0, alias: str = "") -> Any:
        """Invoke a function with an event; both it and the answer pass through JSON.

        `environment` selects the function's execution environment; a new one starts
        cold. `alias`: by which it is invoked. Raises TooLargeError where the event is over 6 MB,
        NotFoundError where there is no such function or alias, FunctionFailedError where the
        handler raised or returned over 6 MB.
        """
        if name not in self.functions:
            raise NotFoundError(f"no function {name} is deployed")
        if alias and alias not in self.functions[name].aliases:
            raise NotFoundError(f"function {name} has no alias {alias}")
        payload = _to_json(event)
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise TooLargeError(f"{name}: event of {len(payload)} bytes, over {MAX_PAYLOAD_BYTES}")
        function = self.functions[name]
        caller = Caller(name, f"{function.role_id}:{name}", function.role_name)
        with (
            self._one_at_a_time,
            _variables(_runtime_variables(function, self.region)),
            calling_as(caller),
            printing_to(self.log_of(name)),
        ):
            self.invocations[name] += 1
            try:
                warm = self._warm(function, environment)
                warm.invocations += 1
                answer = _to_json(warm.handler(json.loads(payload), _context(function, alias)))
            except Exception as error:  # Lambda's runtime outlives whatever a handler raises
                self.log_of(name).write(f"[ERROR] {traceback.format_exc()}")
                raise FunctionFailedError(f"{name} raised {type(error).__name__}") from error
        if len(answer) > MAX_PAYLOAD_BYTES:
            raise FunctionFailedError(f"{name}: answer of {len(answer)} bytes")
        return json.loads(answer)

    def log_of(self, name: str) -> FunctionLog:
        """Return what a function printed."""
        if name not in self.logs:
            self.logs[name] = FunctionLog(copy_to=self.log_to)
        return self.logs[name]

    def forget(self, name: str | None = None) -> None:
        """End execution environments, of one function or of all, as Lambda may at any time."""
        with self._one_at_a_time:
            for key in [k for k in self._environments if name in (None, k[0])]:
                module = self._environments.pop(key).module
                sys.modules.pop(module.__name__, None)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Run no function within the block, other than from it."""
        with self._one_at_a_time:
            yield

    def _warm(self, function: Function, number: int) -> ExecutionEnvironment:
        key = (function.name, number)
        if key not in self._environments:
            # A new process has no loggers yet: its first one writes to this function's log.
            service = function.environment.get("POWERTOOLS_SERVICE_NAME", "service_undefined")
            logging.Logger.manager.loggerDict.pop(service, None)
            self._environments[key] = _load(function, f"{function.name}-{number}")
        return self._environments[key]


def _load(function: Function, private_name: str) -> ExecutionEnvironment:
    """Load a handler module under a name of its own; its siblings are imported as ever."""
    module_name, _, attribute = function.handler.rpartition(".")
    found = importlib.util.find_spec(module_name)
    if found is None or found.origin is None:
        raise NotFoundError(f"{function.name}: no module {module_name}")
    spec = importlib.util.spec_from_file_location(f"{module_name}@{private_name}", found.origin)
    if spec is None or spec.loader is None:
        raise NotFoundError(f"{function.name}: {module_name} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    try:
        spec.loader.exec_module(module)
        return ExecutionEnvironment(module, getattr(module, attribute))
    except BaseException:
        del sys.modules[module.__name__]
        raise


def _to_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _context(function: Function, alias: str) -> LambdaContext:
    return LambdaContext(
        function.name,
        f"{function.arn}:{alias}" if alias else function.arn,
        str(function.memory_mb),
        str(uuid.uuid4()),
        time.monotonic() + function.timeout_seconds,
    )


def _runtime_variables(function: Function, region: str) -> dict[str, str]:
    """Return the environment: the template's, and what Lambda adds to it."""
    return {
        **function.environment,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
    }


@contextmanager
def _variables(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables within a block, and put back what was there."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
