"""Many clients at a node over HTTP, and the service behind it, cheap enough for a million requests."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import cast

from tests.heads import content_length

CONNECTIONS = 32
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_HEAD_END = b"\r\n\r\n"


class _Service(asyncio.Protocol):
    """Answers each head, since no request here has a body."""

    def __init__(self) -> None:
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is none by its type

    def data_received(self, data: bytes) -> None:
        *heads, self._rest = (self._rest + data).split(_HEAD_END)
        self._transport.write(_ANSWER * len(heads))


@asynccontextmanager
async def service() -> AsyncIterator[str]:
    """It answers 200 to all while the context lasts; its value is the address."""
    server = await asyncio.get_running_loop().create_server(_Service, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


class _Caller(asyncio.Protocol):
    """One connection, with one request after the other until there is no key left."""

    def __init__(self, keys: Iterator[str], statuses: Counter[int]) -> None:
        self._keys = keys
        self._statuses = statuses
        self._received = b""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is none by its type
        self._send()

    def _send(self) -> None:
        key = next(self._keys, None)
        if key is None:
            self._transport.close()
        else:
            self._transport.write(f"GET / HTTP/1.1\r\nHost: test\r\nX-API-Key: {key}\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(_HEAD_END)
        if found and len(body) >= content_length(head):
            self._received = b""
            self._statuses[int(head.split(b" ", 2)[1])] += 1
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(exc)


async def call(port: int, keys: Iterable[str]) -> Counter[int]:
    """Send one request with each key, `CONNECTIONS` at a time; the answers by status."""
    loop = asyncio.get_running_loop()
    left, statuses = iter(keys), Counter[int]()
    calls = [
        loop.create_connection(lambda: _Caller(left, statuses), "127.0.0.1", port) for _ in range(CONNECTIONS)
    ]
    callers = [caller for _, caller in await asyncio.gather(*calls)]
    await asyncio.gather(*(caller.ended for caller in callers))
    return statuses
