"""A simulated Redis: one thread, its own clock, commands in order of arrival, and all that can befall it."""

from collections import Counter, deque
from typing import NamedTuple

import hiredis

from tests.model.loop import Stall
from tests.model.network import Link, Network
from tests.model.store import Command, Store
from tests.model.world import MICROSECONDS, World

_COMMAND_TICKS = 1
# Which commands an error strikes, by Redis' own flags: TIME is answered while it loads and by stale replicas,
# and only what can make memory grow is refused for want of it.
_COUNTING = frozenset({b"HINCRBY"})
_WRITES = _COUNTING | {b"HDEL", b"PEXPIRE"}
_DATA = _WRITES | {b"HGETALL", b"HMGET", b"HGET"}
REFUSALS: dict[str, tuple[bytes, frozenset[bytes]]] = {
    "OOM": (b"-OOM command not allowed when used memory > 'maxmemory'.\r\n", _COUNTING),
    "READONLY": (b"-READONLY You can't write against a read only replica.\r\n", _WRITES),
    "LOADING": (b"-LOADING Redis is loading the dataset in memory\r\n", _DATA),
    "MASTERDOWN": (b"-MASTERDOWN Link with MASTER is down\r\n", _DATA),
    "NOAUTH": (b"-NOAUTH Authentication required.\r\n", _DATA | {b"TIME", b"SELECT", b"PING"}),
}


class Executed(NamedTuple):
    """One command that the server has answered."""

    at: int  # microseconds of Redis' clock
    tick: int  # of the world
    epoch: int  # how often the server has lost this key before
    node: int
    link: int
    command: Command
    reply: bytes


class RedisServer:
    """Receives pieces of streams and answers them. `log` has every command in the order of execution."""

    def __init__(self, world: World, origin: int, drift_ppm: int, stalls: list[Stall]) -> None:
        """Its clock shows `origin` microseconds at world microsecond 0, and goes faster by `drift_ppm`.

        A stall with `reads` = n strikes right after the n-th command that follows its moment.
        """
        self.store = Store()
        self.epoch = 0
        self.evictions: Counter[bytes] = Counter()
        self.is_up = True
        self.refusal: str | None = None
        self.log: list[Executed] = []
        self.most_fields = 0
        self.well_since = 0  # world microsecond
        self.network: Network
        self._world = world
        self._origin = origin
        self._drift_ppm = drift_ppm
        self._stalls = deque(sorted(stalls, key=lambda stall: stall.at))
        self._busy_until = 0
        self._inbox: deque[tuple[Link, bytes]] = deque()
        self._is_scheduled = False
        self._readers: dict[Link, hiredis.Reader] = {}

    def time(self, tick: int) -> int:
        """Microseconds of its clock at a world microsecond."""
        return self._origin + tick + tick * self._drift_ppm // MICROSECONDS

    def receive(self, link: Link, data: bytes) -> None:
        """A piece of a stream arrives."""
        if self.is_up:
            self._inbox.append((link, data))
            self._schedule()

    def _schedule(self) -> None:
        if self._inbox and not self._is_scheduled:
            self._is_scheduled = True
            self._world.at(self._busy_until, self._serve)

    def _serve(self) -> None:
        self._is_scheduled = False
        if self._busy_until > self._world.now:
            self._schedule()
            return
        if not self._inbox:
            return
        link, data = self._inbox.popleft()
        reader = self._readers.get(link)
        if reader is None:
            reader = self._readers[link] = hiredis.Reader()
        reader.feed(data)
        tick = self._world.now
        replies: list[bytes] = []
        borders: list[int] = []
        while (command := reader.gets()) is not False:
            reply = self._execute(link, tuple(command), tick)
            if command[0] == b"TIME":
                borders.append(len(replies))
            elif borders and borders[-1] == len(replies) - 1:
                borders.pop()  # it began a batch, and ended none
            replies.append(reply)
            tick += _COMMAND_TICKS + self._stalled(tick)
        self._busy_until = tick
        if replies and not link.is_closed_at_server:
            self.network.to_node(link, tick, replies, borders)
        self._schedule()

    def _stalled(self, tick: int) -> int:
        if not self._stalls or self._stalls[0].at > tick:
            return 0
        stall = self._stalls[0]
        stall.reads -= 1
        if stall.reads > 0:
            return 0
        self._stalls.popleft()
        return stall.ticks

    def _execute(self, link: Link, command: Command, tick: int) -> bytes:
        at = self.time(tick)
        if self.refusal is not None and command[0] in REFUSALS[self.refusal][1]:
            reply = REFUSALS[self.refusal][0]
        else:
            reply = self.store.execute(command, at)
        epoch = self.epoch + (self.evictions[command[1]] if len(command) > 1 else 0)
        entry = Executed(at, tick, epoch, link.node, link.number, command, reply)
        self.log.append(entry)
        link.executed.append(entry)
        if command[0] == b"HINCRBY":
            fields = self.store.values.get(command[1])
            if isinstance(fields, dict):
                self.most_fields = max(self.most_fields, len(fields))
        return reply

    # What befalls it

    def pause(self, ticks: int) -> None:
        """Stand still between two commands for so long; what arrives meanwhile waits."""
        self._busy_until = max(self._busy_until, self._world.now) + ticks
        self.well_since = self._busy_until

    def lose_keys(self, *, all_of_them: bool) -> None:
        """Between two commands, as by FLUSHALL or by an eviction."""
        if self._busy_until > self._world.now:  # what it is in the midst of is done already, here
            self._world.at(self._busy_until, lambda: self.lose_keys(all_of_them=all_of_them))
        elif all_of_them:
            self.store.lose_all()
            self.epoch += 1
        elif self.store.values:
            key = self._world.random.choice(sorted(self.store.values))
            self.store.lose(key)
            self.evictions[key] += 1

    def stop(self, ticks: int, *, keeps_data: bool, tells: bool) -> None:
        """Be away for so long: as a process that ends (and tells its peers), or a host that loses power."""
        if self._busy_until > self._world.now:  # what it is in the midst of is done already, here
            self._world.at(self._busy_until, lambda: self.stop(ticks, keeps_data=keeps_data, tells=tells))
            return
        if not self.is_up:
            return
        self.is_up = False
        self._world.at(self._world.now + ticks, self._start)
        self._inbox.clear()
        self._readers.clear()
        for link in self.network.links:
            if tells:
                self.network.close_from_server(link, ConnectionResetError("simulated: server gone"))
            link.is_closed_at_server = True
        if not keeps_data:
            self.store.lose_all()
            self.epoch += 1

    def _start(self) -> None:
        self.is_up = True
        self.well_since = max(self.well_since, self._world.now)
