"""The part of a batch that falls on one key: one HINCRBY for all of it."""

from collections.abc import Sequence
from typing import Any

from redis.exceptions import ResponseError

from gateway.limiter.commands import word
from gateway.limiter.corrections import Corrections
from gateway.limiter.moment import Moment
from gateway.limiter.reading import MOST, Readings
from gateway.limiter.view import View
from gateway.limiter.views import Views
from gateway.limiter.wire import Reply


class Part:
    """What is asked of one window, and what Redis says of it.

    `counted` tells whether it has counted the units; a decision goes by `view` once that is `ready`.

    A window in which a count is below zero decides nothing: it is not known what was counted. `deficits` are
    the sub-intervals of which that is so, each with its distance from zero before this batch.
    """

    __slots__ = (
        "_corrections",
        "_renews_first",
        "_steps",
        "counted",
        "deficits",
        "fields_ahead",
        "key",
        "moment",
        "ready",
        "refusal",
        "replies",
        "units",
        "view",
    )

    def __init__(self, key: str, moment: Moment, view: View | None, now: float) -> None:
        """`view` is what is known of the window at monotonic `now`, when it is asked."""
        self.key = key
        self.moment = moment
        self.view = view
        self.units = 0
        self._steps = None if view is None else view.steps(moment.number, now)
        self._renews_first = view is None or not view.is_kept(now)
        self.replies = 4 if self._renews_first else 3
        """How many there will be."""
        self.counted = self.ready = False
        self.refusal: ResponseError | None = None
        self.fields_ahead = 0
        self.deficits: tuple[tuple[int, int], ...] = ()
        self._corrections: Corrections | None = None

    def question(self, units: bytes) -> bytes:
        """The commands, given its units as a word."""
        key = word(self.key) if self.view is None else self.view.key
        if self._renews_first:
            # An old key might expire between two commands, and what was counted with it.
            return self.moment.reads_all_renewing_first % (key, key, units, key, key)
        if self._steps is None:
            return self.moment.reads_all % (key, units, key, key)
        if self._steps < 0:
            return self.moment.reads_open % (key, units, key, key)
        return self.moment.reads_on(self._steps) % (key, units, key, key)

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
            if after < self.units:
                self.deficits = ((self.moment.number, self.units - after),)
            elif replies[place + 2] == 1 and error <= self.moment.tolerance:
                self.ready = self._read(after, replies[place + 1], sent, views, corrections)
        elif isinstance(after, ResponseError):
            self.refusal = after

    def _read(self, after: int, fields: Reply, sent: float, views: Views, corrections: Corrections) -> bool:
        """Let the view have what stands before this batch; False where Redis did not tell."""
        if not isinstance(fields, list):
            return False
        own = min(after - self.units, MOST)
        if self.view is not None and self._steps is not None:
            return self._read_part(self.view, own, fields, sent, views.readings, corrections)
        reading = views.readings.read(fields, self.moment)
        if reading.deficits:
            self.deficits = reading.deficits
            return False
        if not reading.tells_own:
            return False
        self._delete(reading.expired, corrections)
        self.fields_ahead = reading.ahead
        self.view = views.read(self.key, self.moment, reading, own, sent)
        return True

    def _read_part(
        self,
        view: View,
        own: int,
        fields: list[Any],
        sent: float,
        readings: Readings,
        corrections: Corrections,
    ) -> bool:
        """What the view lacks: the open sub-intervals, and those that have been closed since it was read."""
        moment, steps = self.moment, self._steps or 0
        if steps < 0:
            if view.number != moment.number or len(fields) != 2:
                return False
            previous, following = readings.count(fields[0]), readings.count(fields[1])
            if previous < 0 or following < 0:
                return self._fall_short((moment.number - 1, moment.number + 1), (previous, following))
            view.read_open(previous, own, following)
            return True
        behind = moment.number - view.number
        if not 0 <= behind <= steps or len(fields) != steps + 3:
            return False
        *since, previous, following, posted = counts = list(map(readings.count, fields))
        if min(counts[:-1]) < 0:
            numbers = [*range(moment.number - steps - 1, moment.number), moment.number + 1]
            return self._fall_short(numbers, counts[:-1])
        if max(0, posted) != view.posted:
            view.expire(sent)
            return False
        view.read_on(moment.number, since[steps - behind :], sent)
        view.read_open(previous, own, following)
        self._delete(view.forget(moment.oldest_kept), corrections)
        return True

    def _fall_short(self, numbers: Sequence[int], counts: Sequence[int]) -> bool:
        """Note which of these sub-intervals are below zero; False, as that decides nothing."""
        self.deficits = tuple(
            (number, -count) for number, count in zip(numbers, counts, strict=True) if count < 0
        )
        return False

    def _delete(self, expired: Sequence[int], corrections: Corrections) -> None:
        if expired:
            corrections.delete(self.key, self.moment.period_seconds, expired)

    def give_back(self, units: int) -> None:
        """Take units off again, where they were counted."""
        if self._corrections is not None:
            moment = self.moment
            self._corrections.give_back(self.key, moment.period_seconds, moment.number, units)
