"""The k-th call to AWS fails: before it is sent, or after it took effect.

At botocore's event hooks, not by mocks of our code. A raised error ends the call as a dead function
or a final time-out would: botocore's own retries are over by then.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from audit_ledger.aws import clients

When = Literal["before", "after"]


@dataclass
class Faults:
    """Counts calls, and fails the one that is armed. `calls`: names of all since `arm`."""

    calls: list[str] = field(default_factory=list)
    at: int = -1
    when: When = "before"

    def arm(self, at: int, when: When) -> None:
        """Fail the call number `at` from now (0 is the next), once."""
        self.calls.clear()
        self.at, self.when = at, when

    def disarm(self) -> None:
        """Let everything through."""
        self.at = -1

    def before(self, model: Any, **_: Any) -> None:
        """Hook of botocore: a call is about to be sent."""
        self.calls.append(f"{model.service_model.service_name}.{model.name}")
        if len(self.calls) - 1 == self.at and self.when == "before":
            raise EndpointConnectionError(endpoint_url="test")

    def after(self, model: Any, **_: Any) -> None:
        """Hook of botocore: a call was answered."""
        if len(self.calls) - 1 == self.at and self.when == "after":
            raise ReadTimeoutError(endpoint_url="test")


def injected(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """Put the hooks into every client that our code makes from now on."""
    faults = Faults()

    def client(*arguments: Any, **named: Any) -> Any:
        made = boto3.client(*arguments, **named)
        made.meta.events.register("before-call.*.*", faults.before)
        made.meta.events.register("after-call.*.*", faults.after)
        return made

    class Boto3:
        """boto3, of which our code uses this."""

        def __init__(self) -> None:
            self.client = client

    monkeypatch.setattr(clients, "boto3", Boto3())
    return faults
