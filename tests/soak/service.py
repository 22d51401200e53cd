"""A service that does as the path says, well or badly."""

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)
_KEY = re.compile(rb"\r\nsec-websocket-key: *([^\r]+)\r\n", re.IGNORECASE)
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Answer = Callable[["Peer"], Awaitable[None]]


class Peer:
    """A connection of the node's."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            ConnectionError: the node has closed it.
        """
        if self._writer.transport.is_closing():
            raise ConnectionResetError
        self._writer.write(data)
        await self._writer.drain()

    async def head(self) -> bytes:
        """The next request's, whose body has been taken too."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        if length := _LENGTH.search(head):
            await self._take(int(length[1]))
        elif b"\r\ntransfer-encoding: chunked\r\n" in head.lower():
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                await self._take(size + 2)
            await self._take(2)
        return head

    async def _take(self, left: int) -> None:
        while left:
            piece = await self.reader.read(min(left, 65536))
            if not piece:
                raise ConnectionResetError
            left -= len(piece)


async def _slow(peer: Peer) -> None:
    await asyncio.sleep(0.2)
    await peer.send(_OK)


async def _big(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n")
    for _ in range(10):
        await peer.send(bytes(50_000))


async def _chunks(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(5):
        await peer.send(b"5\r\nhello\r\n")
        await asyncio.sleep(0.01)
    await peer.send(b"0\r\n\r\n")


async def _broken(peer: Peer) -> None:
    await peer.send(b"SSH-2.0-OpenSSH_9.2\r\n")
    raise ConnectionResetError


async def _cut(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
    raise ConnectionResetError


async def _gone(peer: Peer) -> None:
    raise ConnectionResetError


async def _surplus(peer: Peer) -> None:
    await peer.send(_OK + b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad")


ANSWERS: dict[bytes, Answer] = {
    b"/slow-answer": _slow,
    b"/big": _big,
    b"/chunks": _chunks,
    b"/broken": _broken,
    b"/cut": _cut,
    b"/gone": _gone,
    b"/surplus": _surplus,
}
"""Of the other paths the answer is 200."""


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    peer = Peer(reader, writer)
    try:
        while True:
            head = await peer.head()
            method, path, _ = head.split(b" ", 2)
            answer = ANSWERS.get(path)
            if path == b"/echo":
                await _echo(head, peer)
            elif method == b"HEAD":
                await peer.send(_OK[:-2])
            elif answer is None:
                await peer.send(_OK)
            else:
                await answer(peer)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _echo(head: bytes, peer: Peer) -> None:
    """Switch to WebSocket as far as the handshake goes, and send back what comes."""
    key = _KEY.search(head)
    if key is None:
        raise ConnectionResetError
    accept = base64.b64encode(hashlib.sha1(key[1] + _GUID, usedforsecurity=False).digest())
    fields = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept
    await peer.send(b"HTTP/1.1 101 Switching Protocols\r\n" + fields + b"\r\n\r\n")
    while piece := await peer.reader.read(65536):
        await peer.send(piece)
    raise ConnectionResetError


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """Serve while the context lasts; its value is the address."""
    server = await asyncio.start_server(_serve, "127.0.0.1", 0, backlog=1024)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
