"""Nothing is taken in that cannot go on: here requests behind others; for bodies see test_big_bodies.py."""

import asyncio
from contextlib import suppress

import pytest

from gateway.proxy.connection import MAX_HELD_BYTES, Connection
from tests.integration.gateway.client import request, within
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Peer, Upstream
from tests.living import living

ONE_READ_BYTES = 256 << 10
STILL_SECONDS = 0.5
REQUESTS = 100_000

CODAS = {"requests": request(b"/behind"), "what is no request": b"\x00" * 100, "a head": b"X: y\r\n" * 10}


def held_bytes() -> int:
    """What the connections of this process' node hold of what is not read yet."""
    return sum(each.held_bytes for each in living(Connection))


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
