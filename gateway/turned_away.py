"""Connections for which there is no place: each is told so and closed, at little cost."""

import asyncio
import socket
from collections import deque
from contextlib import suppress

from gateway.clock import wall
from gateway.http.response_head import render_last_reply
from gateway.proxy.replies import overloaded

LINGER_SECONDS = 0.5
"""How long each may take to hear it: a close with something unread is a reset, and takes it away."""

MOST = 64
"""So many linger at a time; further ones take the place of the oldest."""

_UNREAD_BYTES = 65536


class TurnedAway:
    """Owns the sockets that it is given."""

    def __init__(self, *, by_tls: bool) -> None:
        """`by_tls` nothing can be said before a handshake, which costs more than there is to give."""
        self._by_tls = by_tls
        self._lingering: deque[socket.socket] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def turn_away(self, connection: socket.socket) -> None:
        """Tell one that comes, which does not block, and let it go."""
        if self._by_tls:
            connection.close()
            return
        with suppress(OSError):  # it may be gone, and have no room for the answer: that is all the same here
            _take_unread(connection)
            connection.send(render_last_reply(overloaded(), now=wall()))
            connection.shutdown(socket.SHUT_WR)
        self._lingering.append(connection)
        if len(self._lingering) > MOST:
            self._close_oldest()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._close_these, MOST)

    def close(self) -> None:
        """Close all of them."""
        if self._timer is not None:
            self._timer.cancel()
        self._close_these(len(self._lingering))

    def _close_these(self, number: int) -> None:
        self._timer = None
        for _ in range(min(number, len(self._lingering))):
            self._close_oldest()

    def _close_oldest(self) -> None:
        connection = self._lingering.popleft()
        with suppress(OSError):
            _take_unread(connection)
        connection.close()


def _take_unread(connection: socket.socket) -> None:
    with suppress(BlockingIOError):
        connection.recv(_UNREAD_BYTES)
