"""Accepts client connections: listening sockets, file limits, TLS handshakes, and 503 when overloaded."""

import asyncio
import errno
import logging
import resource
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import chain
from math import inf

from gateway.clock import monotonic, wall
from gateway.config.tls import CertificateFiles
from gateway.errors import StartError
from gateway.http.response_head import render_last_reply
from gateway.proxy.replies import overloaded
from gateway.proxy.slots import ConnectionSlot, OverloadReason, SlotPool
from gateway.telemetry.counters import Counters

BACKLOG = 1024
"""Connections that may wait for accept; Linux bounds it by net.core.somaxconn."""

SPARE_DESCRIPTORS = 192
"""For all but clients and upstreams: 64 for the admin listener, Redis, files, and rejected connections."""

HANDSHAKE_SECONDS = 10.0
TLS_CLOSE_SECONDS = 5.0
"""How long a client has to answer a close_notify."""

CLOSE_GRACE_SECONDS = 1.0
"""When the listener closes: time to accept the connections in the backlog and complete their handshakes."""

MIN_CLOSE_GRACE_SECONDS = 0.1
"""The minimum for connections accepted last: it takes a turn or two of the loop to create a protocol."""

ACCEPTS_PER_TURN = 64
RETRY_SECONDS = 0.1
WARN_INTERVAL_SECONDS = 60.0

LINGER_SECONDS = 0.5
"""How long a rejected connection stays open: close with unread input sends RST, which can destroy the 503."""

MAX_LINGERING = 64
"""Rejected connections that linger at a time; a further one closes the oldest."""

_DISCARD_BYTES = 65536

logger = logging.getLogger(__name__)


def authority(host: str, port: int) -> str:
    """Host and port as in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def listening_sockets(host: str, port: int, prefix: str = "") -> list[socket.socket]:
    """A listening socket for each address of `host`.

    `prefix` is the prefix of the two settings that the error message names.

    Raises:
        StartError: the address cannot be bound.
    """
    (sockets,) = await shared_sockets(host, port, 1, prefix)
    return sockets


async def shared_sockets(host: str, port: int, sharers: int, prefix: str = "") -> list[list[socket.socket]]:
    """Listening sockets for each of `sharers` processes (SO_REUSEPORT); the kernel distributes connections.

    Fails if any other process listens there, even with SO_REUSEPORT.

    Raises:
        StartError: the address cannot be bound.
    """
    shares: list[list[socket.socket]] = [[] for _ in range(sharers)]
    try:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, _, _, address in dict.fromkeys(found):
            exclusive = _bound(family, address, shared=False)
            if sharers == 1:
                shares[0].append(exclusive)
                continue
            address = exclusive.getsockname()
            exclusive.close()
            for sockets in shares:
                sockets.append(_bound(family, address, shared=True))
    except (OSError, UnicodeError) as error:  # UnicodeError: the name is not valid in DNS
        for bound in chain.from_iterable(shares):
            bound.close()
        reason = getattr(error, "strerror", None) or str(error)
        settings = f"GATEWAY_{prefix}HOST={host} and GATEWAY_{prefix}PORT={port}"
        raise StartError(f"{settings}: cannot listen there: {reason}", 3) from None
    return shares


def _bound(family: int, address: tuple[object, ...], *, shared: bool) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        if shared:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # A restarted node binds its port while connections of its predecessor are still closing.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening


def connections_within(limit: int, wanted: int, to_upstreams: int) -> int:
    """How many of the `wanted` client connections a limit of file descriptors allows.

    Each can need a second connection to an upstream, of which there are `to_upstreams` at most.
    """
    left = limit - SPARE_DESCRIPTORS
    return max(1, min(wanted, max(left // 2, left - to_upstreams)))


def allow_connections(wanted: int, to_upstreams: int) -> int:
    """Raise the file limit as far as needed and allowed; return the client connections it permits."""
    needed = wanted + min(wanted, to_upstreams) + SPARE_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY != soft < needed:
        target = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        with suppress(OSError, ValueError):  # some systems have a limit below the one they report
            resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
            soft = target
    if soft == resource.RLIM_INFINITY:
        return wanted
    most = connections_within(soft, wanted, to_upstreams)
    if most < wanted:
        logger.warning(
            "%d open files are allowed (ulimit -n): enough for %d connections of clients, and not for "
            "GATEWAY_MAX_CONNECTIONS=%d, which takes %d",
            soft,
            most,
            wanted,
            needed,
        )
    return most


class Listener:
    """Accepts on some sockets and creates a protocol for each connection, after the TLS handshake if any.

    It calls `accept` itself, since uvloop's servers silently drop connections when descriptors run out, reset
    the backlog when they close, and keep the certificate that they started with.
    """

    def __init__(
        self,
        sockets: list[socket.socket],
        protocol: Callable[[ConnectionSlot], asyncio.Protocol],
        counters: Counters,
        slots: SlotPool,
        certificate: CertificateFiles | None = None,
    ) -> None:
        """Each protocol gets the slot of its connection, and releases it at the end."""
        self._sockets = sockets
        self._adopted: list[socket.socket] = []
        self._protocol = protocol
        self._counters = counters
        self._slots = slots
        self._overload = OverloadResponder(uses_tls=certificate is not None)
        self._certificate = certificate
        self._loop = asyncio.get_running_loop()
        self._arriving: set[asyncio.Task[None]] = set()
        self._retry: asyncio.TimerHandle | None = None
        self._warned_at = -inf
        self._is_open = True

    @property
    def arriving(self) -> int:
        """Connections that were accepted and have no protocol yet."""
        return len(self._arriving)

    def open(self) -> None:
        """Start to accept."""
        self._retry = None
        for listening in self._sockets + self._adopted:
            self._loop.add_reader(listening, self._accept, listening)

    def adopt(self, sockets: list[socket.socket]) -> None:
        """Accept also on these sockets, which replace those adopted before. The owner closes them."""
        if self._is_open:
            self._pause()
            self._adopted = sockets
            if self._retry is None:
                self.open()

    async def close(self, *, for_all: bool = True) -> None:
        """Accept the connections in the backlog, then stop. Returns when each has its protocol or is closed.

        `for_all`: shut the sockets down, so that no other process that shares them can accept either.
        """
        self._is_open = False
        self._pause()
        if self._retry is not None:
            self._retry.cancel()
        deadline = monotonic() + CLOSE_GRACE_SECONDS
        for listening in self._sockets + self._adopted:
            await self._accept_backlog(listening, deadline)
            if for_all:
                with suppress(OSError):  # another process has shut it down before
                    listening.shutdown(socket.SHUT_RDWR)
            listening.close()
        if self._arriving:
            await asyncio.wait(self._arriving, timeout=max(MIN_CLOSE_GRACE_SECONDS, deadline - monotonic()))
        for task in self._arriving:
            task.cancel()
        if self._arriving:
            await asyncio.wait(self._arriving)
        self._overload.close()

    def _accept(self, listening: socket.socket) -> None:
        try:
            for _ in range(ACCEPTS_PER_TURN):
                if not self._accept_one(listening):
                    break
        except OSError as error:
            self._accept_failed(error)

    async def _accept_backlog(self, listening: socket.socket, deadline: float) -> None:
        """Accept the whole backlog; retry until the deadline when descriptors have run out."""
        while True:
            try:
                while self._accept_one(listening):
                    pass
            except OSError:
                if monotonic() >= deadline:
                    return
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    def _accept_one(self, listening: socket.socket) -> bool:
        """Accept a connection. Returns whether there may be another."""
        try:
            connection, peer = listening.accept()
        except BlockingIOError:
            return False
        except ConnectionAbortedError:  # the client closed it in the backlog
            return True
        except OSError as error:
            if error.errno != errno.EINVAL:
                self._counters.accept_errors += 1
                raise
            self._loop.remove_reader(listening)  # accept(2): another process has shut it down
            return False
        connection.setblocking(False)
        slot = self._slots.acquire(peer[0])
        if isinstance(slot, OverloadReason):
            self._overload.reject(connection)
            return True
        task = self._loop.create_task(self._set_up(connection, slot))
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)
        return True

    def _accept_failed(self, error: OSError) -> None:
        """No descriptor or no memory is left (accept(2)): pause, while connections wait in the backlog."""
        if monotonic() - self._warned_at >= WARN_INTERVAL_SECONDS:
            self._warned_at = monotonic()
            logger.warning("new connections wait, as none can be accepted: %s", error.strerror)
        self._pause()
        self._retry = self._loop.call_later(RETRY_SECONDS, self.open)

    def _pause(self) -> None:
        for listening in self._sockets + self._adopted:
            self._loop.remove_reader(listening)

    async def _set_up(self, connection: socket.socket, slot: ConnectionSlot) -> None:
        try:
            await self._create_protocol(connection, partial(self._protocol, slot))
        except OSError as error:  # includes ssl.SSLError
            slot.release()
            self._counters.tls_failed += 1
            logger.debug("no TLS with a client: %s", error)
        except BaseException:
            slot.release()
            raise

    async def _create_protocol(
        self, connection: socket.socket, protocol: Callable[[], asyncio.Protocol]
    ) -> None:
        if self._certificate is None:
            await self._loop.connect_accepted_socket(protocol, connection)
            return
        await self._loop.connect_accepted_socket(
            protocol,
            connection,
            ssl=self._certificate.context,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
            ssl_shutdown_timeout=TLS_CLOSE_SECONDS,
        )


class OverloadResponder:
    """Rejects connections that get no slot, at little cost. Owns their sockets."""

    def __init__(self, *, uses_tls: bool) -> None:
        """With TLS the connection is closed without a response, since a handshake costs too much."""
        self._uses_tls = uses_tls
        self._lingering: deque[socket.socket] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def reject(self, connection: socket.socket) -> None:
        """Send a 503 if the socket's buffer has room, and close the connection a little later."""
        if self._uses_tls:
            connection.close()
            return
        with suppress(OSError):  # the client may be gone
            _discard_input(connection)
            connection.send(render_last_reply(overloaded(), now=wall()))
            connection.shutdown(socket.SHUT_WR)
        self._lingering.append(connection)
        if len(self._lingering) > MAX_LINGERING:
            self._close_oldest()
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(LINGER_SECONDS, self._close_lingering, MAX_LINGERING)

    def close(self) -> None:
        """Close all of them."""
        if self._timer is not None:
            self._timer.cancel()
        self._close_lingering(len(self._lingering))

    def _close_lingering(self, number: int) -> None:
        self._timer = None
        for _ in range(min(number, len(self._lingering))):
            self._close_oldest()

    def _close_oldest(self) -> None:
        connection = self._lingering.popleft()
        with suppress(OSError):
            _discard_input(connection)
        connection.close()


def _discard_input(connection: socket.socket) -> None:
    with suppress(BlockingIOError):
        connection.recv(_DISCARD_BYTES)
