"""Nothing is taken in that cannot go on: here requests behind others; for bodies see test_big_bodies.py."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from gateway.proxy.client_connection import MAX_HELD_BYTES, ClientConnection
from tests.integration.gateway.client import request, within
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Peer, Upstream
from tests.living import living

StartNode = Callable[..., Awaitable[Node]]

ONE_READ_BYTES = 256 << 10
STILL_SECONDS = 0.5
LATE_SECONDS = 1.0
REQUESTS = 100_000
SMALL_BYTES = 4096
HIGH_WATER_BYTES = 65536
"""Of an event loop: beyond it the connection is told that its client takes less than is sent."""

ANSWER_BYTES = 1024
"""More than a refusal has."""

CODAS = {"requests": request(b"/behind"), "what is no request": b"\x00" * 100, "a head": b"X: y\r\n" * 10}


def held_bytes() -> int:
    """What the connections of this process' node hold of what is not read yet."""
    return sum(each.held_bytes for each in living(ClientConnection))


@pytest.mark.parametrize("behind", CODAS.values(), ids=CODAS)
async def test_what_is_sent_behind_a_request_that_waits_is_not_taken(
    node: Node, upstream: Upstream, behind: bytes
) -> None:
    arrived, may_answer = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        arrived.set()
        await may_answer.wait()
        await peer.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nfirst")

    upstream.script = script
    async with await node.connect() as client:
        await client.send(request())
        await within(arrived.wait())
        client.writer.write(behind * REQUESTS)
        with suppress(TimeoutError):
            async with asyncio.timeout(STILL_SECONDS):
                await client.writer.drain()
        assert 0 < held_bytes() <= MAX_HELD_BYTES + ONE_READ_BYTES
        may_answer.set()
        assert (await client.answer()).body == b"first"


async def test_as_soon_as_there_is_room_the_rest_is_taken(node: Node, upstream: Upstream) -> None:
    may_answer = asyncio.Event()

    async def script(peer: Peer) -> None:
        while True:
            head = await peer.head()
            await may_answer.wait()
            target = head.start_line.split(b" ")[1]
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), target))

    upstream.script = script
    padding = b"X: " + b"x" * 8000
    requests = [request(b"/%d" % number, padding) for number in range(60)]
    async with await node.connect() as client:
        client.writer.write(b"".join(requests))
        await asyncio.sleep(STILL_SECONDS)
        may_answer.set()
        assert [(await client.answer()).body for _ in requests] == [b"/%d" % number for number in range(60)]


@pytest.mark.parametrize("at_once", [1, 20], ids=["one by one", "in pipelines"])
async def test_who_takes_no_refusals_is_not_given_ever_more_of_them(
    start_node: StartNode, at_once: int
) -> None:
    """They are decided at once, so nothing but the client's taking can hold them up."""
    node = await start_node(default_limit="1/h", header_timeout=LATE_SECONDS, idle_timeout=LATE_SECONDS)
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BYTES)
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", node.port))
        await loop.sock_sendall(client, request())
        assert (await within(loop.sock_recv(client, 65536))).startswith(b"HTTP/1.1 200 ")
        (connection,) = (each for each in living(ClientConnection) if each.is_open)
        transport = connection._transport
        assert transport is not None
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BYTES)

        sent = 1
        while await has_begun(connection, sent):
            assert transport.get_write_buffer_size() < HIGH_WATER_BYTES + at_once * ANSWER_BYTES
            await within(loop.sock_sendall(client, request() * at_once))
            sent += at_once
        assert transport.get_write_buffer_size() > 0

        # It owes nothing meanwhile, and as soon as they are taken, all others are answered.
        await asyncio.sleep(1.5 * LATE_SECONDS)
        answers = b""
        while answers.count(b"HTTP/1.1 429 ") < sent - 1 or not answers.endswith(b"}\n"):
            piece = await within(loop.sock_recv(client, 65536))
            assert piece, "it ends before all are answered"
            answers += piece
        await within(loop.sock_sendall(client, request()))
        assert (await within(loop.sock_recv(client, 65536))).startswith(b"HTTP/1.1 429 ")
    assert (await node.settled()).boot.requests == sent + 1


async def has_begun(connection: ClientConnection, requests: int) -> bool:
    """Whether so many requests are begun, in some turns of the event loop."""
    for turn in range(200):
        if connection.requests >= requests:
            return True
        await asyncio.sleep(0 if turn < 100 else 0.005)
    return False
