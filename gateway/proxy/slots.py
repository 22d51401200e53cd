"""Connection slots: bounds for the node and for each client address, and eviction of idle connections."""

from collections import Counter
from collections.abc import Callable
from enum import StrEnum

from gateway.access import TrustedProxies, address_of
from gateway.contract.client_id import address_id
from gateway.telemetry.counters import Counters

EVICTION_ATTEMPTS = 16
"""How many idle connections are tried for one new connection."""

TryEvict = Callable[[], bool | None]
"""Closes an idle connection. False where a request has just arrived, None where it was busy already."""


class OverloadReason(StrEnum):
    """Which bound leaves no slot for another connection."""

    NODE = "node"
    ADDRESS = "address"


class ConnectionSlot:
    """The slot of one connection. While the connection is idle it may be evicted."""

    __slots__ = ("_is_released", "_pool", "_source", "peer")

    def __init__(self, pool: "SlotPool", peer: str, source: str | None) -> None:
        """`peer` is the client's address; `source` is the id under which it is counted, if it is."""
        self.peer = peer
        self._pool = pool
        self._source = source
        self._is_released = False

    def mark_idle(self, try_evict: TryEvict) -> None:
        """From now on `try_evict` may be called, until `mark_busy` or a result of True or None."""
        self._pool.mark_idle(self, try_evict)

    def mark_busy(self) -> None:
        """The connection has a request and cannot be evicted."""
        self._pool.mark_busy(self)

    def release(self) -> None:
        """The connection is closed."""
        if not self._is_released:
            self._is_released = True
            self._pool.release(self, self._source)


class PeerCounts:
    """Connections of the node's other processes; this one is for a node of one process."""

    def count(self) -> int:
        """Connections in all."""
        return 0

    def count_of(self, source: str) -> int:
        """Connections of one source."""
        del source
        return 0

    def changed(self, source: str | None, more: int) -> None:
        """This process has `more` connections than before, of a source if it is counted."""


class SlotPool:
    """Slots of this process. The number in use is in the counters."""

    def __init__(
        self,
        counters: Counters,
        *,
        max_connections: int,
        max_per_address: int = 0,
        exempt: TrustedProxies | None = None,
        peers: PeerCounts | None = None,
    ) -> None:
        """The bounds hold for the whole node, all its processes together.

        `max_per_address` of 0 is no bound; an IPv6 /64 counts as one address. `exempt` proxies have no bound.
        """
        self._counters = counters
        self._max_connections = max_connections
        self._max_per_address = max_per_address
        self._exempt = exempt or TrustedProxies("")
        self._peers = peers or PeerCounts()
        self._by_source: Counter[str] = Counter()
        self._idle: dict[ConnectionSlot, TryEvict] = {}

    def acquire(self, peer: str) -> ConnectionSlot | OverloadReason:
        """A slot for a connection from the address `peer`, perhaps by evicting an idle connection."""
        source, peers = self._source(peer), self._peers
        peers.changed(source, 1)
        overload = self._overload(source)
        if overload is not None:
            peers.changed(source, -1)
            return overload
        self._counters.connections += 1
        if source is not None:
            self._by_source[source] += 1
        return ConnectionSlot(self, peer, source)

    def _overload(self, source: str | None) -> OverloadReason | None:
        peers = self._peers
        if source is not None and self._by_source[source] + peers.count_of(source) >= self._max_per_address:
            self._counters.shed_address += 1
            return OverloadReason.ADDRESS
        if self._counters.connections + peers.count() >= self._max_connections and not self._evict_one():
            self._counters.shed_node += 1
            return OverloadReason.NODE
        return None

    def mark_idle(self, slot: ConnectionSlot, try_evict: TryEvict) -> None:
        """See `ConnectionSlot.mark_idle`; the connection becomes the last in the order of eviction."""
        self._idle.pop(slot, None)
        self._idle[slot] = try_evict

    def mark_busy(self, slot: ConnectionSlot) -> None:
        """See `ConnectionSlot.mark_busy`."""
        self._idle.pop(slot, None)

    def release(self, slot: ConnectionSlot, source: str | None) -> None:
        """See `ConnectionSlot.release`."""
        self._idle.pop(slot, None)
        self._peers.changed(source, -1)
        self._counters.connections -= 1
        if source is not None:
            self._by_source[source] -= 1
            if not self._by_source[source]:
                del self._by_source[source]

    def _source(self, peer: str) -> str | None:
        if not self._max_per_address:
            return None
        address = address_of(peer)
        return None if address is None or address in self._exempt else address_id(address)

    def _evict_one(self) -> bool:
        """Evict the connection that has been idle longest; returns whether one was evicted."""
        attempts = 0
        while self._idle and attempts < EVICTION_ATTEMPTS:
            slot = next(iter(self._idle))
            evicted = self._idle.pop(slot)()
            if evicted:
                slot.release()
                self._counters.gave_way += 1
                return True
            attempts += evicted is not None
        return False
