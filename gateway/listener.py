"""Takes clients' connections: the sockets, what arrives at them, and the TLS handshake."""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from math import inf

from gateway.certificate_files import CertificateFiles
from gateway.clock import monotonic
from gateway.proxy.slots import ConnectionSlot, OverloadReason, SlotPool
from gateway.telemetry.counters import Counters
from gateway.turned_away import TurnedAway

HANDSHAKE_SECONDS = 10.0
GOODBYE_SECONDS = 5.0
"""How long a client that is told that TLS ends may take to say the same."""

ARRIVAL_SECONDS = 1.0
"""How long what waits when the listener closes may take until it is accepted, and has shaken hands."""

LAST_SECONDS = 0.1
"""As long at least is left to those who were accepted last: to be given a protocol takes a turn or two."""

ACCEPTS_A_TURN = 64
RETRY_SECONDS = 0.1
SILENT_SECONDS = 60.0

logger = logging.getLogger(__name__)


class Listener:
    """Accepts at some sockets and gives each connection a protocol, after the handshake where there is TLS.

    It accepts by itself, since uvloop's servers drop connections unseen where descriptors have run out,
    reset those that wait when they close, and keep the certificate that they began with.
    """

    def __init__(
        self,
        sockets: list[socket.socket],
        protocol: Callable[[ConnectionSlot], asyncio.Protocol],
        counters: Counters,
        connections: SlotPool,
        certificate: CertificateFiles | None = None,
    ) -> None:
        """Each protocol has its connection's slot, and gives it back when that is over."""
        self._sockets = sockets
        self._adopted: list[socket.socket] = []
        self._protocol = protocol
        self._counters = counters
        self._connections = connections
        self._turned_away = TurnedAway(by_tls=certificate is not None)
        self._certificate = certificate
        self._loop = asyncio.get_running_loop()
        self._arriving: set[asyncio.Task[None]] = set()
        self._retry: asyncio.TimerHandle | None = None
        self._told = -inf
        self._is_open = True

    @property
    def arriving(self) -> int:
        """How many connections were accepted and have no protocol yet."""
        return len(self._arriving)

    def open(self) -> None:
        """Begin to accept."""
        self._retry = None
        for listening in self._sockets + self._adopted:
            self._loop.add_reader(listening, self._accept, listening)

    def adopt(self, sockets: list[socket.socket]) -> None:
        """Accept at these too, and at none that were adopted before: they stay their owner's."""
        if self._is_open:
            self._pause()
            self._adopted = sockets
            if self._retry is None:
                self.open()

    async def close(self, *, for_all: bool = True) -> None:
        """Accept what has come so far, and no more; return when each has its protocol, or is given up.

        `for_all`: also no other process that has the sockets can accept there any more.
        """
        self._is_open = False
        self._pause()
        if self._retry is not None:
            self._retry.cancel()
        deadline = monotonic() + ARRIVAL_SECONDS
        for listening in self._sockets + self._adopted:
            await self._take_all(listening, deadline)
            if for_all:
                with suppress(OSError):  # another one has done so before
                    listening.shutdown(socket.SHUT_RDWR)
            listening.close()
        if self._arriving:
            await asyncio.wait(self._arriving, timeout=max(LAST_SECONDS, deadline - monotonic()))
        for task in self._arriving:
            task.cancel()
        if self._arriving:
            await asyncio.wait(self._arriving)
        self._turned_away.close()

    def _accept(self, listening: socket.socket) -> None:
        try:
            for _ in range(ACCEPTS_A_TURN):
                if not self._take(listening):
                    break
        except OSError as error:
            self._failed(error)

    async def _take_all(self, listening: socket.socket, deadline: float) -> None:
        """Accept all that waits; where it cannot, since descriptors have run out, until the deadline."""
        while True:
            try:
                while self._take(listening):
                    pass
            except OSError:
                self._counters.accept_errors += 1
                if monotonic() >= deadline:
                    return
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    def _take(self, listening: socket.socket) -> bool:
        """Accept a connection; whether there may be another."""
        try:
            connection, peer = listening.accept()
        except BlockingIOError:
            return False
        except ConnectionAbortedError:  # it left while it waited
            return True
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self._loop.remove_reader(listening)  # accept(2): it was closed for all
            return False
        connection.setblocking(False)
        slot = self._connections.acquire(peer[0])
        if isinstance(slot, OverloadReason):
            self._turned_away.turn_away(connection)
            return True
        task = self._loop.create_task(self._welcome(connection, slot))
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)
        return True

    def _failed(self, error: OSError) -> None:
        """No descriptor or no memory is left (accept(2)): try again soon, as to ask at once would be in vain.

        What waits stays in the backlog meanwhile.
        """
        self._counters.accept_errors += 1
        if monotonic() - self._told >= SILENT_SECONDS:
            self._told = monotonic()
            logger.warning("new connections wait, as none can be accepted: %s", error.strerror)
        self._pause()
        self._retry = self._loop.call_later(RETRY_SECONDS, self.open)

    def _pause(self) -> None:
        for listening in self._sockets + self._adopted:
            self._loop.remove_reader(listening)

    async def _welcome(self, connection: socket.socket, slot: ConnectionSlot) -> None:
        """Give a connection its protocol."""
        try:
            await self._introduce(connection, partial(self._protocol, slot))
        except OSError as error:  # ssl.SSLError is one
            slot.release()
            self._counters.tls_failed += 1
            logger.debug("no TLS with a client: %s", error)
        except BaseException:
            slot.release()
            raise

    async def _introduce(self, connection: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> None:
        if self._certificate is None:
            await self._loop.connect_accepted_socket(protocol, connection)
            return
        await self._loop.connect_accepted_socket(
            protocol,
            connection,
            ssl=self._certificate.context,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
            ssl_shutdown_timeout=GOODBYE_SECONDS,
        )
