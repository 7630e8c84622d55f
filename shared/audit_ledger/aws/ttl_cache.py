"""A container's cache of ledgers' settings and plaintext keys, which expires after minutes."""

from collections.abc import Callable
from typing import Generic, TypeVar

TTL_SECONDS = 300.0

T = TypeVar("T")


class TtlCache(Generic[T]):
    """Caches values by name for five minutes.

    `clock` returns monotonic seconds. Every `get` drops all expired values. `is_final`: whether a
    value may be cached at all.
    """

    def __init__(
        self,
        read: Callable[[str], T],
        clock: Callable[[], float],
        is_final: Callable[[T], bool] = lambda _: True,
    ) -> None:
        self._read = read
        self._clock = clock
        self._is_final = is_final
        self._values: dict[str, tuple[float, T]] = {}

    def get(self, name: str) -> T:
        """Return the cached value or that of `read`; raise the errors of `read`."""
        now = self._clock()
        self._values = {n: v for n, v in self._values.items() if now - v[0] <= TTL_SECONDS}
        if name in self._values:
            return self._values[name][1]
        value = self._read(name)
        if self._is_final(value):
            self._values[name] = (now, value)
        return value

    def forget(self, name: str) -> None:
        """Drop a value, so that the next `get` reads it again."""
        self._values.pop(name, None)
