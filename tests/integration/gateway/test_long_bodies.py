"""Bodies of many bytes, or of many pieces: never all in memory, at the pace of who takes them."""

import asyncio
from collections.abc import Callable

from gateway.telemetry.process import rss_bytes
from tests.integration.gateway.client import request, within
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Peer, Upstream

MEBIBYTE = bytes(1 << 20)


async def test_a_long_body_passes_in_either_direction_in_bounded_memory(
    node: Node, upstream: Upstream
) -> None:
    async def script(peer: Peer) -> None:
        head = await peer.head()
        left = int(head.values("Content-Length")[0])
        while left:
            left -= len(await within(peer.reader.read(1 << 16)))
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (64 << 20))
        for _ in range(64):
            await peer.send(MEBIBYTE)

    upstream.script = script
    async with await node.connect() as client:
        before = rss_bytes()
        await client.send(request(b"/", b"Content-Length: %d" % (64 << 20), method=b"POST"))
        most = 0
        for _ in range(64):
            await client.send(MEBIBYTE)
            most = max(most, rss_bytes())
        await client.head()
        left = 64 << 20
        while left:
            left -= len(await within(client.reader.read(1 << 16)))
            most = max(most, rss_bytes())

    assert most - before < 20 << 20


async def test_a_long_chunked_body_passes_in_either_direction_in_bounded_memory(
    node: Node, upstream: Upstream
) -> None:
    pieces = 16

    async def script(peer: Peer) -> None:
        head = await peer.head()
        assert head.values("Transfer-Encoding") == [b"chunked"]
        left = pieces * len(MEBIBYTE)
        while left:
            size = int((await within(peer.reader.readuntil(b"\r\n"))).strip(), 16)
            await within(peer.reader.readexactly(size + 2))
            left -= size
        assert await within(peer.reader.readexactly(5)) == b"0\r\n\r\n"
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(pieces):
            await peer.send(MEBIBYTE)
        peer.close()

    upstream.script = script
    async with await node.connect() as client:
        before = rss_bytes()
        await client.send(request(b"/", b"Transfer-Encoding: chunked", method=b"POST"))
        for _ in range(pieces):
            await client.send(b"100000\r\n" + MEBIBYTE + b"\r\n")
        await client.send(b"0\r\n\r\n")
        await client.head()
        got = 0
        async for chunk in client.chunks():
            got += len(chunk)
        grown = rss_bytes() - before

    assert got == pieces * len(MEBIBYTE)
    assert grown < 20 << 20


async def test_a_body_of_many_tiny_chunks_passes(node: Node, upstream: Upstream) -> None:
    async with await node.connect() as client:
        await client.send(request(b"/", b"Transfer-Encoding: chunked", method=b"POST"))
        await client.send(b"1\r\nx\r\n" * 100_000 + b"0\r\n\r\n")
        assert (await client.answer()).status == 200

    assert upstream.bodies == [b"x" * 100_000]


async def test_tiny_chunks_leave_others_their_turn(node: Node, upstream: Upstream) -> None:
    """Read by the megabyte, as they come, they would stop all others for seconds."""
    served = 0
    async with await node.connect() as busy, await node.connect() as other:
        await busy.send(request(b"/", b"Transfer-Encoding: chunked", method=b"POST"))
        busy.writer.write(b"1\r\nx\r\n" * 500_000 + b"0\r\n\r\n")
        uploaded = asyncio.create_task(busy.answer())
        while not uploaded.done():
            assert (await other.get()).status == 200
            served += 1
        assert (await uploaded).status == 200

    assert served > 5


async def test_an_answer_of_many_tiny_chunks_passes(node: Node, upstream: Upstream) -> None:
    upstream.script = upstream.answering(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 100_000 + b"0\r\n\r\n"
    )
    async with await node.connect() as client:
        assert (await client.get()).body == b"x" * 100_000


async def test_a_slow_reader_stops_the_upstream(node: Node, upstream: Upstream) -> None:
    sent = 0

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(200):
            await peer.send(MEBIBYTE)
            sent += len(MEBIBYTE)

    upstream.script = script
    async with await node.connect() as client:
        await client.send(request())
        await client.head()
        assert await _standstill(lambda: sent) < 20 << 20


async def test_a_slow_upstream_stops_the_client(node: Node, upstream: Upstream) -> None:
    resume = asyncio.Event()
    sent = 0

    async def script(peer: Peer) -> None:
        await peer.head()
        await resume.wait()

    upstream.script = script
    async with await node.connect() as client:
        await client.send(request(b"/", b"Content-Length: %d" % (200 << 20), method=b"POST"))

        async def send() -> None:
            nonlocal sent
            for _ in range(200):
                client.writer.write(MEBIBYTE)
                await client.writer.drain()
                sent += len(MEBIBYTE)

        sending = asyncio.create_task(send())
        assert await _standstill(lambda: sent) < 20 << 20
        sending.cancel()
        resume.set()


async def _standstill(count: Callable[[], int]) -> int:
    """The count when it has not changed for a while."""
    last, same = count(), 0
    while same < 10:
        await asyncio.sleep(0.03)
        last, same = (last, same + 1) if count() == last else (count(), 0)
    return last
