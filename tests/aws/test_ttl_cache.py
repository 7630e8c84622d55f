"""A cached value expires after five minutes and leaves memory."""

import weakref

import pytest

from audit_ledger.aws.ttl_cache import TTL_SECONDS, TtlCache
from audit_ledger.errors import NotFoundError


class Read:
    """Something that was read: it can be seen to be gone."""

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.number = number


class Reader:
    """Counts what is read, by a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.count = 0
        self.is_final = True
        self.cache = TtlCache(self.read, lambda: self.now, lambda _: self.is_final)

    def read(self, name: str) -> Read:
        self.count += 1
        if name == "none":
            raise NotFoundError("there is none")
        return Read(name, self.count)


def test_a_value_is_read_once_in_five_minutes() -> None:
    """By name; the five minutes begin when it is read."""
    reader = Reader()
    assert [reader.cache.get(n).number for n in ("a", "b", "a", "b")] == [1, 2, 1, 2]
    reader.now += TTL_SECONDS
    assert reader.cache.get("a").number == 1
    reader.now += 0.1
    assert reader.cache.get("a").number == 3
    assert TTL_SECONDS == 300


def test_an_expired_value_leaves_memory_at_the_next_read() -> None:
    """Keys in the clear do not stay in memory because nobody asks for their ledger any more."""
    reader = Reader()
    gone = weakref.ref(reader.cache.get("a"))
    assert gone() is not None
    reader.now += TTL_SECONDS + 1
    reader.cache.get("b")
    assert gone() is None


def test_an_error_is_not_cached() -> None:
    """A ledger that is declared a moment later is there a moment later."""
    reader = Reader()
    for _ in range(2):
        with pytest.raises(NotFoundError):
            reader.cache.get("none")
    assert reader.count == 2


def test_a_value_that_may_change_is_read_each_time() -> None:
    """Until it is."""
    reader = Reader()
    reader.is_final = False
    assert [reader.cache.get("a").number for _ in range(3)] == [1, 2, 3]
    reader.is_final = True
    assert [reader.cache.get("a").number for _ in range(3)] == [4, 4, 4]
