"""A TCP proxy that delays what passes, each way, by a time that can be changed while it runs.

Bytes stay in order and none is lost; many can be under way at once, so the delay costs no throughput. An
end of one direction, and a reset, pass on as such, as late as the bytes do. Where only a share of them is
late, what follows waits behind it, as it does behind a packet that TCP has to send again.
"""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from random import Random
from typing import cast

UNDER_WAY_BYTES = 64 * 1024 * 1024
"""What one direction of a connection may hold before its sender has to wait."""

_RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, for no time: closing sends RST


class _Signal(Enum):
    END = auto()  # nothing more comes this way
    RESET = auto()


@dataclass(slots=True)
class DelayProxy:
    """A running proxy. Set its delays at any time: they hold for what arrives from then on.

    `delay_seconds` holds for all, each way. Of what clients send, `late_share` comes `late_seconds` later
    still; which pieces that befalls is drawn from `random`.
    """

    port: int = 0
    delay_seconds: float = 0.0
    late_seconds: float = 0.0
    late_share: float = 0.0
    random: Random = field(default_factory=Random)
    sides: set["_Side"] = field(default_factory=set)


@asynccontextmanager
async def running(host: str, port: int) -> AsyncIterator[DelayProxy]:
    """A proxy to `host`:`port` on a free port of the loopback address, while the context lasts."""
    proxy = DelayProxy()
    dialling: set[asyncio.Task[None]] = set()

    def accept() -> _Side:
        accepted = _Side(proxy, is_clients=True)
        task = asyncio.create_task(_dial(proxy, accepted, host, port))
        dialling.add(task)
        task.add_done_callback(dialling.discard)
        return accepted

    server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in dialling:
            task.cancel()
        for side in list(proxy.sides):
            side.reset()
        await server.wait_closed()


async def _dial(proxy: DelayProxy, accepted: "_Side", host: str, port: int) -> None:
    """Connect the other side; what arrives before that waits in the queue."""
    dialled = _Side(proxy, is_clients=False)
    dialled.peer = accepted
    try:
        await asyncio.get_running_loop().create_connection(lambda: dialled, host, port)
    except OSError:
        accepted.reset()
        return
    accepted.peer = dialled
    accepted.deliver()


class _Side(asyncio.Protocol):
    """One end of a proxied connection. What it receives waits in its queue, and goes to its peer when due."""

    def __init__(self, proxy: DelayProxy, *, is_clients: bool) -> None:
        self.proxy = proxy
        self.is_clients = is_clients
        self.peer: _Side | None = None
        self.transport: asyncio.Transport | None = None
        self.loop = asyncio.get_running_loop()
        self.queue: deque[tuple[float, bytes | _Signal]] = deque()
        self.queued_bytes = 0
        self.last_due = 0.0
        self.timer: asyncio.TimerHandle | None = None
        self.peer_is_full = False
        self.ended = False  # its END was delivered

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        self.proxy.sides.add(self)

    def data_received(self, data: bytes) -> None:
        self._put(data)
        self.queued_bytes += len(data)
        self.deliver()
        if self.queued_bytes > UNDER_WAY_BYTES and self.transport:
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        self._put(_Signal.END)
        self.deliver()
        return True  # the other direction lives on

    def connection_lost(self, exc: Exception | None) -> None:
        self.proxy.sides.discard(self)
        self.transport = None
        if exc is not None:
            self._put(_Signal.RESET)
            self.deliver()

    def pause_writing(self) -> None:
        if self.peer:
            self.peer.peer_is_full = True

    def resume_writing(self) -> None:
        if self.peer:
            self.peer.peer_is_full = False
            self.peer.deliver()

    def reset(self) -> None:
        """Close with RST; what waits to be written is lost, as it is with any reset."""
        if self.transport:
            raw: socket.socket = self.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
            self.transport.abort()

    def deliver(self) -> None:
        """Hand on what is due, and come back when the next is."""
        if self.timer:
            self.timer.cancel()
            self.timer = None
        now = self.loop.time()
        while self.peer and self.queue and not self.peer_is_full and self.queue[0][0] <= now:
            self._hand_on(self.peer, self.queue.popleft()[1])
        if self.peer and self.queue and not self.peer_is_full:
            self.timer = self.loop.call_at(self.queue[0][0], self.deliver)

    def _put(self, item: bytes | _Signal) -> None:
        """A shorter delay than before must not let later bytes overtake."""
        delay_seconds = self.proxy.delay_seconds
        if self.is_clients and self.proxy.random.random() < self.proxy.late_share:
            delay_seconds += self.proxy.late_seconds
        self.last_due = max(self.last_due, self.loop.time() + delay_seconds)
        self.queue.append((self.last_due, item))

    def _hand_on(self, peer: "_Side", item: bytes | _Signal) -> None:
        if isinstance(item, bytes):
            self.queued_bytes -= len(item)
            if self.transport and not self.transport.is_reading() and self.queued_bytes < UNDER_WAY_BYTES / 2:
                self.transport.resume_reading()
            if peer.transport:
                peer.transport.write(item)
        elif item is _Signal.RESET:
            peer.reset()
        else:
            self.ended = True
            if peer.transport:
                with suppress(OSError):  # it has just been reset, and will say so itself
                    peer.transport.write_eof()
            if peer.ended:
                for side in (self, peer):
                    if side.transport:
                        side.transport.close()
