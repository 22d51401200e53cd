"""Whether to ask Redis at all. No IO and no clock; times are monotonic seconds."""

from math import inf

MEMORY_SECONDS = 10.0
MOST_PROBES = 16


class Breaker:
    """Closed, it lets decisions through. A failure opens it, and probes that succeed close it again.

    One success is enough after a first failure, and `MOST_PROBES` in a row are needed after a further one
    within `MEMORY_SECONDS`, so that a store which answers only now and then does not make every other request
    wait.
    """

    def __init__(self) -> None:
        self._last_opening = -inf
        self._needed = 1
        self._missing = 0
        self.is_closed = True
        """Whether decisions may be asked for."""

    def failed(self, now: float) -> None:
        """The store did not answer in time, or refused to count."""
        if self.is_closed:
            self._needed = MOST_PROBES if now - self._last_opening <= MEMORY_SECONDS else 1
            self._last_opening = now
        self._missing = self._needed
        self.is_closed = False

    def succeeded(self) -> None:
        """The store answered a probe in time."""
        self._missing = max(0, self._missing - 1)
        self.is_closed = self._missing == 0
