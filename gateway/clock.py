"""The border to the clocks: the node's own monotonic one, and Redis' as far as this node knows it."""

import time
from collections import deque
from collections.abc import Callable

from gateway.contract.window import MICROSECONDS

_SAMPLES = 5
_RECENT = 64
_SET = 10_000
"""By so many microseconds a clock that nobody sets and what was measured of it do not disagree."""


monotonic = time.monotonic
"""Seconds on a clock that never steps. Not `loop.time()`: uvloop's stands still within a turn."""

wall = time.time
"""Seconds since 1970 by this node's own clock, which may step."""


class RedisClock:
    """Predicts, from what was seen, when Redis will execute a command that is sent now.

    Each batch tells how far Redis' clock was ahead of this node's monotonic clock at sending, when Redis
    executed it: offset and way together, the lead. The median of the last five leads follows a change
    within three batches, and a single late one does not disturb it. The least of the last 64 is the offset
    with the shortest way, which no late batch disturbs: it tells what time it is now. A batch whose reply
    was there before it could be, by that time, tells that Redis' clock was set forward: all is learned anew.
    """

    def __init__(self, wall_ns: Callable[[], int] = time.time_ns) -> None:
        """`wall_ns` tells nanoseconds since 1970 by this node's own clock."""
        self._wall_ns = wall_ns
        self._leads: deque[int] = deque(maxlen=_SAMPLES)
        self._recent: deque[int] = deque(maxlen=_RECENT)
        self._lead = 0
        self._least = 0

    def forget(self) -> None:
        """Another connection may lead to another server: start anew."""
        self._leads.clear()
        self._recent.clear()

    @property
    def knows(self) -> bool:
        """Whether it has learned anything from this connection."""
        return bool(self._leads)

    def learn(self, sent: float, executed: int, received: float) -> None:
        """A command was executed at this Redis microsecond, between these monotonic seconds."""
        lead = executed - int(sent * MICROSECONDS)
        if self._recent and executed - int(received * MICROSECONDS) > self._least + _SET:
            self.forget()
        self._leads.append(lead)
        self._lead = sorted(self._leads)[len(self._leads) // 2]
        recent = self._recent
        forgotten = recent[0] if len(recent) == _RECENT else None
        recent.append(lead)
        if len(recent) == 1 or lead < self._least:
            self._least = lead
        elif forgotten == self._least:
            self._least = min(recent)

    def stamp(self, now: float) -> int:
        """The Redis time, in microseconds, at which a command sent at monotonic `now` will be executed."""
        return int(now * MICROSECONDS) + self._lead

    def time(self, now: float) -> int:
        """Redis' time at monotonic `now`, ahead by the shortest way; the wall's where that is unknown."""
        if not self._leads and not self._lead:
            return self._wall_ns() // 1000
        return int(now * MICROSECONDS) + self._least

    def seconds(self, now: float) -> float:
        """The same in seconds since 1970."""
        return self.time(now) / MICROSECONDS
