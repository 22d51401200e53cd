"""A stamp, as the sub-intervals of a period see it, and the commands that count at it. No IO and no clock."""

from gateway.contract import window
from gateway.contract.window import MICROSECONDS, SUB_INTERVALS
from gateway.limiter.commands import Words, word

EDGE = SUB_INTERVALS + 1
"""How many sub-intervals before the one at hand the oldest is that any decision in it counts.

The other decisions, in its second part, begin one later: a window reaches back for W + 2E, and 2E < w.
"""

_MOST_PERIODS = 1000
_ROW_BEFORE = 10  # as many as may not have been deleted yet, usually

_TIMES_HINCRBY = b"*4\r\n$7\r\nHINCRBY\r\n%%b%b%%b"
_HGETALL = b"*2\r\n$7\r\nHGETALL\r\n%b"
_HMGET = b"*%d\r\n$5\r\nHMGET\r\n%%b%b"
_PEXPIRE = b"*3\r\n$7\r\nPEXPIRE\r\n%%b%b"


class Moment:
    """What holds for all stamps from `since` until `until`, and need not be worked out for each."""

    __slots__ = (
        "_count",
        "_reads_on",
        "_renew",
        "counts_edge",
        "edge_place",
        "empty",
        "kept_place",
        "name",
        "number",
        "oldest",
        "oldest_kept",
        "period_seconds",
        "places",
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
        self._make_row()
        self._make_commands()

    @property
    def _kept_for(self) -> int:
        return self.way_out + 2 * self.tolerance

    def _start(self, number: int) -> int:
        """The first microsecond of a sub-interval."""
        return -(-number * self.span // SUB_INTERVALS)

    def _make_row(self) -> None:
        """The sub-intervals that are counted or not deleted yet, as the names of their fields."""
        self.row_begins = self.oldest_kept - _ROW_BEFORE
        names = [b"%d" % number for number in range(self.row_begins, self.number + 2)]
        self.name = names[-2]
        self.row = b",".join(names)
        self.places = {name: place for place, name in enumerate(names)}
        self.edge_place = self.number - EDGE - self.row_begins
        self.kept_place = _ROW_BEFORE
        self.empty = [0] * len(names)
        self.empty[-2] = -1
        """Of the one at hand it must be told that it is there."""

    def _make_commands(self) -> None:
        """Their gaps are for the key, the units, and the key again, and again."""
        self._count = _TIMES_HINCRBY % word(self.number)
        self._renew = _PEXPIRE % word(window.key_lifetime_ms(self.period_seconds))
        read_open = _HMGET % (4, word(self.number - 1) + word(self.number + 1))
        self.reads_open = self._count + read_open + self._renew
        self.reads_all = self._count + _HGETALL + self._renew
        self.reads_all_renewing_first = self._renew + self.reads_all
        self._reads_on: dict[int, bytes] = {}

    def reads_on(self, steps: int) -> bytes:
        """For who knows the window as it was so many sub-intervals ago."""
        made = self._reads_on.get(steps)
        if made is None:
            open_then = range(self.number - steps - 1, self.number)
            fields = [*open_then, self.number + 1, window.POSTED]
            read = _HMGET % (2 + len(fields), b"".join(map(word, fields)))
            made = self._reads_on[steps] = self._count + read + self._renew
        return made

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
