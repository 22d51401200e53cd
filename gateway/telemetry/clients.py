"""Which clients use this node: how many, how many of them new, the busiest and the most rejected."""

import heapq
from collections.abc import Iterable, Mapping

from gateway.contract.records import TOP_CLIENTS, ClientCount
from gateway.contract.sketches import add_clients

_TRACKED = 1000
_MAX_PENDING = 256  # so that no request waits for more than half a millisecond of folding
_MAX_DELTA_CLIENTS = 20_000
"""Further ones are not recorded by client while no process takes the deltas."""

_DECAY = 0.8
_FILTER_BYTES = 1 << 20
_FILTER_CLIENTS = 1 << 19
_BIT_MASK = 8 * _FILTER_BYTES - 1

Units = Mapping[str, int]
"""By client."""


class ClientActivity:
    """Requests and rejections by client.

    `count` only updates dictionaries; the statistics are updated for many requests at a time.
    """

    def __init__(self) -> None:
        self._requests: dict[str, int] = {}
        self._refusals: dict[str, int] = {}
        self._busiest = SpaceSaving(_TRACKED)
        self._most_refused = SpaceSaving(_TRACKED)
        self._first_seen = FirstSeen()
        self._sketch: tuple[str, ...] = ()

    def count(self, client: str, *, refused: bool) -> None:
        """Count a request of an identified client."""
        self._requests[client] = self._requests.get(client, 0) + 1
        if refused:
            self._refusals[client] = self._refusals.get(client, 0) + 1
        if len(self._requests) > _MAX_PENDING:
            self._fold()

    def add(self, requests: Units, refusals: Units) -> None:
        """Add the counts of another process."""
        self._sketch = add_clients(self._sketch, self._first_seen.take_new(requests))
        self._busiest.add_all(requests)
        self._most_refused.add_all(refusals)

    def tick(self) -> None:
        """Call once a second."""
        self._busiest.decay()
        self._most_refused.decay()
        self._fold()

    def _fold(self) -> None:
        self.add(self._requests, self._refusals)
        self._requests.clear()
        self._refusals.clear()

    @property
    def sketch(self) -> tuple[str, ...]:
        """For the number of different clients: see `gateway.contract.sketches`."""
        return self._sketch

    @property
    def new(self) -> int:
        """Clients seen for the first time, see `FirstSeen`."""
        return self._first_seen.total

    @property
    def busiest(self) -> tuple[ClientCount, ...]:
        """By requests."""
        return self._busiest.top(TOP_CLIENTS)

    @property
    def most_refused(self) -> tuple[ClientCount, ...]:
        """By rejected requests."""
        return self._most_refused.top(TOP_CLIENTS)


class ClientDeltas(ClientActivity):
    """Counts of a worker, kept until they are taken for the process that has the node's statistics."""

    def count(self, client: str, *, refused: bool) -> None:
        """Count a request of an identified client."""
        if client in self._requests or len(self._requests) < _MAX_DELTA_CLIENTS:
            self._requests[client] = self._requests.get(client, 0) + 1
            if refused:
                self._refusals[client] = self._refusals.get(client, 0) + 1

    def take(self) -> tuple[Units, Units]:
        """Requests and rejections since the last call."""
        taken = self._requests, self._refusals
        self._requests, self._refusals = {}, {}
        return taken


class _Entry:
    __slots__ = ("error", "recent", "units")

    def __init__(self, floor: int) -> None:
        self.units = self.error = floor
        self.recent = 0.0


class SpaceSaving:
    """Heaviest clients in bounded space: weighted Space-Saving (Metwally, Agrawal, El Abbadi 2005).

    Counts at most `capacity` clients; an evicted client's units become the error of the one that replaces
    it. `top` ranks by recent units, which decay by a fifth a second, so that a client that has just become
    heavy is listed at once; the published count is cumulative.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: dict[str, _Entry] = {}
        # Clients by a lower bound of their units, which is corrected when it is the smallest. Takes half the
        # time of a heap of clients, compiled a quarter: few bounds are compared, and as numbers.
        self._by_bound: dict[int, list[str]] = {}
        self._bounds: list[int] = []  # the keys, as a heap

    def decay(self) -> None:
        """Call once a second."""
        for entry in self._entries.values():
            entry.recent *= _DECAY

    def add_all(self, units_by_client: Units) -> None:
        """Count units of several clients."""
        for client, units in units_by_client.items():
            self._add(client, units)

    def _add(self, client: str, units: int) -> None:
        entry = self._entries.get(client)
        if entry is None:
            floor = self._evict_smallest() if len(self._entries) >= self._capacity else 0
            entry = self._entries[client] = _Entry(floor)
            self._insert(client, floor + units)
        entry.units += units
        entry.recent += units

    def _evict_smallest(self) -> int:
        """Evict a client with the fewest units; returns these."""
        while True:
            bound = self._bounds[0]
            clients = self._by_bound[bound]
            if not clients:
                heapq.heappop(self._bounds)
                del self._by_bound[bound]
                continue
            client = clients.pop()
            units = self._entries[client].units
            if units == bound:
                del self._entries[client]
                return units
            self._insert(client, units)

    def _insert(self, client: str, bound: int) -> None:
        clients = self._by_bound.get(bound)
        if clients is None:
            clients = self._by_bound[bound] = []
            heapq.heappush(self._bounds, bound)
        clients.append(client)

    def top(self, size: int) -> tuple[ClientCount, ...]:
        """The `size` clients with the most recent units, heaviest first."""
        heaviest = heapq.nlargest(
            size, self._entries.items(), key=lambda item: (item[1].recent, item[1].units)
        )
        return tuple(ClientCount(client, entry.units, entry.error) for client, entry in heaviest)


class FirstSeen:
    """Detects clients seen for the first time: two Bloom filters (Bloom 1970), the older one is discarded.

    A filter of 2²³ bits, of which each client takes three, is full with 2¹⁹ clients: then one in two hundred
    new clients passes for a known one. It becomes the older one, and an empty one is begun. So half a million
    to a million clients are remembered in two megabytes, of which only touched pages are used.
    """

    def __init__(self) -> None:
        self._filter = bytearray(_FILTER_BYTES)
        self._older = bytearray(_FILTER_BYTES)
        self._clients = 0
        self._total = 0

    @property
    def total(self) -> int:
        """New clients so far."""
        return self._total

    def take_new(self, clients: Iterable[str]) -> list[str]:
        """The new ones among these; all are known from now on."""
        found = [client for client in clients if self._is_new(client)]
        self._total += len(found)
        return found

    def _is_new(self, client: str) -> bool:
        value = hash(client)
        bits = (value & _BIT_MASK, value >> 20 & _BIT_MASK, value >> 40 & _BIT_MASK)
        if _contains(self._filter, bits):
            return False
        if self._clients >= _FILTER_CLIENTS:
            self._filter, self._older = bytearray(_FILTER_BYTES), self._filter
            self._clients = 0
        for bit in bits:
            self._filter[bit >> 3] |= 1 << (bit & 7)
        self._clients += 1
        return not _contains(self._older, bits)


def _contains(content: bytearray, bits: tuple[int, int, int]) -> bool:
    first, second, third = bits
    return bool(
        content[first >> 3] >> (first & 7)
        & content[second >> 3] >> (second & 7)
        & content[third >> 3] >> (third & 7)
        & 1
    )
