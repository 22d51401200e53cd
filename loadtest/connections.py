"""How many connections a load takes at the moment: what locust calls users, of whom each has one."""

from dataclasses import dataclass
from math import ceil

LEAST = 8
RESERVE_SECONDS = 0.3
"""Of the load: so many requests can be due at once, or wait for slow answers, before the next look."""

SHRINK_SECONDS = 10.0
"""What was needed in this time stays: an end of users waits for what they are at."""


@dataclass(slots=True)
class Connections:
    """Follows a load; no more than `most`."""

    most: int
    count: int = LEAST
    _enough_since: float | None = None

    def needed(self, rate_per_second: float, under_way: int, waiting: int, now: float) -> int:
        """How many from now on: for requests that are `under_way`, that are `waiting` for a connection, and a
        reserve. `now` by any clock."""
        wanted = ceil(RESERVE_SECONDS * rate_per_second) + under_way + waiting
        wanted = min(self.most, max(LEAST, wanted))
        if wanted >= self.count:
            self.count, self._enough_since = wanted, None
        elif wanted > self.count / 2:
            self._enough_since = None
        elif self._enough_since is None:
            self._enough_since = now
        elif now - self._enough_since >= SHRINK_SECONDS:
            self.count, self._enough_since = wanted, None
        return self.count
