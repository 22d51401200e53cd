"""A connection without a socket: a node's transport, and what its kernel would know."""

import asyncio
import select
import socket
import struct
from collections import deque
from typing import Any, Protocol

from tests.lanes.generator.case import End

_HIGH_WATER = 65536


class Far(Protocol):
    """The other end."""

    def received(self, data: bytes) -> None:
        """The node has sent bytes, and they have been taken."""

    def ended(self, end: End) -> None:
        """The node's side has ended: it sends no more, or is gone."""


class Socket:
    """What code asks of a transport's socket."""

    family = socket.AF_UNIX  # so that aiohttp sets no options of TCP

    def __init__(self) -> None:
        self.resets = False
        self.has_something = False
        self.has_left = False

    def setsockopt(self, level: int, option: int, value: Any) -> None:
        """Heed the one that makes a close a reset."""
        if (level, option) == (socket.SOL_SOCKET, socket.SO_LINGER):
            self.resets = value == struct.pack("ii", 1, 0)

    def fileno(self) -> int:
        """There is none.

        Raises:
            OSError: always.
        """
        raise OSError

    def has(self, wanted: int) -> bool:
        """Whether one of these events of poll(2) has happened."""
        something = bool(wanted & select.POLLIN) and self.has_something
        return something or (bool(wanted & (select.POLLHUP | select.POLLRDHUP)) and self.has_left)


class Wire(asyncio.Transport):
    """The node's end. What comes waits where it is not read, and what goes where it is not taken."""

    def __init__(self, loop: asyncio.AbstractEventLoop, far: Far, *, by_tls: bool = False) -> None:
        self.socket = Socket()
        super().__init__({"socket": self.socket, **({"ssl_object": object()} if by_tls else {})})
        self._loop = loop
        self._far = far
        self._by_tls = by_tls
        self._protocol: Any = None
        self._waiting: deque[bytes | End] = deque()
        self._unsent = b""
        self._is_paused = self._is_closing = self._is_lost = self._is_held = False
        self._unseen_end = False
        self._has_eof = self._owes_eof = self._is_full = self._far_is_gone = False

    # From the other end

    def arrive(self, what: bytes | End) -> None:
        """Bytes or an end reach this side."""
        if self._is_lost or self._is_closing:
            return
        self._waiting.append(what)
        self.socket.has_left = self.socket.has_left or isinstance(what, End)
        self._far_is_gone = self._far_is_gone or what is End.BY_RESET
        self.read()

    def arrive_with_unseen_end(self, data: bytes, seconds: float) -> None:
        """Bytes reach this side, and an end that the event loop reads only after a while."""
        self._unseen_end = True
        self.arrive(data)
        self._loop.call_later(seconds, self._see_end)

    def _see_end(self) -> None:
        self._unseen_end = False
        self.arrive(End.IN_ORDER)

    def read(self) -> None:
        """Read what waits, as far as that is wanted."""
        while self._waiting and not (self._is_paused or self._is_closing):
            what = self._waiting.popleft()
            self.socket.has_something = bool(self._waiting) or self._unseen_end
            if isinstance(what, bytes):
                self._protocol.data_received(what)
            elif what is End.BY_RESET:
                self._lose(ConnectionResetError("simulated"))
            elif not self._has_eof:
                self._has_eof = True
                if not self._protocol.eof_received() or self._by_tls:
                    self.close()
        self.socket.has_something = bool(self._waiting) or self._unseen_end

    def unread(self) -> bytes:
        """What has come and was not read, of a connection that is lost."""
        unread = b"".join(what for what in self._waiting if isinstance(what, bytes))
        self._waiting.clear()
        return unread

    def hold(self, *, still: bool) -> None:
        """Whether the other end takes nothing."""
        self._is_held = still
        if not still:
            self._flush()

    # asyncio's transport

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Who hears of what comes."""
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """As above."""
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol

    def is_closing(self) -> bool:
        """Whether it is closed or about to be."""
        return self._is_closing

    def pause_reading(self) -> None:
        """Let what comes wait."""
        self._is_paused = True

    def resume_reading(self) -> None:
        """Read what waits, in a later turn."""
        if self._is_paused:
            self._is_paused = False
            self._loop.call_soon(self.read)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send."""
        if self._is_closing or self._owes_eof or not data:
            return
        self._unsent += bytes(data)
        self._flush()
        if len(self._unsent) > _HIGH_WATER and not self._is_full:
            self._is_full = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Any) -> None:
        """Send all of it."""
        self.write(b"".join(list_of_data))

    def get_write_buffer_size(self) -> int:
        """What is not sent."""
        return len(self._unsent)

    def can_write_eof(self) -> bool:
        """Not by TLS."""
        return not self._by_tls

    def write_eof(self) -> None:
        """Say that no more is sent."""
        if not (self._owes_eof or self._is_closing):
            self._owes_eof = True
            self._flush()

    def close(self) -> None:
        """When all has been sent."""
        if not self._is_closing:
            self._is_closing = True
            self._flush()

    def abort(self) -> None:
        """At once."""
        self._is_closing = True
        self._unsent = b""
        self._flush()

    def _flush(self) -> None:
        if self._is_held and self._unsent and not self._far_is_gone:
            return
        data, self._unsent = self._unsent, b""
        if data and not self._far_is_gone:
            self._far.received(data)
        if self._is_full:
            self._is_full = False
            self._loop.call_soon(self._protocol.resume_writing)
        if self._is_closing:
            if not self._is_lost:
                self._is_lost = True
                self._end()
                self._loop.call_soon(self._protocol.connection_lost, None)
        elif self._owes_eof:
            self._far.ended(End.IN_ORDER)

    def _end(self) -> None:
        """As the kernel does it: what was not read makes a close a reset."""
        was_read = not any(isinstance(what, bytes) for what in self._waiting)
        self._far.ended(End.IN_ORDER if was_read and not self.socket.resets else End.BY_RESET)

    def _lose(self, error: Exception) -> None:
        self._is_closing = True
        if not self._is_lost:
            self._is_lost = True
            self._protocol.connection_lost(error)
