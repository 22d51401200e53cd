"""A service behind the gateway whose every byte is the test's."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self

from tests.integration.gateway.client import values_of, within

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Script = Callable[["Peer"], Awaitable[None]]


@dataclass(frozen=True)
class Received:
    """A request's head as it arrived."""

    start_line: bytes
    lines: tuple[bytes, ...]

    def values(self, name: str) -> list[bytes]:
        """The values of a field, in order."""
        return values_of(self.lines, name)


class Peer:
    """A connection that the gateway made."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def head(self) -> Received:
        """The next request's head."""
        block = await within(self.reader.readuntil(b"\r\n\r\n"))
        start_line, *lines = block.removesuffix(b"\r\n\r\n").split(b"\r\n")
        return Received(start_line, tuple(lines))

    async def body(self, head: Received) -> bytes:
        """The body that follows a head, without its framing."""
        if head.values("Transfer-Encoding") == [b"chunked"]:
            assert head.values("Content-Length") == []
            chunks = []
            while size := int((await within(self.reader.readuntil(b"\r\n"))).strip(), 16):
                chunks.append((await within(self.reader.readexactly(size + 2)))[:-2])
            assert await within(self.reader.readexactly(2)) == b"\r\n"
            return b"".join(chunks)
        lengths = head.values("Content-Length")
        return bytes(await within(self.reader.readexactly(int(lengths[0])))) if lengths else b""

    async def send(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            ConnectionError: the gateway has gone.
        """
        if self.writer.transport.is_closing():
            raise ConnectionResetError
        self.writer.write(data)
        await within(self.writer.drain())

    async def gone(self) -> None:
        """Wait until the gateway has closed the connection."""
        try:
            while await within(self.reader.read(65536)):
                pass
        except ConnectionError:
            pass

    def close(self) -> None:
        """Close in order."""
        self.writer.close()

    def half_close(self) -> None:
        """Say that nothing follows."""
        if not self.writer.transport.is_closing():
            self.writer.write_eof()

    def reset(self) -> None:
        """Close with a reset."""
        if self.writer.transport.is_closing():
            return
        reset_at_close(self.writer.transport)
        self.writer.transport.abort()


def reset_at_close(transport: asyncio.WriteTransport) -> None:
    """Let the close say that the connection broke: lingering for no time makes the kernel send a reset."""
    linger = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


class Upstream:
    """Listens while the context lasts. `script` runs for each connection; at first all is answered 200."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.script: Script = self.answering(OK)
        self.requests: list[Received] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def answering(self, answer: bytes) -> Script:
        """A script that gives every request this answer."""

        async def script(peer: Peer) -> None:
            while True:
                await self.take(peer)
                await peer.send(answer)

        return script

    def answers_without_end(self, framing: bytes) -> asyncio.Event:
        """Answer with a body that never ends; the event is set where the gateway hangs up."""
        stopped = asyncio.Event()

        async def script(peer: Peer) -> None:
            await peer.head()
            try:
                await peer.send(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n")
                while True:
                    await peer.send(bytes(1 << 20))
            finally:
                stopped.set()

        self.script = script
        return stopped

    async def take(self, peer: Peer) -> Received:
        """The next request, noted, with its body."""
        head = await peer.head()
        self.requests.append(head)
        self.bodies.append(await peer.body(head))
        return head

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        outcomes = await asyncio.gather(*self._tasks, return_exceptions=True)
        failures = [outcome for outcome in outcomes if isinstance(outcome, AssertionError)]
        assert failures == []

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            await self.script(Peer(reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the gateway closed it
        except asyncio.CancelledError:
            pass  # the test is over; asyncio's own server would call it an error
        finally:
            writer.close()


class Held:
    """A script that answers nothing until it is let go."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self.go = asyncio.Event()

    async def __call__(self, peer: Peer) -> None:
        while True:
            await self._upstream.take(peer)
            await self.go.wait()
            await peer.send(OK)
