"""Count a user's items within sliding time windows, and detect bursts."""

from collections.abc import Sequence

import msgspec

from audit_ledger.detections.observed_access import ObservedAccess

MAX_ITEMS = 10_000  # of all users; the least recently active users are deleted first
_LATE_SECONDS = 3_600
_DAY_MS = 86_400_000


class WindowItem(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One item. `what`: equal ones count once, except "", which counts each time."""

    time_ms: int
    entry: int
    event_id: str
    what: str


class TimeWindow(msgspec.Struct):
    """One user's items in order of time; start and end of the last reported burst."""

    items: list[WindowItem] = []
    reported: tuple[int, int] | None = None
    touched: int = 0


class Windows(msgspec.Struct):
    """Windows by the user's mark, least recently active first; `count`: items of all users."""

    users: dict[str, TimeWindow] = {}
    count: int = 0


def add(
    windows: Windows, access: ObservedAccess, what: str, *, limit: int, span_ms: int
) -> list[WindowItem] | None:
    """Add an item; return the burst of `limit` or more items within a span, if it is a new one.

    A burst lasts as long as spans contain `limit` items, and yields one finding per day. Fewer
    items end it, so that a first burst cannot hide a second one.
    """
    window = windows.users.pop(access.who_mark, None) or TimeWindow()
    windows.users[access.who_mark] = window
    window.touched = access.opened.entry_time
    before = len(window.items)
    item = WindowItem(access.time_ms, access.opened.seq, access.opened.event_id, what)
    burst = _burst(window.items, item, limit, span_ms) if _insert(window, item, limit) else None
    windows.count += len(window.items) - before
    is_news = burst is not None and _is_news(window, burst)
    _forget(windows, access.opened.entry_time - span_ms // 1000 - _LATE_SECONDS)
    return burst if is_news else None


def _insert(window: TimeWindow, item: WindowItem, limit: int) -> bool:
    same = next((one for one in window.items if item.what and one.what == item.what), None)
    if same is not None:
        if same.time_ms >= item.time_ms:
            return False
        window.items.remove(same)
    window.items.append(item)
    window.items.sort(key=lambda one: (one.time_ms, one.entry))
    del window.items[: -2 * limit]
    return True


def _burst(
    items: Sequence[WindowItem], item: WindowItem, limit: int, span_ms: int
) -> list[WindowItem] | None:
    """Return the first burst that contains this item; None if there is none."""
    for first in range(len(items) - limit + 1):
        start = items[first].time_ms
        if start > item.time_ms:
            return None
        if start + span_ms < item.time_ms or items[first + limit - 1].time_ms > start + span_ms:
            continue
        return [one for one in items[first:] if one.time_ms <= start + span_ms]
    return None


def _is_news(window: TimeWindow, burst: Sequence[WindowItem]) -> bool:
    """Note a burst; return False if it continues a burst reported within a day."""
    first, last = burst[0].time_ms, burst[-1].time_ms
    if window.reported is not None:
        since, until = window.reported
        overlaps = first <= until and last >= since
        if overlaps and max(last, until) - min(first, since) < _DAY_MS:
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
