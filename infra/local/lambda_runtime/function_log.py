"""Output of functions, separate from this process's own: their CloudWatch logs."""

import json
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from io import TextIOBase
from typing import Any, TextIO, cast


@dataclass
class FunctionLog:
    """The lines that one function printed, the newest `max_lines` of them.

    `copy_to` is for people: where it cannot be written (a full disk) the function goes on, as on
    Lambda, and what it printed meanwhile is in `lines` alone.
    """

    max_lines: int = 100_000
    copy_to: TextIO | None = None
    lines: deque[str] = field(init=False)
    _begun: str = ""

    def __post_init__(self) -> None:
        self.lines = deque(maxlen=self.max_lines)

    def write(self, text: str) -> None:
        """Take printed text; a line is stored when it ends."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self.lines.append(line)
            if self.copy_to is not None:
                with suppress(OSError):
                    self.copy_to.write(line + "\n")


_log: ContextVar[FunctionLog | None] = ContextVar("function_log", default=None)


class _Output(TextIOBase):
    """Standard output that belongs to the function which prints, if one does."""

    def __init__(self, outside: TextIO) -> None:
        super().__init__()
        self.outside = outside

    def write(self, text: str) -> int:
        log = _log.get()
        if log is None:
            return self.outside.write(text)
        log.write(text)
        return len(text)

    def flush(self) -> None:
        if _log.get() is None:
            self.outside.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.outside, name)


@contextmanager
def printing_to(log: FunctionLog) -> Iterator[None]:
    """Keep in `log` what this thread prints within the block; other threads print as ever."""
    before = sys.stdout
    output = before if isinstance(before, _Output) else _Output(before)
    sys.stdout = cast(TextIO, output)
    token = _log.set(log)
    try:
        yield
    finally:
        _log.reset(token)
        sys.stdout = before


def metric_sums(lines: Iterable[str]) -> Counter[str]:
    """Add up the values of every metric in a log (CloudWatch's embedded metric format), by name."""
    sums: Counter[str] = Counter()
    for line in lines:
        if not line.startswith("{") or '"_aws"' not in line:
            continue
        document = json.loads(line)
        for directive in document["_aws"]["CloudWatchMetrics"]:
            for metric in directive["Metrics"]:
                values = document[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    sums[metric["Name"]] += value
    return sums
