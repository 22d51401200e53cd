"""One client's window as Redis last told it, and as this node has added to it since. No IO and no clock."""

from array import array
from collections.abc import Mapping
from math import inf

from gateway.contract import window
from gateway.contract.window import MICROSECONDS

READ_SECONDS = 0.25
DENY_SECONDS = 0.25
_OPEN = 3  # the last entries: the sub-interval before the one at hand, that one, and the next

_INTEGERS = "q"


class View:
    """The counted sub-intervals of a window, oldest first, and the memory of a refusal.

    Sub-intervals that lie two or more before the one at hand are closed: who stamped a unit into one of them
    had it executed, within E of the stamp and 2E < w, before this was read. So their sum is final as long as
    the sub-interval at hand is the same, but for units that were given back or posted since.
    """

    __slots__ = (
        "_denied_cost",
        "_denied_quota",
        "_denied_until",
        "_first",
        "_frees_at",
        "_numbers",
        "_period",
        "_read_at",
        "_stale_before",
        "_sum",
        "_units",
        "number",
    )

    def __init__(self, period_seconds: int) -> None:
        self._period = period_seconds
        self._denied_cost = self._denied_quota = 0
        self._denied_until = self._frees_at = 0.0
        self.number = 0
        self._read_at = self._stale_before = -inf
        self._numbers = array(_INTEGERS)
        self._units = array(_INTEGERS)
        self._first = self._sum = 0

    def __len__(self) -> int:
        """How many sub-intervals it holds."""
        return len(self._numbers)

    def read(self, fields: Mapping[int, int], stamp: int, read_at: float) -> None:
        """Take over a whole hash, asked for at monotonic `read_at`. A negative counter is damage: none.

        One sub-interval more than counts is kept, since a later stamp may be the earlier one.
        """
        self.number = window.sub_interval(stamp, self._period)
        oldest = window.oldest_counted(stamp, self._period) - 1
        closed = sorted(i for i in fields if oldest <= i < self.number - 1 and fields[i] > 0)
        recent = range(self.number - 1, self.number + 2)
        self._numbers = array(_INTEGERS, [*closed, *recent])
        self._units = array(
            _INTEGERS, [fields[i] for i in closed] + [max(0, fields.get(i, 0)) for i in recent]
        )
        self._first = 0
        self._sum = sum(self._units)
        self._read_at = read_at if read_at >= self._stale_before else -inf

    def is_fresh(self, stamp: int, now: float) -> bool:
        """Whether only the open sub-intervals must be read for a decision stamped so at monotonic `now`."""
        return (
            now - self._read_at < READ_SECONDS
            and len(self._numbers) > 0
            and window.sub_interval(stamp, self._period) == self.number
        )

    def is_kept(self, now: float) -> bool:
        """Whether Redis keeps the key at monotonic `now`, and a while after: it lives for W + 2w + 1 s."""
        return now - self._read_at < self._period

    def expire(self, now: float) -> None:
        """Have the next decision made by Redis, from a whole hash that is asked for at `now` or later."""
        self._read_at = -inf
        self._stale_before = now
        self._denied_until = 0.0

    def read_open(self, previous: int, own: int, following: int) -> None:
        """Take over the open sub-intervals, when the others are known."""
        for position, units in zip(range(-_OPEN, 0), (previous, own, following), strict=True):
            self._set(position, max(0, units))

    def add(self, units: int) -> None:
        """Units that this node has put into the sub-interval at hand, or taken off it."""
        self._set(-2, max(0, self._units[-2] + units))

    def _set(self, position: int, units: int) -> None:
        if len(self._units) + position >= self._first:
            self._sum += units - self._units[position]
        self._units[position] = units

    def total(self, at: int) -> int:
        """The units that count at Redis microsecond `at`."""
        oldest = window.oldest_counted(at, self._period)
        numbers, units = self._numbers, self._units
        while self._first < len(numbers) and numbers[self._first] < oldest:
            self._sum -= units[self._first]
            self._first += 1
        while self._first > 0 and numbers[self._first - 1] >= oldest:
            self._first -= 1
            self._sum += units[self._first]
        return self._sum

    @property
    def last_total(self) -> int:
        """What `total` said last, with what was added since."""
        return self._sum

    def leaves_at(self, at: int, units: int) -> int:
        """When `units` of those that count at `at` will have left, if nobody adds any; at the latest all."""
        self.total(at)
        number = self.number
        for position in range(self._first, len(self._numbers)):
            if self._units[position]:
                number = self._numbers[position]
                units -= self._units[position]
                if units <= 0:
                    break
        return window.leaves_at(number, self._period)

    def deny(self, quota: int, cost: int, stamp: int, wait_seconds: float, sent: float) -> None:
        """Remember a refusal by a batch that was sent at monotonic `sent`.

        It may have been for units that are on their way back, so it is not remembered for long.
        """
        end = (self.number + 1) * self._period * MICROSECONDS / window.SUB_INTERVALS
        rest = (end - stamp) / MICROSECONDS
        self._denied_quota, self._denied_cost = quota, cost
        self._frees_at = sent + wait_seconds
        self._denied_until = sent + min(rest, wait_seconds, DENY_SECONDS)

    def denies(self, quota: int, cost: int, now: float) -> bool:
        """Whether a request of this cost under this quota is refused without asking again."""
        return now < self._denied_until and cost >= self._denied_cost and quota <= self._denied_quota

    def frees_in(self, now: float) -> float:
        """Seconds until what was denied would fit."""
        return max(0.0, self._frees_at - now)
