"""So many of something by one user within so many minutes: one finding a burst."""

from collections.abc import Sequence

import msgspec

from audit_ledger.detections.seen import Seen

MAX_ITEMS = 10_000  # of all users; who did nothing for the longest time is forgotten first
_LATE_SECONDS = 3_600


class Item(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One of them. `what`: equal ones count once, but for "", which counts each time."""

    time_ms: int
    entry: int
    event_id: str
    what: str


class Window(msgspec.Struct):
    """One user's, in order of time; `reported_ms`: when the last reported burst went on."""

    items: list[Item] = []
    reported_ms: int | None = None
    touched: int = 0


class Windows(msgspec.Struct):
    """By the user's mark, who acted the longest time ago first; `count`: items of all."""

    users: dict[str, Window] = {}
    count: int = 0


def add(windows: Windows, seen: Seen, what: str, *, limit: int, span_ms: int) -> list[Item] | None:
    """Add one; give the `limit` or more that lie within the span, once they do.

    What goes on within a span of a reported burst belongs to it, and is not reported again.
    """
    window = windows.users.pop(seen.who_mark, None) or Window()
    windows.users[seen.who_mark] = window
    window.touched = seen.opened.entry_time
    burst = None
    if window.reported_ms is not None and abs(seen.time_ms - window.reported_ms) <= span_ms:
        window.reported_ms = max(window.reported_ms, seen.time_ms)
    else:
        before = len(window.items)
        _insert(window, Item(seen.time_ms, seen.opened.seq, seen.opened.event_id, what), limit)
        burst = _burst(window.items, limit, span_ms)
        if burst is not None:
            window.items = []
            window.reported_ms = max(item.time_ms for item in burst)
        windows.count += len(window.items) - before
    _forget(windows, seen.opened.entry_time - span_ms // 1000 - _LATE_SECONDS)
    return burst


def _insert(window: Window, item: Item, limit: int) -> None:
    same = next((one for one in window.items if item.what and one.what == item.what), None)
    if same is not None:
        if same.time_ms >= item.time_ms:
            return
        window.items.remove(same)
    window.items.append(item)
    window.items.sort(key=lambda one: (one.time_ms, one.entry))
    del window.items[: -2 * limit]


def _burst(items: Sequence[Item], limit: int, span_ms: int) -> list[Item] | None:
    for first in range(len(items) - limit + 1):
        if items[first + limit - 1].time_ms - items[first].time_ms <= span_ms:
            end = items[first].time_ms + span_ms
            return [item for item in items[first:] if item.time_ms <= end]
    return None


def _forget(windows: Windows, oldest: int) -> None:
    while windows.users:
        mark = next(iter(windows.users))
        is_surplus = windows.count > MAX_ITEMS or len(windows.users) > MAX_ITEMS
        if windows.users[mark].touched >= oldest and not is_surplus:
            return
        windows.count -= len(windows.users.pop(mark).items)
