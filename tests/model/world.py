"""Simulated time: events by their microsecond, those of one microsecond in the order they were made."""

import heapq
from collections.abc import Callable
from random import Random
from typing import Any

MICROSECONDS = 1_000_000


class World:
    """Everything that happens, on one line of time. `now` is in microseconds, and no clock shows it."""

    def __init__(self, seed: int) -> None:
        self.now = 0
        self.random = Random(seed)
        self.failures: list[str] = []
        self._events: list[tuple[int, int, Callable[..., object], tuple[Any, ...]]] = []
        self._made = 0

    def at(self, moment: int, action: Callable[..., object], *args: object) -> None:
        """Let `action` happen at `moment`, or now if that is past."""
        self._made += 1
        heapq.heappush(self._events, (max(moment, self.now), self._made, action, args))

    def run(self, until: int) -> None:
        """Let everything happen that does before `until`."""
        events = self._events
        while events and events[0][0] < until:
            self.now, _, action, args = heapq.heappop(events)
            action(*args)
        self.now = until
