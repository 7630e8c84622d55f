"""What a container keeps of each ledger for minutes: settings, and keys in the clear."""

from collections.abc import Callable
from typing import Generic, TypeVar

TTL_SECONDS = 300.0

T = TypeVar("T")


class TtlCache(Generic[T]):
    """Reads by name, and again once what it has is five minutes old.

    `clock` gives seconds, monotonic. What is too old is dropped whenever anything is asked for.
    `is_final`: whether a value may be kept at all.
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
        self._kept: dict[str, tuple[float, T]] = {}

    def get(self, name: str) -> T:
        """Return what `read` gives, raising what it raises."""
        now = self._clock()
        self._kept = {n: k for n, k in self._kept.items() if now - k[0] <= TTL_SECONDS}
        if name in self._kept:
            return self._kept[name][1]
        value = self._read(name)
        if self._is_final(value):
            self._kept[name] = (now, value)
        return value

    def forget(self, name: str) -> None:
        """Have the next `get` read it again."""
        self._kept.pop(name, None)
