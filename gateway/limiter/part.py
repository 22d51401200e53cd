"""The part of a batch that falls on one key: one HINCRBY for all of it."""

from collections.abc import Sequence
from typing import Any

from redis.exceptions import ResponseError

from gateway.limiter.connection import Reply
from gateway.limiter.corrections import Corrections
from gateway.limiter.frame import SubIntervalFrame, bulk_string
from gateway.limiter.window_cache import MAX_COUNT, CachedWindow, HashParser, WindowCache


class Part:
    """What is asked of one window, and what Redis says of it.

    `counted` tells whether it has counted the units; a decision goes by `cached` once that is `ready`.

    A window in which a count is below zero decides nothing: it is not known what was counted. `deficits` are
    the sub-intervals of which that is so, each with its distance from zero before this batch.
    """

    __slots__ = (
        "_corrections",
        "_renews_first",
        "_steps",
        "cached",
        "counted",
        "deficits",
        "frame",
        "future_fields",
        "key",
        "ready",
        "refusal",
        "replies",
        "units",
    )

    def __init__(self, key: str, frame: SubIntervalFrame, cached: CachedWindow | None, now: float) -> None:
        """`cached` is what is known of the window at monotonic `now`, when it is asked."""
        self.key = key
        self.frame = frame
        self.cached = cached
        self.units = 0
        self._steps = None if cached is None else cached.steps(frame.number, now)
        self._renews_first = cached is None or not cached.is_kept(now)
        self.replies = 4 if self._renews_first else 3
        """How many there will be."""
        self.counted = self.ready = False
        self.refusal: ResponseError | None = None
        self.future_fields = 0
        self.deficits: tuple[tuple[int, int], ...] = ()
        self._corrections: Corrections | None = None

    def question(self, units: bytes) -> bytes:
        """The commands, given its units as a bulk_string."""
        key = bulk_string(self.key) if self.cached is None else self.cached.key
        if self._renews_first:
            # An old key might expire between two commands, and what was counted with it.
            return self.frame.renew_and_read_all % (key, key, units, key, key)
        if self._steps is None:
            return self.frame.read_all % (key, units, key, key)
        if self._steps < 0:
            return self.frame.read_open % (key, units, key, key)
        return self.frame.read_since(self._steps) % (key, units, key, key)

    def hear(
        self,
        replies: Sequence[Reply],
        place: int,
        error: int,
        sent: float,
        cache: WindowCache,
        corrections: Corrections,
    ) -> None:
        """Take its replies, from `place` on, to a batch that Redis worked on so far from its stamp."""
        place += self._renews_first
        after = replies[place]
        if isinstance(after, int):
            self.counted = True
            self._corrections = corrections
            if after < self.units:
                self.deficits = ((self.frame.number, self.units - after),)
            elif replies[place + 2] == 1 and error <= self.frame.tolerance:
                self.ready = self._read(after, replies[place + 1], sent, cache, corrections)
        elif isinstance(after, ResponseError):
            self.refusal = after

    def _read(
        self, after: int, fields: Reply, sent: float, cache: WindowCache, corrections: Corrections
    ) -> bool:
        """Let the cached window have what stands before this batch; False where Redis did not tell."""
        if not isinstance(fields, list):
            return False
        own = min(after - self.units, MAX_COUNT)
        if self.cached is not None and self._steps is not None:
            return self._read_part(self.cached, own, fields, sent, cache.parser, corrections)
        snapshot = cache.parser.parse(fields, self.frame)
        if snapshot.deficits:
            self.deficits = snapshot.deficits
            return False
        if not snapshot.has_current:
            return False
        self._delete(snapshot.expired, corrections)
        self.future_fields = snapshot.future_fields
        self.cached = cache.load(self.key, self.frame, snapshot, own, sent)
        return True

    def _read_part(
        self,
        cached: CachedWindow,
        own: int,
        fields: list[Any],
        sent: float,
        parser: HashParser,
        corrections: Corrections,
    ) -> bool:
        """Read what the cached window lacks: the open sub-intervals, and those closed since its last read."""
        frame, steps = self.frame, self._steps or 0
        if steps < 0:
            if cached.number != frame.number or len(fields) != 2:
                return False
            previous, following = parser.count(fields[0]), parser.count(fields[1])
            if previous < 0 or following < 0:
                return self._fall_short((frame.number - 1, frame.number + 1), (previous, following))
            cached.load_open(previous, own, following)
            return True
        behind = frame.number - cached.number
        if not 0 <= behind <= steps or len(fields) != steps + 3:
            return False
        *since, previous, following, posted = counts = list(map(parser.count, fields))
        if min(counts[:-1]) < 0:
            numbers = [*range(frame.number - steps - 1, frame.number), frame.number + 1]
            return self._fall_short(numbers, counts[:-1])
        if max(0, posted) != cached.backfilled:
            cached.expire(sent)
            return False
        cached.advance(frame.number, since[steps - behind :], sent)
        cached.load_open(previous, own, following)
        self._delete(cached.forget(frame.oldest_kept), corrections)
        return True

    def _fall_short(self, numbers: Sequence[int], counts: Sequence[int]) -> bool:
        """Note which of these sub-intervals are below zero; False, as that decides nothing."""
        self.deficits = tuple(
            (number, -count) for number, count in zip(numbers, counts, strict=True) if count < 0
        )
        return False

    def _delete(self, expired: Sequence[int], corrections: Corrections) -> None:
        if expired:
            corrections.delete(self.key, self.frame.period_seconds, expired)

    def give_back(self, units: int) -> None:
        """Take units off again, where they were counted."""
        if self._corrections is not None:
            frame = self.frame
            self._corrections.give_back(self.key, frame.period_seconds, frame.number, units)
