"""Decisions without Redis, and the backlog of units that Redis has not counted yet.

With N the quota, k the live nodes and V what still counts of the window as last read, a node admits
(N − V)/k by itself. With evenly spread traffic the nodes have read alike, and together they admit what was
free. A client that only one node has seen gets N there and N/k at each other: (2 − 1/k)·N.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.clock import RedisClock
from gateway.contract import window
from gateway.contract.window import MICROSECONDS, SUB_INTERVALS
from gateway.limiter.decision import Hit, WindowStatus
from gateway.limiter.frame import pack
from gateway.limiter.window_cache import WindowCache
from gateway.telemetry.counters import Counters

MAX_WINDOWS = 20_000
COMMANDS_PER_ENTRY = 3


class BackfillEntry(NamedTuple):
    """Units of one bucket that Redis has not counted."""

    key: str
    period_seconds: int
    bucket: int
    units: int

    @classmethod
    def of(cls, hit: Hit, admitted_at: float) -> "BackfillEntry":
        """The units of a hit that was admitted at this monotonic second."""
        period = hit.limit.period_seconds
        return cls(hit.key, period, window.sub_interval(int(admitted_at * MICROSECONDS), period), hit.cost)


def backfill_commands(
    entries: Iterable[BackfillEntry], redis_time: Callable[[float], int], stamp: int
) -> list[bytes]:
    """`COMMANDS_PER_ENTRY` each, the increment first. `redis_time` is that of a monotonic second."""
    made: list[bytes] = []
    for key, period, bucket, units in entries:
        ended = redis_time((bucket + 1) * period / SUB_INTERVALS)
        number = window.sub_interval(min(ended, stamp), period)
        lifetime = window.key_lifetime_ms(period)
        made += [
            pack(("HINCRBY", key, number, units)),
            pack(("HINCRBY", key, window.BACKFILLED, units)),
            pack(("PEXPIRE", key, lifetime)),
        ]
    return made


@dataclass(slots=True)
class _LocalWindow:
    """What this node admitted by itself from a window, by bucket; `pending` is what Redis has not counted."""

    period_seconds: int
    units: dict[int, int] = field(default_factory=dict)
    pending: dict[int, int] = field(default_factory=dict)
    changed_at: float = 0.0  # when units were last recorded or taken

    def expire(self, now: float) -> None:
        oldest = window.oldest_counted(int(now * MICROSECONDS), self.period_seconds)
        for counts in (self.units, self.pending):
            for bucket in [bucket for bucket in counts if bucket < oldest]:
                del counts[bucket]


class Backlog:
    """What this node admitted without Redis: how much, when, and whether Redis has counted it.

    Times are those of the monotonic clock, since that of Redis may be unknown; a sub-interval of that clock
    is a bucket. Backfill goes into the sub-interval in which its bucket ended: there it counts a little
    longer than it must, and never shorter. Beyond `MAX_WINDOWS` the least recently used window is discarded.
    """

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._windows: OrderedDict[str, _LocalWindow] = OrderedDict()
        self._pending: dict[str, _LocalWindow] = {}

    def __len__(self) -> int:
        """The number of windows."""
        return len(self._windows)

    @property
    def pending(self) -> int:
        """The number of windows with units that Redis has not counted."""
        return len(self._pending)

    def total(self, key: str, now: float) -> int:
        """The units admitted from a window since it was last read from Redis that count at `now`."""
        local = self._windows.get(key)
        if local is None:
            return 0
        local.expire(now)
        return sum(local.units.values())

    def frees_in(self, key: str, now: float) -> float | None:
        """Seconds until some of that leaves; None if there is nothing."""
        local = self._windows.get(key)
        if local is None or not local.units:
            return None
        return window.leaves_at(min(local.units), local.period_seconds) / MICROSECONDS - now

    def record(self, hit: Hit, now: float, *, counted: bool) -> None:
        """Record an admission at monotonic `now`; `counted`: Redis has counted it, or may count it."""
        local = self._window(hit.key, hit.limit.period_seconds)
        bucket = window.sub_interval(int(now * MICROSECONDS), local.period_seconds)
        local.units[bucket] = local.units.get(bucket, 0) + hit.cost
        local.changed_at = now
        if not counted:
            self._add_pending(hit.key, local, bucket, hit.cost)

    def requeue(self, entries: Iterable[BackfillEntry]) -> None:
        """Redis has not counted these, as far as is known."""
        for entry in entries:
            local = self._window(entry.key, entry.period_seconds)
            self._add_pending(entry.key, local, entry.bucket, entry.units)

    def _window(self, key: str, period_seconds: int) -> _LocalWindow:
        local = self._windows.setdefault(key, _LocalWindow(period_seconds))
        self._windows.move_to_end(key)
        while len(self._windows) > MAX_WINDOWS:
            evicted, oldest = self._windows.popitem(last=False)
            self._pending.pop(evicted, None)
            self.discard(sum(oldest.pending.values()))
        return local

    def _add_pending(self, key: str, local: _LocalWindow, bucket: int, units: int) -> None:
        local.pending[bucket] = local.pending.get(bucket, 0) + units
        self._pending[key] = local

    def reconcile(self, key: str, sent: float) -> None:
        """A batch sent at monotonic `sent` has read this window, with all backfill before it."""
        local = self._windows.get(key)
        if local is not None and key not in self._pending and sent >= local.changed_at:
            del self._windows[key]

    def discard(self, units: int) -> None:
        """Count units that Redis will never count."""
        self._counters.store_written_off += units

    def take(self, now: float, most: int) -> list[BackfillEntry]:
        """`most` pending entries or a few more, if they still count; from now on Redis may count them."""
        taken: list[BackfillEntry] = []
        while self._pending and len(taken) < most:
            key, local = self._pending.popitem()
            local.expire(now)
            local.changed_at = now
            taken += [BackfillEntry(key, local.period_seconds, *entry) for entry in local.pending.items()]
            local.pending.clear()
        return taken


class Fallback:
    """Decides by the windows as last read and by the backlog."""

    def __init__(self, cache: WindowCache, backlog: Backlog, clock: RedisClock) -> None:
        self._cache = cache
        self._backlog = backlog
        self._clock = clock

    def decide(self, hits: Sequence[Hit], nodes: int, now: float) -> tuple[WindowStatus, ...]:
        """Decide about a request at monotonic `now`, as one of `nodes`, without recording it."""
        return tuple(self._status(hit, nodes, now) for hit in hits)

    def record(
        self, hits: Sequence[Hit], statuses: Sequence[WindowStatus], now: float, *, counted: bool
    ) -> None:
        """Record a request that passed; `counted`: Redis has counted it, or may count it."""
        for hit, status in zip(hits, statuses, strict=True):
            if status.admitted:
                self._backlog.record(hit, now, counted=counted)

    def _status(self, hit: Hit, nodes: int, now: float) -> WindowStatus:
        quota, cost = hit.limit.quota, hit.cost
        at = self._clock.time(now)
        cached = self._cache.get(hit.key)
        seen = 0 if cached is None else cached.total(at)
        local = self._backlog.total(hit.key, now)
        share = max(0, quota - seen) // nodes
        # If the share is too small for one request, one is admitted nevertheless.
        admitted = local + cost <= share or (local == 0 and seen + cost <= quota and quota // nodes < cost)
        rest = max(0, share - local - (cost if admitted else 0))
        waits = [self._backlog.frees_in(hit.key, now)]
        if cached is not None:
            waits.append((cached.leaves_at(at, 1) - at) / MICROSECONDS)
        known = [wait for wait in waits if wait is not None]
        return WindowStatus(admitted, rest, max(0.0, min(known, default=float(hit.limit.period_seconds))))
