"""Schedules of EventBridge: functions that run at a fixed rate."""

import sys
import traceback
from dataclasses import dataclass
from threading import Event

from infra.local.cloudformation.deployment import Schedule
from infra.local.lambda_runtime.runner import FunctionFailedError, Runner


@dataclass(frozen=True)
class SchedulePump:
    """Runs one schedule's function."""

    schedule: Schedule
    runner: Runner

    def tick(self) -> None:
        """Run the function once, now. Raises FunctionFailedError."""
        self.runner.invoke(self.schedule.function, self.schedule.payload)

    def run(self, stop: Event) -> None:
        """Run the function again and again until `stop` is set.

        A failure is reported on standard error; the next run is at its usual time.
        """
        while not stop.wait(self.schedule.every_seconds):
            try:
                self.tick()
            except FunctionFailedError:
                traceback.print_exc(file=sys.stderr)
