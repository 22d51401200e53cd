"""A connection of the load generator: sends one request at a time and reads its answer."""

import asyncio
import re
from collections.abc import Callable
from typing import cast

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked\r\n", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"
_UNKNOWN_YET = -1

OnAnswer = Callable[["Connection", bytes, float], None]
"""Gets the connection, the status' three digits and the time from which its request is late."""


class Connection(asyncio.Protocol):
    """Calls `on_answer` for each answer, and `on_loss` if the other side ends it."""

    __slots__ = ("_head", "_length", "_on_answer", "_on_loss", "_received", "_since", "_transport", "_usual")

    def __init__(self, on_answer: OnAnswer, on_loss: Callable[[], None]) -> None:
        """Not connected yet."""
        self._on_answer = on_answer
        self._on_loss = on_loss
        self._received: list[bytes] = []
        self._head = b""
        self._length = 0
        self._usual = (b"", 0)
        self._since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what to write to."""
        self._transport = cast(asyncio.Transport, transport)

    def send(self, request: bytes, since: float) -> None:
        """Send a request whose time was `since`."""
        self._since = since
        self._transport.write(request)

    def close(self) -> None:
        """End it from this side."""
        self._on_loss = lambda: None
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Most answers come whole and are as long as the last one: for those one search will do."""
        status, length = self._usual
        head_end = len(data) - length - 4
        if not self._received and data[9:12] == status and data.find(_HEAD_END) == head_end > 0:
            self._on_answer(self, status, self._since)
            return
        self._received.append(data)
        if not self._head and not self._read_head():
            return
        if self._is_whole():
            self._usual = self._head[9:12], self._length
            status, self._head = self._head[9:12], b""
            self._received.clear()
            self._on_answer(self, status, self._since)

    def _read_head(self) -> bool:
        """Whether the head is there now; what is left is the body."""
        head, found, rest = b"".join(self._received).partition(_HEAD_END)
        if not found:
            return False
        self._head = head + b"\r\n"
        self._received = [rest]
        length = _LENGTH.search(self._head)
        self._length = int(length[1]) if length else _UNKNOWN_YET
        if length is None and _CHUNKED.search(self._head) is None:
            raise ValueError(f"an answer of unknown length: {head[:200]!r}")
        return True

    def _is_whole(self) -> bool:
        if self._length == _UNKNOWN_YET:
            return b"".join(self._received[-2:]).endswith(_LAST_CHUNK)
        return sum(map(len, self._received)) >= self._length

    def connection_lost(self, _error: Exception | None) -> None:
        """Nobody may end it but us."""
        self._on_loss()
