"""Redis' time, also where it does not answer."""

import time
from collections.abc import Iterable
from dataclasses import replace
from statistics import median_low

from gateway.contract.records import RosterEntry
from subject.cluster.present_time import JUMP_SECONDS

OFF_SECONDS = 2.0
"""By more a node that has just answered has another time than Redis."""


class RedisClock:
    """Keeps by how much Redis is ahead of the monotonic clock of here."""

    def __init__(self) -> None:
        self._ahead_seconds: float | None = None
        self._is_told = False  # by Redis itself

    def learn(self, at: float) -> bool:
        """Redis has just said that it is `at`; whether its clock was put back since it last did."""
        self._is_told = True
        before, self._ahead_seconds = self._ahead_seconds, at - time.monotonic()
        return before is not None and self._ahead_seconds < before - JUMP_SECONDS

    def of_now(self, entry: RosterEntry, waited_seconds: float) -> RosterEntry:
        """What a node has answered within so many seconds, at the time that Redis had then.

        The node may not know that yet: it learns of a clock that was set by what it asks Redis for, and of
        Redis that is away by nothing.
        """
        if not self._is_told:
            return entry
        last, at = entry.last, self.now(())
        if at - waited_seconds - OFF_SECONDS <= last.at <= at + OFF_SECONDS:
            return entry
        later = at - waited_seconds / 2 - last.at
        of_now = replace(
            last,
            at=last.at + later,
            started_at=last.started_at + later,
            clock_skew_seconds=last.clock_skew_seconds - later,
        )
        return replace(entry, last=of_now)

    def now(self, told: Iterable[RosterEntry]) -> float:
        """By what Redis last said, else as most of these nodes have it, else the time of here."""
        if self._ahead_seconds is None:
            times = [entry.last.at for entry in told]
            if not times:
                return time.time()
            self._ahead_seconds = median_low(times) - time.monotonic()
        return time.monotonic() + self._ahead_seconds
