"""Connections between simulated nodes and the simulated Redis: ordered streams that take their time."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tests.model.loop import Cause, NodeLoop
from tests.model.world import World

if TYPE_CHECKING:
    from tests.model.redis import Executed, RedisServer

_JOIN_CHANCE = 0.3


@dataclass(frozen=True, slots=True)
class Weather:
    """From `start` to `end` (world µs) a share `chance` of a node's messages takes from `low` to `high`."""

    start: int
    end: int
    low: int
    high: int
    chance: float = 1.0


@dataclass(slots=True)
class Pipe:
    """One direction of a connection. Where it is dead nothing more comes out, also what is in it."""

    free_at: int = 0
    is_dead: bool = False


@dataclass(eq=False)
class Link:
    """One TCP connection, as both ends see it."""

    number: int
    node: int
    loop: NodeLoop
    up: Pipe = field(default_factory=Pipe)
    down: Pipe = field(default_factory=Pipe)
    transport: "LinkTransport | None" = None
    is_closed_at_server: bool = False
    executed: "list[Executed]" = field(default_factory=list)
    delivered: list[tuple[int, int]] = field(default_factory=list)  # at the node's world µs, so many replies
    lost_at: int | None = None  # world microsecond at which the node's end went


class Network:
    """Makes links for one node after another, and decides how long each message takes."""

    def __init__(self, world: World, server: "RedisServer", split_chance: float = 0.04) -> None:
        """`split_chance`: that what is written at once arrives in two pieces."""
        self._world = world
        self._split_chance = split_chance
        self._server = server
        self.links: list[Link] = []
        self.weather: dict[int, list[Weather]] = {}
        self.nodes: dict[NodeLoop, int] = {}
        self.partitioned: dict[int, int] = {}  # node: until this world microsecond nobody answers it

    async def connect(self, loop: NodeLoop, factory: Callable[[], asyncio.Protocol]) -> Any:
        """What `create_connection` does: a transport and a protocol, or an OSError.

        Raises:
            ConnectionRefusedError: nobody listens there.
        """
        link = Link(len(self.links), self.nodes[loop], loop)
        self.links.append(link)
        established: asyncio.Future[Any] = loop.create_future()
        if not self.is_cut_off(link.node, loop.tick):
            self._send(link, link.up, loop.tick, self._arrive_at_listener, link, factory, established)
        try:
            return await established
        except asyncio.CancelledError:
            self.close(link)
            raise

    def is_cut_off(self, node: int, tick: int) -> bool:
        """Whether a new connection of this node would find nobody."""
        return tick < self.partitioned.get(node, 0)

    def _arrive_at_listener(
        self, link: Link, factory: Callable[[], asyncio.Protocol], established: asyncio.Future[Any]
    ) -> None:
        self._send(
            link, link.down, self._world.now, self._answer, link, factory, established, self._server.is_up
        )

    def _answer(
        self,
        link: Link,
        factory: Callable[[], asyncio.Protocol],
        established: asyncio.Future[Any],
        is_up: bool,
    ) -> None:
        link.loop.arrive(None, self._establish, link, factory, established, is_up)

    def _establish(
        self,
        link: Link,
        factory: Callable[[], asyncio.Protocol],
        established: asyncio.Future[Any],
        is_up: bool,
    ) -> None:
        if established.done():
            return
        if not is_up:
            established.set_exception(ConnectionRefusedError("simulated: nobody listens"))
            return
        protocol = factory()
        link.transport = LinkTransport(self, link, protocol)
        protocol.connection_made(link.transport)
        established.set_result((link.transport, protocol))

    # Bytes

    def _send(self, link: Link, pipe: Pipe, tick: int, action: Callable[..., object], *args: object) -> None:
        pipe.free_at = max(pipe.free_at, tick + self._delay(link.node, tick))
        self._world.at(pipe.free_at, action, *args)

    def _delay(self, node: int, tick: int) -> int:
        random = self._world.random
        for weather in self.weather.get(node, ()):
            if weather.start <= tick < weather.end and random.random() < weather.chance:
                return random.randrange(weather.low, weather.high)
        return 20 + int(random.random() * random.random() * 400)

    def to_server(self, link: Link, data: bytes) -> None:
        """The node writes, at its own time."""
        if link.loop.is_dead:
            return
        cuts = [0, len(data)]
        if len(data) > 1 and self._world.random.random() < self._split_chance:
            cuts.insert(1, self._world.random.randrange(1, len(data)))
        for start, end in pairwise(cuts):
            self._send(link, link.up, link.loop.tick, self._reach_server, link, data[start:end])

    def _reach_server(self, link: Link, data: bytes) -> None:
        if not (link.up.is_dead or link.is_closed_at_server):
            self._server.receive(link, data)

    def to_node(self, link: Link, tick: int, replies: Sequence[bytes], borders: Sequence[int]) -> None:
        """The server writes `replies`, the last of those executed on this link.

        `borders` are positions in `replies` at which a batch ends. Some pieces are cut again, anywhere.
        """
        done = len(link.executed) - len(replies)
        for start, end in self._pieces(link.executed[done:], borders):
            piece = b"".join(replies[start:end])
            if len(piece) > 1 and self._world.random.random() < self._split_chance:
                cut = self._world.random.randrange(1, len(piece))
                whole, length = start, 0
                while length + len(replies[whole]) <= cut:
                    length += len(replies[whole])
                    whole += 1
                self._send(link, link.down, tick, self._reach_node, link, piece[:cut], done + whole)
                piece = piece[cut:]
            self._send(link, link.down, tick, self._reach_node, link, piece, done + end)

    def _pieces(self, executed: "list[Executed]", borders: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Cut where batches end, so that what a piece brings about can be told.

        Some that ask about different keys stay together.
        """
        first = start = 0
        keys: set[bytes] = set()
        for border in [*borders, len(executed) - 1]:
            if border < start:
                continue
            more = {each.command[1] for each in executed[start : border + 1] if each.command[0] == b"HINCRBY"}
            if start > first and (keys & more or self._world.random.random() > _JOIN_CHANCE):
                yield first, start
                first, keys = start, set()
            keys |= more
            start = border + 1
        yield first, start

    def _reach_node(self, link: Link, data: bytes, replies: int) -> None:
        if link.transport is not None and not link.down.is_dead:
            link.loop.arrive(Cause(link.number, replies), link.transport.receive, data, replies)

    # Ends

    def close(self, link: Link) -> None:
        """The node's end is closed in order: the server hears of it after all that was sent before."""
        self._send(link, link.up, link.loop.tick, self._closed_by_node, link)

    def _closed_by_node(self, link: Link) -> None:
        if not link.up.is_dead:
            link.is_closed_at_server = True

    def close_from_server(self, link: Link, error: OSError | None) -> None:
        """The server's end is gone, and tells (a killed process does; a host without power does not)."""
        if not link.is_closed_at_server:
            link.is_closed_at_server = True
            self._send(link, link.down, self._world.now, self._lose, link, error)

    def _lose(self, link: Link, error: OSError | None) -> None:
        if link.transport is not None and not link.down.is_dead:
            link.loop.arrive(None, link.transport.lose, error)

    def cut(self, link: Link, node_after: int, server_after: int) -> None:
        """Something between resets the connection: replies under way are lost, each end hears in its time.

        Until then the server goes on executing what reaches it.
        """
        link.down.is_dead = True
        if link.transport is not None:
            reset = ConnectionResetError("simulated: reset")
            self._world.at(self._world.now + node_after, link.loop.arrive, None, link.transport.lose, reset)
        self._world.at(self._world.now + server_after, self._closed_by_node, link)


class _Socket:
    """Takes options; there is no kernel to heed them."""

    def setsockopt(self, *_: int) -> None:
        """Do nothing."""


class LinkTransport(asyncio.Transport):
    """The node's end of a link."""

    def __init__(self, network: Network, link: Link, protocol: asyncio.Protocol) -> None:
        super().__init__({"socket": _Socket()})
        self._network = network
        self._link = link
        self._protocol: Any = protocol
        self._is_closing = False
        self._is_lost = False

    def receive(self, data: bytes, replies: int) -> None:
        """A piece of the stream reaches the process."""
        if not self._is_closing:
            self._link.delivered.append((self._link.loop.tick, replies))
            self._protocol.data_received(data)

    def lose(self, error: Exception | None) -> None:
        """The connection is gone."""
        self._is_closing = True
        if not self._is_lost:
            self._is_lost = True
            self._link.lost_at = self._link.loop.tick
            self._protocol.connection_lost(error)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send, at the node's time."""
        if not self._is_closing and data:
            self._network.to_server(self._link, bytes(data))

    def close(self) -> None:
        """Close in order; the protocol hears of it in the next turn."""
        if not self._is_closing and not self._link.loop.is_dead:
            self._is_closing = True
            self._network.close(self._link)
            self._link.loop.call_soon(self.lose, None)

    abort = close

    def is_closing(self) -> bool:
        """Whether it is closed or about to be."""
        return self._is_closing

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who hears of what arrives."""
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Let another hear of it."""
        self._protocol = protocol

    def get_write_buffer_size(self) -> int:
        """Everything is with the network at once."""
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is no buffer."""

    def pause_reading(self) -> None:
        """Not simulated: the limiter reads all that comes."""
        raise NotImplementedError
