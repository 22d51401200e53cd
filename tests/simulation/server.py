"""A simulated Redis that takes its time: what waits for it waits the longer, the more there is to do.

Like the real one it has a single thread, and in each turn reads all connections on which something has come,
executes that in order, and only then writes the answers.
"""

from collections import Counter, deque
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, cast

import hiredis

from tests.model.network import Link
from tests.model.redis import RedisServer
from tests.model.store import Command
from tests.model.world import World

if TYPE_CHECKING:
    from tests.simulation.network import DrawnNetwork


@dataclass(frozen=True)
class Costs:
    """Microseconds of Redis' processor, rounded from what `tests.simulation.ceiling` measured where little
    else ran."""

    pipeline: float = 2.5
    """To read one from its connection, and to write what is answered."""
    command: float = 0.5
    field: float = 0.07
    """Of a hash that is read whole."""

    def decision(self, at_once: int = 1) -> float:
        """Of a client that the node knows, where so many share a pipeline: three commands, and TIME twice."""
        return self.command * 3 + (self.pipeline + 2 * self.command) / at_once


class PacedServer(RedisServer):
    """Counts what it does. `busy_us` is what it has spent."""

    def __init__(self, world: World, origin: int, costs: Costs) -> None:
        """Its clock shows `origin` microseconds at world microsecond 0."""
        super().__init__(world, origin, 0, [])
        self.costs = costs
        self.busy_us = 0.0
        self.commands: Counter[bytes] = Counter()

    def charge(self, microseconds: float) -> None:
        """Do something else for so long, as soon as may be."""
        self.busy_us += microseconds
        self._busy_until = max(self._busy_until, self._world.now) + round(microseconds)

    def _serve(self) -> None:
        self._is_scheduled = False
        if self._busy_until > self._world.now:
            self._schedule()
            return
        arrived, self._inbox = self._inbox, deque()
        network = cast("DrawnNetwork", self.network)
        began = self._world.now
        tick = float(began)
        answers: list[tuple[Link, bytes, dict[bytes, int]]] = []
        for link, data in arrived:
            tick = self._pipeline(link, data, tick, answers)
        self.busy_us += tick - began
        self._busy_until = ceil(tick)
        for link, replies, counted_at in answers:
            network.answer(link, self._busy_until, replies, counted_at)
        self._schedule()

    def _pipeline(
        self, link: Link, data: bytes, tick: float, answers: list[tuple[Link, bytes, dict[bytes, int]]]
    ) -> float:
        """One read of a connection; the microsecond at which it is done."""
        costs, execute = self.costs, self.store.execute
        reader = self._readers.get(link)
        if reader is None:
            reader = self._readers[link] = hiredis.Reader()
        reader.feed(data)
        tick += costs.pipeline
        replies: list[bytes] = []
        counted_at: dict[bytes, int] = {}
        while (words := reader.gets()) is not False:
            command: Command = tuple(words)
            name = command[0]
            self.commands[name] += 1
            if name == b"HINCRBY":
                counted_at[command[1]] = int(tick)
            elif name == b"HGETALL":
                tick += costs.field * len(self.store.values.get(command[1], ()))
            replies.append(execute(command, self._origin + int(tick)))
            tick += costs.command
        answers.append((link, b"".join(replies), counted_at))
        return tick
