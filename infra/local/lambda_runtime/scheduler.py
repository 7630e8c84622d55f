"""Schedules of EventBridge: functions that run by the clock.

Source: EventBridge Scheduler user guide, "Context attributes"; EventBridge user guide, "Creating a
rule that runs on a schedule".
"""

import sys
import traceback
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event
from typing import Any

from infra.local.cloudformation.deployment import Schedule
from infra.local.lambda_runtime.runner import FunctionFailedError, Runner


@dataclass(frozen=True)
class SchedulePump:
    """Runs one schedule's function."""

    schedule: Schedule
    runner: Runner
    account: str
    region: str

    def tick(self) -> Any:
        """Run the function once, now. Raises FunctionFailedError."""
        return self.runner.invoke(self.schedule.function, self._payload())

    def run(self, stop: Event, every_seconds: float | None = None) -> None:
        """Run the function again and again until `stop` is set.

        A failure is reported on standard error; the next run is at its usual time.
        """
        while not stop.wait(every_seconds or self.schedule.every_seconds):
            try:
                self.tick()
            except FunctionFailedError:
                traceback.print_exc(file=sys.stderr)

    def _payload(self) -> Any:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if self.schedule.payload is not None:
            return _fill(
                self.schedule.payload,
                {
                    "<aws.scheduler.schedule-arn>": self.schedule.arn,
                    "<aws.scheduler.scheduled-time>": now,
                    "<aws.scheduler.execution-id>": str(uuid.uuid4()),
                    "<aws.scheduler.attempt-number>": "1",
                },
            )
        source = "aws.scheduler" if ":scheduler:" in self.schedule.arn else "aws.events"
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": source,
            "account": self.account,
            "time": now,
            "region": self.region,
            "resources": [self.schedule.arn],
            "detail": {},
        }


def _fill(value: Any, attributes: dict[str, str]) -> Any:
    """Put context attributes in their places."""
    if isinstance(value, dict):
        return {key: _fill(item, attributes) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, attributes) for item in value]
    if isinstance(value, str):
        for name, text in attributes.items():
            value = value.replace(name, text)
    return value
