"""A stamp, as the sub-intervals of a period see it, and the commands that count at it. No IO and no clock."""

from gateway.contract import window
from gateway.contract.window import MICROSECONDS, SUB_INTERVALS
from gateway.limiter.commands import Words, word

EDGE = SUB_INTERVALS + 1
"""How many sub-intervals before the one at hand the oldest is that any decision in it counts.

The other decisions, in its second part, begin one later: a window reaches back for W + 2E, and 2E < w.
"""

_MOST_PERIODS = 1000
_ROW_BEFORE = 5  # as many as may not have been deleted yet, usually

_TIMES_HINCRBY = b"*4\r\n$7\r\nHINCRBY\r\n%%b%b%%b"
_HGETALL = b"*2\r\n$7\r\nHGETALL\r\n%b"
_HMGET = b"*4\r\n$5\r\nHMGET\r\n%%b%b%b"
_PEXPIRE = b"*3\r\n$7\r\nPEXPIRE\r\n%%b%b"


class Moment:
    """What holds for all stamps from `since` until `until`, and need not be worked out for each."""

    __slots__ = (
        "counts_edge",
        "edge",
        "following",
        "kept",
        "name",
        "number",
        "oldest",
        "oldest_kept",
        "period_seconds",
        "previous",
        "reads_all",
        "reads_all_renewing_first",
        "reads_open",
        "row",
        "row_begins",
        "since",
        "span",
        "tolerance",
        "until",
        "way_out",
    )

    def __init__(self, stamp: int, period_seconds: int) -> None:
        self.period_seconds = period_seconds
        self.number = number = window.sub_interval(stamp, period_seconds)
        self.oldest = oldest = window.oldest_counted(stamp, period_seconds)
        self.tolerance = window.stamp_tolerance(period_seconds)
        self.counts_edge = oldest <= number - EDGE
        self.span = period_seconds * MICROSECONDS
        self.way_out = self.span + 2 * self.tolerance
        """From the end of a sub-interval to when it is not counted any more."""
        self.oldest_kept = kept = window.oldest_kept(stamp, period_seconds)
        self.since = max(
            self._start(number), self._start(oldest) + self.way_out, self._start(kept + 1) + self._kept_for
        )
        self.until = min(
            self._start(number + 1),
            self._start(oldest + 1) + self.way_out,
            self._start(kept + 2) + self._kept_for,
        )
        self._make_names()
        self._make_commands()

    @property
    def _kept_for(self) -> int:
        return self.way_out + 2 * self.tolerance

    def _start(self, number: int) -> int:
        """The first microsecond of a sub-interval."""
        return -(-number * self.span // SUB_INTERVALS)

    def _make_names(self) -> None:
        """Sub-intervals by the names of their fields."""
        number = self.number
        self.name = b"%d" % number
        self.previous, self.following = b"%d" % (number - 1), b"%d" % (number + 1)
        self.edge, self.kept = b"%d" % (number - EDGE), b"%d" % self.oldest_kept
        self.row_begins = self.oldest_kept - _ROW_BEFORE
        self.row = b"".join(b"%d" % i for i in range(self.row_begins, number + 2))

    def _make_commands(self) -> None:
        """Their gaps are for the key, the units, and the key again, and again."""
        count = _TIMES_HINCRBY % word(self.number)
        read_open = _HMGET % (word(self.number - 1), word(self.number + 1))
        renew = _PEXPIRE % word(window.key_lifetime_ms(self.period_seconds))
        self.reads_open = count + read_open + renew
        self.reads_all = count + _HGETALL + renew
        self.reads_all_renewing_first = renew + self.reads_all

    def leaves_at(self, number: int) -> int:
        """As `window.leaves_at`."""
        return -(-(number + 1) * self.span // SUB_INTERVALS) + self.way_out


class Moments:
    """The last moment of each period, since most stamps fall into it."""

    def __init__(self) -> None:
        self._by_period: dict[int, Moment] = {}
        self.words = Words()

    def at(self, stamp: int, period_seconds: int) -> Moment:
        """The moment of a period that a stamp falls into."""
        moment = self._by_period.get(period_seconds)
        if moment is None or not moment.since <= stamp < moment.until:
            if len(self._by_period) >= _MOST_PERIODS:
                self._by_period.clear()
            moment = self._by_period[period_seconds] = Moment(stamp, period_seconds)
        return moment
