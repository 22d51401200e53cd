"""The heaviest clients in bounded space: Space-Saving (Metwally, Agrawal, El Abbadi 2005), weighted."""

import heapq
from collections.abc import Mapping

from gateway.contract.records import ClientCount

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
        # Each client waits where its units put it, and moves on when it comes up, if it has more by now.
        # Half as long as with a heap of clients, compiled a quarter: few places are compared, and as numbers.
        self._waiting: dict[int, list[str]] = {}
        self._places: list[int] = []  # of those who wait, as a heap

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
            self._wait(client, floor + units)
        entry.units += units
        entry.recent += units

    def _evict_smallest(self) -> int:
        while True:
            place = self._places[0]
            waiting = self._waiting[place]
            if not waiting:
                heapq.heappop(self._places)
                del self._waiting[place]
                continue
            client = waiting.pop()
            units = self._entries[client].units
            if units == place:
                del self._entries[client]
                return units
            self._wait(client, units)

    def _wait(self, client: str, place: int) -> None:
        waiting = self._waiting.get(place)
        if waiting is None:
            waiting = self._waiting[place] = []
            heapq.heappush(self._places, place)
        waiting.append(client)

    def top(self, size: int) -> tuple[ClientCount, ...]:
        """The `size` clients with the most recent units, heaviest first."""
        heaviest = heapq.nlargest(
            size, self._entries.items(), key=lambda item: (item[1].recent, item[1].units)
        )
        return tuple(ClientCount(client, entry.units, entry.error) for client, entry in heaviest)
