"""One end of a WebSocket that sends what a case says, and notes the frames that come."""

import asyncio
import base64
import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Self, cast

from tests.integration.gateway.client import request, within
from tests.integration.gateway.handshakes import OFFER
from tests.integration.gateway.websocket.cases import Case, Step
from tests.integration.gateway.websocket.frames import CLOSE, Frame, closing, decode

Seen = tuple[Frame, ...]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_END = b"\r\n\r\n"
_SHOWN_BYTES = 125


class Driver(asyncio.Protocol):
    """A protocol of its own, since a stream forgets what came before a reset."""

    def __init__(self, *, is_client: bool) -> None:
        self._is_client = is_client
        self._data = b""
        self._frames: list[Frame] = []
        self._is_open = False
        self._has_closed = False
        self._is_over = False
        self._news = asyncio.Event()
        self._transport: asyncio.Transport

    @classmethod
    async def connect(cls, port: int) -> Self:
        """As a client."""
        loop = asyncio.get_running_loop()
        _, driver = await loop.create_connection(lambda: cls(is_client=True), "127.0.0.1", port)
        driver._transport.write(request(b"/", *OFFER))
        assert (await driver._head()).startswith(b"HTTP/1.1 101 ")
        return driver

    async def accept(self) -> None:
        """As a server."""
        lines = (await self._head()).split(b"\r\n")
        (key,) = [line[19:] for line in lines if line.lower().startswith(b"sec-websocket-key: ")]
        proof = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Accept: " + proof + _END
        )

    async def play(self, case: Case) -> Seen:
        """Take all steps, close where the case has not, and return what came."""
        for step in case.steps:
            await self._take(step)
        if case.is_right:
            self._close()
        await self._until(lambda: any(frame.opcode == CLOSE for frame in self._frames))
        self._close()
        if not self._is_client:  # RFC 6455 §7.1.1: the server closes first
            self._transport.close()
        await self._until(lambda: self._is_over)
        return tuple(map(_brief, self._frames))

    async def _take(self, step: Step) -> None:
        expected = len(self._frames) + step.replies
        await self._send(step)
        await self._until(lambda: len(self._frames) >= expected)

    async def _send(self, step: Step) -> None:
        data = b"".join([frame.encode(masked=self._is_client) for frame in step.frames])
        self._has_closed |= any(frame.opcode == CLOSE for frame in step.frames)
        size = -(-len(data) // step.pieces)
        for start in range(0, len(data), size):
            self._transport.write(data[start : start + size])
            await asyncio.sleep(0)  # so that each piece is a segment of its own

    def _close(self) -> None:
        if not self._has_closed:
            self._has_closed = True
            self._transport.write(closing(1000).encode(masked=self._is_client))

    async def _head(self) -> bytes:
        await self._until(lambda: _END in self._data)
        head, _, self._data = self._data.partition(_END)
        self._is_open = True
        self.data_received(b"")
        return head

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not (holds() or self._is_over):
            self._news.clear()
            await within(self._news.wait())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        if self._is_open:
            frames, self._data = decode(self._data)
            self._frames += frames
        self._news.set()

    def connection_lost(self, exc: BaseException | None) -> None:
        del exc  # an end or a reset: what came before it counts
        self._is_over = True
        self._news.set()


def _brief(frame: Frame) -> Frame:
    """The same, with a digest for a long payload."""
    if len(frame.payload) <= _SHOWN_BYTES:
        return frame
    digest = hashlib.sha256(frame.payload).hexdigest()[:16].encode()
    return replace(frame, payload=b"%d bytes: %b" % (len(frame.payload), digest))
