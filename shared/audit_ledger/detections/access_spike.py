"""Rule: a user opens many more patients' records on a day than usual for this user.

The baseline is the user's last active days (days with any access, by the calendar of a time zone).
A day is a spike if its patients c exceed the mean of the n days x before by more than k standard
deviations: c > S/n + k·√(nQ − S²)/n with S = Σx and Q = Σx². The computation uses integers, with k
in tenths: n·c − S > 0 and 100·(n·c − S)² > (10k)²·(nQ − S²).

Two days stay open, since portals may be late; events of earlier days are not counted.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

import msgspec

from audit_ledger.detections.finding import DetectionFinding
from audit_ledger.detections.hours import local_time, read_time_zone
from audit_ledger.detections.observed_access import ObservedAccess
from audit_ledger.detections.rule import Rule
from audit_ledger.detections.settings import AccessSpike

MAX_USERS: Final = 5_000
MAX_MARKS: Final = 60_000  # patients of all users' open days
MAX_PATIENTS: Final = 500  # of a user and day: further patients are not counted
_IDLE_DAYS: Final = 90
_DAY_SECONDS: Final = 86_400


class OpenDay(msgspec.Struct, array_like=True):
    """An open day: its ordinal, marks of the patients, and whether it was reported."""

    day: int
    patients: list[str]
    is_reported: bool = False


class Usual(msgspec.Struct, array_like=True):
    """A user's baseline: counts of closed days, oldest first, and the open days."""

    counts: list[int] = []
    last_closed: int = 0
    days: list[OpenDay] = []
    touched: int = 0


class Spikes(msgspec.Struct):
    """Baselines by the user's mark, least recently active first. `marks`: of all open days."""

    users: dict[str, Usual] = {}
    marks: int = 0
    swept: int = 0


class AccessSpikeRule(Rule[Spikes, AccessSpike]):
    """Reports one finding per user and day, for the access that made the day a spike."""

    name: ClassVar[str] = "access-spike"
    state_type = Spikes

    def __init__(self, settings: AccessSpike) -> None:
        super().__init__(settings)
        self.zone = read_time_zone(settings.time_zone)

    def observe(self, state: Spikes, access: ObservedAccess) -> DetectionFinding | None:
        """Count the patient once per day, and report the day if it is a spike."""
        if not (access.is_timed_staff_access and access.who_mark and access.patient_mark):
            return None
        self._sweep(state, access.opened.entry_time)
        usual = state.users.pop(access.who_mark, None) or Usual()
        state.users[access.who_mark] = usual
        usual.touched = access.opened.entry_time
        number = local_time(access.time_ms, self.zone).toordinal()
        day = self._open_day(state, usual, number)
        finding = None
        if (
            day is not None
            and access.patient_mark not in day.patients
            and len(day.patients) < MAX_PATIENTS
        ):
            day.patients.append(access.patient_mark)
            state.marks += 1
            finding = self._judge(usual, day, access)
        self._keep_bounds(state)
        return finding

    def _judge(self, usual: Usual, day: OpenDay, access: ObservedAccess) -> DetectionFinding | None:
        open_before = [len(other.patients) for other in usual.days if other.day < day.day]
        before = [*usual.counts, *open_before][-self.settings.active_days :]
        count = len(day.patients)
        if day.is_reported or len(before) < self.settings.minimum_days:
            return None
        if count < self.settings.minimum_patients or not exceeds(
            count, before, self.settings.deviations_tenths, self.settings.minimum_excess
        ):
            return None
        day.is_reported = True
        tenths = (20 * sum(before) + len(before)) // (2 * len(before))
        mean = f"{tenths // 10}.{tenths % 10}"
        return self.finding(
            access, f"{count} patients in a day; {mean} on average of {len(before)} days before"
        )

    def _open_day(self, state: Spikes, usual: Usual, number: int) -> OpenDay | None:
        for day in usual.days:
            if day.day == number:
                return day
        if number <= usual.last_closed or (len(usual.days) > 1 and number < usual.days[0].day):
            return None
        new = OpenDay(number, [])
        usual.days.append(new)
        usual.days.sort(key=lambda day: day.day)
        if len(usual.days) > 2:
            self._close_first(state, usual)
        return new

    def _close_first(self, state: Spikes, usual: Usual) -> None:
        day = usual.days.pop(0)
        state.marks -= len(day.patients)
        usual.counts = [*usual.counts, len(day.patients)][-self.settings.active_days :]
        usual.last_closed = day.day

    def _sweep(self, state: Spikes, entry_time: int) -> None:
        """Once per ledger day, close days two days back and delete users idle for long."""
        today = local_time(entry_time * 1000, self.zone).toordinal()
        if today <= state.swept:
            return
        state.swept = today
        for mark, usual in list(state.users.items()):
            while usual.days and usual.days[0].day < today - 1:
                self._close_first(state, usual)
            if usual.touched < entry_time - _IDLE_DAYS * _DAY_SECONDS:
                state.marks -= sum(len(day.patients) for day in usual.days)
                del state.users[mark]

    def _keep_bounds(self, state: Spikes) -> None:
        """Delete users or close days beyond the limits, least recently active users first."""
        while len(state.users) > MAX_USERS:
            usual = state.users.pop(next(iter(state.users)))
            state.marks -= sum(len(day.patients) for day in usual.days)
        if state.marks <= MAX_MARKS:
            return
        for usual in state.users.values():
            while usual.days:
                self._close_first(state, usual)
            if state.marks <= MAX_MARKS:
                return


def exceeds(count: int, before: Sequence[int], deviations_tenths: int, minimum: int) -> bool:
    """Return whether a count exceeds the mean before it by the deviations and by the minimum."""
    n, total = len(before), sum(before)
    above = n * count - total
    if above <= 0 or above < n * minimum:
        return False
    variance = n * sum(one * one for one in before) - total * total  # times n²
    return 100 * above * above > deviations_tenths * deviations_tenths * variance
