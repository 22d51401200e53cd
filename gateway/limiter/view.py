"""One client's window as Redis last told it, and as this node has added to it since. No IO and no clock."""

from collections.abc import Iterator, Sequence
from itertools import chain
from math import inf

from gateway.contract import window
from gateway.contract.window import MICROSECONDS
from gateway.limiter.commands import word
from gateway.limiter.moment import EDGE, Moment
from gateway.limiter.reading import Reading

READ_SECONDS = 0.25
"""For so long a node does not look whether anything was posted."""

WHOLE_SECONDS = 60.0
"""For so long, or five sub-intervals where that is less, a node does without the whole hash."""

DENY_SECONDS = 0.25
_OPEN = 3
_FEW = 8  # of which to read the whole costs no more
_WHOLE_PARTS = 5  # so long it may take until what came back to a closed one is seen


class View:
    """The counted sub-intervals of a window, oldest first, and the memory of a refusal.

    Sub-intervals that lie two or more before the one at hand are closed: who stamped a unit into one of them
    had it executed, within E of the stamp and 2E < w, before this was read. So they are final, but for units
    that were given back or posted since.

    `edge` is the oldest that any moment of the one at hand counts, and `closed` the sum of the others; of
    these `first` is the first with any units. Open are the one before that at hand, that, and the next:
    `previous`, `own` and `following`.
    """

    __slots__ = (
        "_begins",
        "_denied_cost",
        "_denied_quota",
        "_frees_at",
        "_stale_before",
        "_units",
        "_whole_seconds",
        "checked_at",
        "closed",
        "counted_from",
        "denied_until",
        "edge",
        "first",
        "first_units",
        "following",
        "key",
        "number",
        "own",
        "period_seconds",
        "posted",
        "previous",
        "read_at",
    )

    def __init__(self, key: str, period_seconds: int) -> None:
        """Nothing is known yet."""
        self.key = word(key)
        self.period_seconds = period_seconds
        self._whole_seconds = min(_WHOLE_PARTS * period_seconds / window.SUB_INTERVALS, WHOLE_SECONDS)
        self._denied_cost = self._denied_quota = 0
        self.denied_until = self._frees_at = 0.0
        self.number = self.counted_from = 0
        self.read_at = self.checked_at = self._stale_before = -inf
        self._begins = 0
        self._units: list[int] = []
        self.edge = self.closed = self.first = self.first_units = self.posted = 0
        self.previous = self.own = self.following = 0

    def __len__(self) -> int:
        """How many sub-intervals it holds."""
        return len(self._units) + _OPEN

    def read(self, reading: Reading, moment: Moment, own: int, read_at: float) -> None:
        """Take over a whole hash, asked for at monotonic `read_at`, with its units in the one at hand."""
        units = reading.units
        self.first, self.previous, self.following = reading.first, reading.previous, reading.following
        self._units = units or []  # of its own, since it grows
        self.own = own
        self.number, self.counted_from = moment.number, moment.oldest
        self._begins = moment.number - 1 - len(units)
        self.edge = self.closed = self.first_units = 0
        if units:
            self.edge = units[0] if self._begins == moment.number - EDGE else 0
            self.closed = sum(units) - self.edge
            self._find_first()
        self.posted = reading.posted
        self.read_at = self.checked_at = read_at if read_at >= self._stale_before else -inf

    def _find_first(self) -> None:
        units, place = self._units, max(0, self.first - self._begins)
        while place < len(units) and not units[place]:
            place += 1
        self.first, self.first_units = self._begins + place, units[place] if place < len(units) else 0

    def steps(self, number: int, now: float) -> int | None:
        """What must be read for a decision in this sub-interval at monotonic `now`, if not the whole hash.

        What is not closed yet since so many sub-intervals; if -1, only the open ones.
        """
        steps = number - self.number
        if steps == 0 and now - self.checked_at < READ_SECONDS:
            return -1
        if steps >= 0 and now - self.read_at < self._whole_seconds and len(self._units) > _FEW:
            return steps
        return None

    def read_on(self, number: int, closed: list[int], checked_at: float) -> None:
        """Let `number` be the one at hand; `closed` are those closed since, from the previous one on.

        What has been posted was looked at too, at monotonic `checked_at`. The open ones must be read then.
        """
        units, edge = self._units, number - EDGE - self._begins
        units += closed
        if closed:
            leave = units[max(0, edge + 1 - len(closed)) : max(0, edge + 1)]
            self.closed += sum(closed) - sum(leave)
            self.edge = units[edge] if edge >= 0 else 0
        self.number = number
        self.first = max(self.first, number - EDGE + 1)
        self._find_first()
        self.checked_at = checked_at if checked_at >= self._stale_before else -inf

    def forget(self, oldest_kept: int) -> Sequence[int]:
        """Those before `oldest_kept`, for the last time: what was given back leaves a field as well."""
        count = min(oldest_kept - self._begins, len(self._units))
        if count <= 0:
            return ()
        expired = range(self._begins, self._begins + count)
        del self._units[:count]
        self._begins += count
        return expired

    def is_kept(self, now: float) -> bool:
        """Whether Redis keeps the key at monotonic `now`, and a while after: it lives for W + 2w + 1 s."""
        return now - self.read_at < self.period_seconds

    def expire(self, now: float) -> None:
        """Have the next decision made by Redis, from a whole hash that is asked for at `now` or later."""
        self.read_at = self.checked_at = -inf
        self._stale_before = now
        self.denied_until = 0.0

    def read_open(self, previous: int, own: int, following: int) -> None:
        """Take over the open sub-intervals, when the others are known."""
        self.previous, self.own, self.following = previous, own, following

    def add(self, units: int) -> None:
        """Units that this node has put into the sub-interval at hand, or taken off it."""
        self.own = max(0, self.own + units)

    def total(self, at: int) -> int:
        """The units that count at Redis microsecond `at`."""
        self.counted_from = window.oldest_counted(at, self.period_seconds)
        return self.last_total

    @property
    def last_total(self) -> int:
        """What `total` said last, with what was added since."""
        beyond = self.counted_from - (self.number - EDGE)
        if beyond > 1:
            return sum(units for _, units in self._counted(self.counted_from))
        total = self.closed + self.previous + self.own + self.following
        return total if beyond == 1 else total + self.edge

    def _counted(self, oldest: int) -> Iterator[tuple[int, int]]:
        """Sub-intervals from `oldest` on with their units, where there are any, in order."""
        held = chain(self._units, (self.previous, self.own, self.following))
        for number, units in enumerate(held, self._begins):
            if number >= oldest and units:
                yield number, units

    def leaves_at(self, at: int, units: int) -> int:
        """When `units` of those that count at `at` will have left, if nobody adds any; at the latest all."""
        last = self.number
        for number, counted in self._counted(window.oldest_counted(at, self.period_seconds)):
            last = number
            units -= counted
            if units <= 0:
                break
        return window.leaves_at(last, self.period_seconds)

    def deny(self, quota: int, cost: int, stamp: int, wait_seconds: float, sent: float) -> None:
        """Remember a refusal by a batch that was sent at monotonic `sent`.

        It may have been for units that are on their way back, so it is not remembered for long.
        """
        end = (self.number + 1) * self.period_seconds * MICROSECONDS / window.SUB_INTERVALS
        rest = (end - stamp) / MICROSECONDS
        self._denied_quota, self._denied_cost = quota, cost
        self._frees_at = sent + wait_seconds
        self.denied_until = sent + min(rest, wait_seconds, DENY_SECONDS)

    def denies(self, quota: int, cost: int, now: float) -> bool:
        """Whether a request of this cost under this quota is refused without asking again."""
        return now < self.denied_until and cost >= self._denied_cost and quota <= self._denied_quota

    def frees_in(self, now: float) -> float:
        """Seconds until what was denied would fit."""
        return max(0.0, self._frees_at - now)
