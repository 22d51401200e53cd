"""A client that sends and sees bytes."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Iterable
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from tests.certificates import NAME

PATIENCE_SECONDS = 20.0
"""For what takes no time, on a machine that is busy with much else."""

Value = TypeVar("Value")


def values_of(lines: Iterable[bytes], name: str) -> list[bytes]:
    """The values of a field, in the order of its lines."""
    pairs = (line.partition(b":") for line in lines)
    return [value.strip() for key, _, value in pairs if key.lower() == name.lower().encode()]


@dataclass(frozen=True)
class Answer:
    """One answer as it came: `lines` are the head's field lines, `body` is without its framing."""

    status: int
    start_line: bytes
    lines: tuple[bytes, ...]
    body: bytes

    def values(self, name: str) -> list[bytes]:
        """The values of a field, in order."""
        return values_of(self.lines, name)

    def value(self, name: str) -> bytes | None:
        """The one value of a field; None where there is none."""
        values = self.values(name)
        assert len(values) <= 1, f"{name} is there {len(values)} times"
        return values[0] if values else None

    @property
    def closes(self) -> bool:
        """Whether it says that the connection ends."""
        return self.value("Connection") == b"close"


def request(
    target: bytes = b"/",
    *lines: bytes,
    method: bytes = b"GET",
    body: bytes = b"",
    key: bytes | None = b"key-1",
    version: bytes = b"HTTP/1.1",
) -> bytes:
    """A request's bytes: `lines` between Host and the key, Content-Length where there is a body."""
    fields = [b"Host: service.example", *lines]
    if key is not None:
        fields.append(b"X-API-Key: " + key)
    if body:
        fields.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([b"%b %b %b" % (method, target, version), *fields, b"", body])


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.hints: list[tuple[bytes, ...]] = []

    @classmethod
    async def connect(cls, port: int, tls: ssl.SSLContext | None = None) -> Self:
        """To a port of this machine."""
        name = None if tls is None else NAME
        return cls(*await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.transport.abort()

    async def send(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)
        await within(self.writer.drain())

    async def get(self, target: bytes = b"/", *lines: bytes, **options: Any) -> Answer:
        """Send a request and take its answer."""
        await self.send(request(target, *lines, **options))
        return await self.answer(head_only=options.get("method") == b"HEAD")

    async def get_admin(self, target: bytes) -> Answer:
        """The response of an admin listener, which accepts its own names only."""
        await self.send(b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % target)
        return await self.answer()

    async def head(self) -> tuple[bytes, tuple[bytes, ...]]:
        """The next start line and its field lines."""
        block = await within(self.reader.readuntil(b"\r\n\r\n"))
        start_line, *lines = block.removesuffix(b"\r\n\r\n").split(b"\r\n")
        return start_line, tuple(lines)

    async def answer(self, *, head_only: bool = False, may_continue: bool = False) -> Answer:
        """The next answer, whole. Of each 102 and 103 before it the lines are in `hints`.

        Args:
            may_continue: whether it is no matter if there is a 100 before it.
        """
        start_line, lines = await self.head()
        if may_continue and start_line == b"HTTP/1.1 100 Continue":
            start_line, lines = await self.head()
        while start_line.startswith((b"HTTP/1.1 102 ", b"HTTP/1.1 103 ")):
            self.hints.append(lines)
            start_line, lines = await self.head()
        version, status, *_ = start_line.split(b" ", 2)
        assert version == b"HTTP/1.1"
        answer = Answer(int(status), start_line, lines, b"")
        body = b"" if head_only or answer.status in (204, 304) else await self._body(answer)
        return Answer(answer.status, start_line, lines, body)

    async def _body(self, answer: Answer) -> bytes:
        if answer.value("Transfer-Encoding") == b"chunked":
            assert answer.value("Content-Length") is None
            return b"".join([chunk async for chunk in self.chunks()])
        length = answer.value("Content-Length")
        if length is not None:
            return await within(self.reader.readexactly(int(length)))
        return await within(self.reader.read())

    async def chunks(self) -> AsyncIterator[bytes]:
        """The chunks of a chunked body."""
        while True:
            size = int((await within(self.reader.readuntil(b"\r\n"))).strip(), 16)
            chunk = await within(self.reader.readexactly(size + 2))
            assert chunk.endswith(b"\r\n")
            if not size:
                return
            yield chunk[:-2]

    async def rest(self) -> bytes:
        """All that comes until the node closes the connection in order."""
        return await within(self.reader.read())


async def within(awaitable: Awaitable[Value]) -> Value:
    """Await something, but not for ever."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await awaitable
