"""The part of a batch that falls on one key: one HINCRBY for all of it."""

from collections.abc import Sequence

from redis.exceptions import ResponseError

from gateway.limiter.charge import Charge
from gateway.limiter.commands import word
from gateway.limiter.corrections import Corrections
from gateway.limiter.moment import Moment
from gateway.limiter.reading import MOST
from gateway.limiter.view import View
from gateway.limiter.views import Views
from gateway.limiter.wire import Reply


class Part:
    """What is asked of one window, and what Redis says of it.

    `counted` tells whether it has counted the units; a decision goes by `view` once that is `ready`.
    """

    __slots__ = (
        "_corrections",
        "_is_whole",
        "_renews_first",
        "counted",
        "fields_ahead",
        "key",
        "moment",
        "ready",
        "refusal",
        "replies",
        "units",
        "view",
    )

    def __init__(self, charge: Charge, moment: Moment, view: View | None, now: float) -> None:
        """`view` is what is known of the window at monotonic `now`, when it is asked."""
        self.key = charge.key
        self.moment = moment
        self.view = view
        self.units = 0
        self._is_whole = view is None or not view.is_fresh(moment.number, now)
        self._renews_first = view is None or not view.is_kept(now)
        self.replies = 4 if self._renews_first else 3
        """How many there will be."""
        self.counted = self.ready = False
        self.refusal: ResponseError | None = None
        self.fields_ahead = 0
        self._corrections: Corrections | None = None

    def question(self, units: bytes) -> bytes:
        """The commands, given its units as a word."""
        key = word(self.key) if self.view is None else self.view.key
        if self._renews_first:
            # An old key might expire between two commands, and what was counted with it.
            return self.moment.reads_all_renewing_first % (key, key, units, key, key)
        if self._is_whole:
            return self.moment.reads_all % (key, units, key, key)
        return self.moment.reads_open % (key, units, key, key)

    def hear(
        self,
        replies: Sequence[Reply],
        place: int,
        error: int,
        sent: float,
        views: Views,
        corrections: Corrections,
    ) -> None:
        """Take its replies, from `place` on, to a batch that Redis worked on so far from its stamp."""
        place += self._renews_first
        after = replies[place]
        if isinstance(after, int):
            self.counted = True
            self._corrections = corrections
            if replies[place + 2] == 1 and error <= self.moment.tolerance:
                self.ready = self._read(after, replies[place + 1], sent, views, corrections)
        elif isinstance(after, ResponseError):
            self.refusal = after

    def _read(self, after: int, fields: Reply, sent: float, views: Views, corrections: Corrections) -> bool:
        """Let the view have what stands before this batch; False where Redis did not tell."""
        if not isinstance(fields, list):
            return False
        own = min(max(0, after - self.units), MOST)
        view, moment, readings = self.view, self.moment, views.readings
        if view is not None and not self._is_whole:
            if view.number != moment.number or len(fields) != 2:
                return False
            view.read_open(readings.count(fields[0]), own, readings.count(fields[1]))
            return True
        reading = readings.read(fields, moment)
        if not reading.tells_own:
            return False
        if reading.expired:
            corrections.delete(self.key, moment.period_seconds, reading.expired)
        self.fields_ahead = reading.ahead
        self.view = views.read(self.key, moment, reading, own, sent)
        return True

    def give_back(self, units: int) -> None:
        """Take units off again, where they were counted."""
        if self._corrections is not None:
            moment = self.moment
            self._corrections.give_back(self.key, moment.period_seconds, moment.number, units)
