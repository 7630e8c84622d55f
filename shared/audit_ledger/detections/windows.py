"""So many of something by one user within so many minutes: one finding a burst."""

from collections.abc import Sequence

import msgspec

from audit_ledger.detections.observed_access import ObservedAccess

MAX_ITEMS = 10_000  # of all users; who did nothing for the longest time is forgotten first
_LATE_SECONDS = 3_600
_DAY_MS = 86_400_000


class Item(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One of them. `what`: equal ones count once, but for "", which counts each time."""

    time_ms: int
    entry: int
    event_id: str
    what: str


class TimeWindow(msgspec.Struct):
    """One user's, in order of time; from when to when the last reported burst went on."""

    items: list[Item] = []
    reported: tuple[int, int] | None = None
    touched: int = 0


class Windows(msgspec.Struct):
    """By the user's mark, who acted the longest time ago first; `count`: items of all."""

    users: dict[str, TimeWindow] = {}
    count: int = 0


def add(
    windows: Windows, seen: ObservedAccess, what: str, *, limit: int, span_ms: int
) -> list[Item] | None:
    """Add one; give the `limit` or more that lie within a span with it, once they do.

    A burst goes on for as long as there are so many within a span, and is one finding, a day; what
    is fewer ends it, so that nobody hides a second burst behind a first.
    """
    window = windows.users.pop(seen.who_mark, None) or TimeWindow()
    windows.users[seen.who_mark] = window
    window.touched = seen.opened.entry_time
    before = len(window.items)
    item = Item(seen.time_ms, seen.opened.seq, seen.opened.event_id, what)
    burst = _burst(window.items, item, limit, span_ms) if _insert(window, item, limit) else None
    windows.count += len(window.items) - before
    is_news = burst is not None and _is_news(window, burst)
    _forget(windows, seen.opened.entry_time - span_ms // 1000 - _LATE_SECONDS)
    return burst if is_news else None


def _insert(window: TimeWindow, item: Item, limit: int) -> bool:
    same = next((one for one in window.items if item.what and one.what == item.what), None)
    if same is not None:
        if same.time_ms >= item.time_ms:
            return False
        window.items.remove(same)
    window.items.append(item)
    window.items.sort(key=lambda one: (one.time_ms, one.entry))
    del window.items[: -2 * limit]
    return True


def _burst(items: Sequence[Item], item: Item, limit: int, span_ms: int) -> list[Item] | None:
    """Return the first burst that this item is part of."""
    for first in range(len(items) - limit + 1):
        start = items[first].time_ms
        if start > item.time_ms:
            return None
        if start + span_ms < item.time_ms or items[first + limit - 1].time_ms > start + span_ms:
            continue
        return [one for one in items[first:] if one.time_ms <= start + span_ms]
    return None


def _is_news(window: TimeWindow, burst: Sequence[Item]) -> bool:
    """Note a burst; false where it goes on with the one that was reported within a day."""
    first, last = burst[0].time_ms, burst[-1].time_ms
    if window.reported is not None:
        since, until = window.reported
        goes_on = first <= until and last >= since
        if goes_on and max(last, until) - min(first, since) < _DAY_MS:
            window.reported = (min(first, since), max(last, until))
            return False
    window.reported = (first, last)
    return True


def _forget(windows: Windows, oldest: int) -> None:
    while windows.users:
        mark = next(iter(windows.users))
        is_surplus = windows.count > MAX_ITEMS or len(windows.users) > MAX_ITEMS
        if windows.users[mark].touched >= oldest and not is_surplus:
            return
        windows.count -= len(windows.users.pop(mark).items)
