"""The heaviest clients in bounded space: Space-Saving (Metwally, Agrawal, El Abbadi 2005), weighted."""

import heapq
from collections.abc import Mapping

from gateway.contract.telemetry import ClientCount

_DECAY = 0.8


class _Entry:
    __slots__ = ("error", "recent", "units")

    def __init__(self, floor: int) -> None:
        self.units = self.error = floor
        self.recent = 0.0


class SpaceSaving:
    """Counts units by client for at most `capacity` clients; what it forgets, it knows as the others' error.

    `top` ranks by recent units, which `fade` each second by a fifth, so that a client that has just become
    heavy shows at once; its cumulative count is what is published.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: dict[str, _Entry] = {}
        # The smallest entry, lazily: an item whose count is out of date is put back when it comes up.
        self._heap: list[tuple[int, str]] = []

    def fade(self) -> None:
        """A second is over."""
        for entry in self._entries.values():
            entry.recent *= _DECAY

    def add_all(self, units_by_client: Mapping[str, int]) -> None:
        """Count some units."""
        for client, units in units_by_client.items():
            self._add(client, units)

    def _add(self, client: str, units: int) -> None:
        entry = self._entries.get(client)
        if entry is None:
            floor = self._evict_smallest() if len(self._entries) >= self._capacity else 0
            entry = self._entries[client] = _Entry(floor)
            heapq.heappush(self._heap, (floor + units, client))
        entry.units += units
        entry.recent += units

    def _evict_smallest(self) -> int:
        while True:
            units, client = self._heap[0]
            current = self._entries[client].units
            if current == units:
                heapq.heappop(self._heap)
                del self._entries[client]
                return units
            heapq.heapreplace(self._heap, (current, client))

    def top(self, size: int) -> tuple[ClientCount, ...]:
        """The `size` clients with the most recent units, heaviest first."""
        heaviest = heapq.nlargest(
            size, self._entries.items(), key=lambda item: (item[1].recent, item[1].units)
        )
        return tuple(ClientCount(client, entry.units, entry.error) for client, entry in heaviest)
