"""Whether to ask Redis at all. No IO and no clock; times are monotonic seconds."""

from collections import deque

MEMORY_SECONDS = 10.0
MOST_PROBES = 16
_GROWTH = 4
_OPENINGS = 3  # from the third on it is MOST_PROBES


class Breaker:
    """Closed, it lets decisions through. A failure opens it, and probes that succeed close it again.

    One success is enough after a first failure. Each further one within `MEMORY_SECONDS` asks for four times
    as many in a row, up to `MOST_PROBES`, so that a store which answers only now and then does not make every
    other request wait.
    """

    def __init__(self) -> None:
        self._openings: deque[float] = deque(maxlen=_OPENINGS)
        self._missing = 0

    @property
    def is_closed(self) -> bool:
        """Whether decisions may be asked for."""
        return self._missing == 0

    @property
    def may_close(self) -> bool:
        """Whether one more probe that succeeds will close it."""
        return self._missing <= 1

    def failed(self, now: float) -> None:
        """The store did not answer in time, or refused to count."""
        if self.is_closed:
            while self._openings and now - self._openings[0] > MEMORY_SECONDS:
                self._openings.popleft()
            self._openings.append(now)
        self._missing = min(MOST_PROBES, _GROWTH ** (len(self._openings) - 1))

    def succeeded(self) -> None:
        """The store answered a probe in time."""
        self._missing = max(0, self._missing - 1)
