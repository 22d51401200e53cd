"""How many clients may be connected, in all and from one address, and who gives way to others. No IO."""

from collections import Counter
from collections.abc import Callable
from enum import StrEnum

from gateway.access import TrustedProxies, address_of
from gateway.contract.client_id import address_id
from gateway.telemetry.counters import Counters

LOOKS = 16
"""How many of those that wait are asked to give way for one that comes."""

GiveWay = Callable[[], bool | None]


class Full(StrEnum):
    """Where there is no place for another connection."""

    NODE = "node"
    ADDRESS = "address"


class Place:
    """One connection's. It works, or it waits for a request, and then it may have to give way."""

    __slots__ = ("_connections", "_has_left", "_source", "peer")

    def __init__(self, connections: "Connections", peer: str, source: str | None) -> None:
        """`peer` is its address, and `source` the one that is counted, if it is."""
        self.peer = peer
        self._connections = connections
        self._source = source
        self._has_left = False

    def waits(self, give_way: GiveWay) -> None:
        """It may be closed by `give_way`, which says whether it is: something may have come just then.

        None says that it works, of which it need not tell by `works`.
        """
        self._connections.waits(self, give_way)

    def works(self) -> None:
        """It may not be closed."""
        self._connections.works(self)

    def leave(self) -> None:
        """The connection is over."""
        if not self._has_left:
            self._has_left = True
            self._connections.left(self, self._source)


class Elsewhere:
    """Connections that other processes of the node have: none."""

    def count(self) -> int:
        """How many."""
        return 0

    def count_of(self, source: str) -> int:
        """How many of an address."""
        del source
        return 0

    def changed(self, source: str | None, more: int) -> None:
        """This process has so many more, of an address if that is counted."""


class Connections:
    """All that clients have with this process of a node. Its number is in the counters."""

    def __init__(
        self,
        counters: Counters,
        *,
        most: int,
        most_of_an_address: int = 0,
        exempt: TrustedProxies | None = None,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        """The bounds are those of the whole node.

        0 of an address is any number; of IPv6 a /64 is one. Proxies that are `exempt` have no bound.
        """
        self._counters = counters
        self._most = most
        self._most_of_an_address = most_of_an_address
        self._exempt = exempt or TrustedProxies("")
        self._elsewhere = elsewhere or Elsewhere()
        self._by_source: Counter[str] = Counter()
        self._waiting: dict[Place, GiveWay] = {}

    def take(self, peer: str) -> Place | Full:
        """A place for a connection from an address, if there is one, or if another gives way."""
        source, elsewhere = self._source(peer), self._elsewhere
        elsewhere.changed(source, 1)
        full = self._full(source)
        if full is not None:
            elsewhere.changed(source, -1)
            return full
        self._counters.connections += 1
        if source is not None:
            self._by_source[source] += 1
        return Place(self, peer, source)

    def _full(self, source: str | None) -> Full | None:
        elsewhere = self._elsewhere
        if (
            source is not None
            and self._by_source[source] + elsewhere.count_of(source) >= self._most_of_an_address
        ):
            self._counters.shed_address += 1
            return Full.ADDRESS
        if self._counters.connections + elsewhere.count() >= self._most and not self._make_room():
            self._counters.shed_node += 1
            return Full.NODE
        return None

    def waits(self, place: Place, give_way: GiveWay) -> None:
        """As `Place.waits`; it goes to the end of those who do."""
        self._waiting.pop(place, None)
        self._waiting[place] = give_way

    def works(self, place: Place) -> None:
        """As `Place.works`."""
        self._waiting.pop(place, None)

    def left(self, place: Place, source: str | None) -> None:
        """One is over."""
        self._waiting.pop(place, None)
        self._elsewhere.changed(source, -1)
        self._counters.connections -= 1
        if source is not None:
            self._by_source[source] -= 1
            if not self._by_source[source]:
                del self._by_source[source]

    def _source(self, peer: str) -> str | None:
        if not self._most_of_an_address:
            return None
        address = address_of(peer)
        return None if address is None or address in self._exempt else address_id(address)

    def _make_room(self) -> bool:
        """Whether one of those who have waited longest gives way."""
        looks = 0
        while self._waiting and looks < LOOKS:
            place = next(iter(self._waiting))
            gives_way = self._waiting.pop(place)()
            if gives_way:
                place.leave()
                self._counters.gave_way += 1
                return True
            looks += gives_way is not None
        return False
