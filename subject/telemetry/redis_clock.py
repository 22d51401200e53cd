"""Redis' time, also where it does not answer."""

import time
from collections.abc import Iterable
from statistics import median_low

from gateway.contract.roster import RosterEntry

PUT_BACK_SECONDS = 1.0


class RedisClock:
    """Keeps by how much Redis is ahead of the monotonic clock of here."""

    def __init__(self) -> None:
        self._ahead_seconds: float | None = None

    def learn(self, at: float) -> bool:
        """Redis has just said that it is `at`; whether its clock was put back since it last did."""
        before, self._ahead_seconds = self._ahead_seconds, at - time.monotonic()
        return before is not None and self._ahead_seconds < before - PUT_BACK_SECONDS

    def now(self, told: Iterable[RosterEntry]) -> float:
        """By what Redis last said, else as most of these nodes have it, else the time of here."""
        if self._ahead_seconds is None:
            times = [entry.last.at for entry in told]
            if not times:
                return time.time()
            self._ahead_seconds = median_low(times) - time.monotonic()
        return time.monotonic() + self._ahead_seconds
