"""Each answer reaches each kind of client in a framing that the client can read, and that says when it ends.

RFC 9112 §6.1–§6.3, §9.3; RFC 9110 §6.4.1, §8.6, §15.2.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from tests.integration.gateway.client import Answer, Client, request, within
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Peer, Upstream

StartNode = Callable[..., Awaitable[Node]]
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Given:
    """What an upstream sends, and what of it is the body."""

    head: bytes
    rest: bytes = b""
    body: bytes = b""
    closes: bool = False

    @property
    def lines(self) -> list[bytes]:
        """Of the answer proper."""
        return self.head.removesuffix(b"\r\n\r\n").rpartition(b"\r\n\r\n")[2].split(b"\r\n")

    @property
    def start_line(self) -> bytes:
        """As the gateway has it."""
        return b"HTTP/1.1" + self.lines[0][len(b"HTTP/1.1") :]

    @property
    def lengths(self) -> list[bytes]:
        """Those that may be told: a 204 has none."""
        told = [line.removeprefix(b"Content-Length: ") for line in self.lines if b"Content-Length" in line]
        return [] if b" 204 " in self.start_line else told


ANSWERS = {
    "a length": Given(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"hello", b"hello"),
    "a length of none": Given(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "a length in HTTP/1.0": Given(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", b"hello", b"hello"),
    "a length, then close": Given(
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n", b"hello", b"hello", closes=True
    ),
    "chunks": Given(b"HTTP/1.1 200 OK\r\n" + CHUNKED, b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", b"hello"),
    "no chunk": Given(b"HTTP/1.1 200 OK\r\n" + CHUNKED, b"0\r\n\r\n"),
    "chunks with extensions and trailers": Given(
        b"HTTP/1.1 200 OK\r\n" + CHUNKED,
        b"5;a=b\r\nhello\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\n",
        b"hello",
    ),
    "until close": Given(b"HTTP/1.1 200 OK\r\n\r\n", b"hello", b"hello", closes=True),
    "until close in HTTP/1.0": Given(b"HTTP/1.0 200 OK\r\n\r\n", b"hello", b"hello", closes=True),
    "nothing until close": Given(b"HTTP/1.1 200 OK\r\n\r\n", closes=True),
    "a body that looks like an answer": Given(
        b"HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ),
    "204": Given(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "204 with a length": Given(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"),
    "204 with chunks": Given(b"HTTP/1.1 204 No Content\r\n" + CHUNKED),
    "205": Given(b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"),
    "205 in chunks": Given(b"HTTP/1.1 205 Reset Content\r\n" + CHUNKED, b"0\r\n\r\n"),
    "304": Given(b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    "304 with a length": Given(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
    "304 with chunks": Given(b"HTTP/1.1 304 Not Modified\r\n" + CHUNKED),
    "interim answers first": Given(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nContent-Length: 3\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"hello",
        b"hello",
    ),
    "an error": Given(b"HTTP/1.1 500 Oops\r\n" + CHUNKED, b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
    "part of something": Given(
        b"HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n\r\n", b"hello", b"hello"
    ),
}


@dataclass(frozen=True)
class Asking:
    """How a client asks, and whether its connection may go on."""

    message: bytes
    stays: bool
    is_old: bool = False
    is_head: bool = False


CLIENTS = [
    Asking(request(), stays=True),
    Asking(request(method=b"HEAD"), stays=True, is_head=True),
    Asking(request(b"/", b"Connection: close"), stays=False),
    Asking(request(version=b"HTTP/1.0"), stays=False, is_old=True),
    Asking(request(b"/", b"Connection: keep-alive", version=b"HTTP/1.0"), stays=True, is_old=True),
    Asking(request(method=b"HEAD", version=b"HTTP/1.0"), stays=False, is_old=True, is_head=True),
]


def giving(upstream: Upstream, given: Given) -> Callable[[Peer], Awaitable[None]]:
    async def script(peer: Peer) -> None:
        while True:
            head = await upstream.take(peer)
            is_head = head.start_line.startswith(b"HEAD")
            await peer.send(given.head if is_head else given.head + given.rest)
            if given.closes:
                return

    return script


@pytest.mark.parametrize("given", ANSWERS.values(), ids=ANSWERS)
async def test_an_answer_suits_its_client(node: Node, upstream: Upstream, given: Given) -> None:
    upstream.script = giving(upstream, given)
    for asking in CLIENTS:
        async with await node.connect() as client:
            await client.send(asking.message)
            answer = await whole(client, given, asking)
            if answer.closes:
                assert await client.rest() == b""
            else:
                await client.send(asking.message)
                await whole(client, given, asking)


async def whole(client: Client, given: Given, asking: Asking) -> Answer:
    """The answer, by a reader that knows what was asked; checked against what the RFC has."""
    start_line, lines = await client.head()
    while start_line.startswith(b"HTTP/1.1 103 "):
        assert not asking.is_old
        assert not any(line.lower().startswith((b"content-length:", b"transfer-encoding:")) for line in lines)
        start_line, lines = await client.head()
    assert start_line == given.start_line
    head = Answer(int(start_line.split(b" ")[1]), start_line, lines, b"")
    lengths, codings = head.values("Content-Length"), head.values("Transfer-Encoding")
    assert codings == [] or (codings == [b"chunked"] and lengths == [] and not asking.is_old)
    is_bodiless = asking.is_head or head.status in (204, 304)
    if given.lengths or is_bodiless:
        assert lengths == given.lengths
    lasts_until_close = False
    if is_bodiless:
        assert codings == []
        body = b""
    elif codings:
        body = b"".join([chunk async for chunk in client.chunks()])
    elif lengths:
        body = await within(client.reader.readexactly(int(lengths[0])))
    else:
        assert asking.is_old
        lasts_until_close = True
        body = await client.rest()
    assert body == (b"" if asking.is_head else given.body)
    assert head.closes == (lasts_until_close or not asking.stays)
    assert head.values("Connection") in ([], [b"close"], [b"keep-alive"])
    return head
