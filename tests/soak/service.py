"""A service that does as the path says, well or badly."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def _slow(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0.2)
    writer.write(_OK)


async def _big(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n")
    for _ in range(10):
        writer.write(bytes(50_000))
        await writer.drain()


async def _chunks(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(5):
        writer.write(b"5\r\nhello\r\n")
        await asyncio.sleep(0.01)
    writer.write(b"0\r\n\r\n")


async def _broken(writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    raise ConnectionResetError


async def _cut(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
    raise ConnectionResetError


async def _gone(writer: asyncio.StreamWriter) -> None:
    raise ConnectionResetError


async def _surplus(writer: asyncio.StreamWriter) -> None:
    writer.write(_OK + b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad")


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
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            await _take_body(reader, head)
            answer = ANSWERS.get(head.split(b" ", 2)[1])
            if answer is None:
                writer.write(_OK)
            else:
                await answer(writer)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _take_body(reader: asyncio.StreamReader, head: bytes) -> None:
    if length := _LENGTH.search(head):
        left = int(length[1])
        while left:
            piece = await reader.read(min(left, 65536))
            if not piece:
                raise ConnectionResetError
            left -= len(piece)
    elif b"\r\ntransfer-encoding: chunked\r\n" in head.lower():
        while size := int(await reader.readuntil(b"\r\n"), 16):
            await reader.readexactly(size + 2)
        await reader.readexactly(2)


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """Serve while the context lasts; its value is the address."""
    server = await asyncio.start_server(_serve, "127.0.0.1", 0, backlog=1024)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
