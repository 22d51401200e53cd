"""Ways between simulated nodes and the simulated Redis, as long as ways were found to be."""

from bisect import bisect_right
from collections.abc import Sequence

from tests.model.network import Link, Network
from tests.model.world import World
from tests.simulation.server import PacedServer

QUANTILES = (0.0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)
CALM = (8, 10, 13, 16, 20, 26, 90, 2400, 4700)
"""Microseconds of one way between two processes, as `tests.simulation.ways` measured them."""
BUSY = (9, 14, 22, 30, 100, 3200, 9500, 18600, 41000)
"""The same while sixteen other processes wanted the machine's two processors: far beyond E of a second."""


class Ways:
    """One-way delays by their quantiles, in between by straight lines; `stretch` makes them all longer."""

    def __init__(self, microseconds: Sequence[float] = CALM, stretch: float = 1.0) -> None:
        self._microseconds = [each * stretch for each in microseconds]

    def drawn(self, chance: float) -> int:
        """The delay at a quantile."""
        place = min(bisect_right(QUANTILES, chance), len(QUANTILES) - 1)
        low, high = QUANTILES[place - 1], QUANTILES[place]
        begins, ends = self._microseconds[place - 1], self._microseconds[place]
        return int(begins + (ends - begins) * (chance - low) / (high - low))


class DrawnNetwork(Network):
    """Each message takes a way of its own, and none overtakes another on its connection."""

    def __init__(self, world: World, server: PacedServer, ways: Ways) -> None:
        super().__init__(world, server, split_chance=0.0)
        self._ways = ways
        self.counted_at: dict[bytes, int] = {}
        """Of the answer that is being read: when Redis counted for which key, in world microseconds."""

    def _delay(self, node: int, tick: int) -> int:
        del node, tick
        return self._ways.drawn(self._world.random.random())

    def answer(self, link: Link, tick: int, replies: bytes, counted_at: dict[bytes, int]) -> None:
        """The server writes what answers one pipeline."""
        self._send(link, link.down, tick, self._reach, link, replies, counted_at)

    def _reach(self, link: Link, replies: bytes, counted_at: dict[bytes, int]) -> None:
        link.loop.arrive(None, self._read, link, replies, counted_at)

    def _read(self, link: Link, replies: bytes, counted_at: dict[bytes, int]) -> None:
        transport = link.transport
        if transport is not None and not transport.is_closing():
            self.counted_at = counted_at
            transport.get_protocol().data_received(replies)  # type: ignore[attr-defined]  # it is the wire's
