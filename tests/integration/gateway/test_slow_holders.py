"""Clients that send or read slowly do not keep all places at an upstream from others."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from gateway.proxy import slow_holders
from tests.integration.gateway.client import Client, request
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.upstream import Peer, Upstream

StartNode = Callable[..., Awaitable[Node]]
PLACES = 4
LONG = 8_000_000


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_holders, "WINDOW_SECONDS", 0.3)
    monkeypatch.setattr(slow_holders, "SAMPLE_SECONDS", 0.05)


async def gave_way(node: Node) -> int:
    """How many requests have given way."""
    (line,) = [
        line
        for line in (await node.admin("/metrics"))[1].splitlines()
        if line.startswith("gateway_upstream_gave_way_total")
    ]
    return int(line.split()[1])


async def full_of(node: Node, clients: list[Client]) -> None:
    """Wait until each client's request has its place, and its rate has been measured."""
    await eventually(node.record, lambda record: record.in_flight == len(clients))
    await asyncio.sleep(0.6)


async def test_slow_bodies_give_way_with_a_408(start_node: StartNode, upstream: Upstream) -> None:
    node = await start_node(upstream_connections=PLACES, exempt="/health")
    async with contextlib.AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(await node.connect()) for _ in range(PLACES)]
        for client in slow:
            await client.send(
                request(b"/health", b"Content-Length: 100000", key=None, method=b"POST") + b"x" * 1000
            )
        await full_of(node, slow)
        async with await Client.connect(node.port) as other:
            assert (await other.get(key=b"other")).status == 200
        answers = [asyncio.ensure_future(client.answer()) for client in slow]
        done, pending = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
        assert [each.result().status for each in done] == [408]
        for each in pending:
            each.cancel()
        await asyncio.wait(pending)

    assert await gave_way(node) == 1


async def test_slow_readers_give_way_by_a_reset(start_node: StartNode, upstream: Upstream) -> None:
    async def script(peer: Peer) -> None:
        head = await peer.head()
        if b"/long" in head.start_line:
            with contextlib.suppress(ConnectionError):
                await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LONG + bytes(LONG))
            await peer.gone()
        else:
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    upstream.script = script
    node = await start_node(upstream_connections=PLACES)
    async with contextlib.AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(await node.connect()) for _ in range(PLACES)]
        for client in slow:
            cast(asyncio.Transport, client.writer.transport).pause_reading()
            await client.send(request(b"/long", key=b"slow"))
        await full_of(node, slow)
        async with await Client.connect(node.port) as other:
            assert (await other.get(key=b"other")).status == 200

    assert await gave_way(node) == 1


async def test_none_gives_way_while_a_place_is_free(start_node: StartNode, upstream: Upstream) -> None:
    node = await start_node(upstream_connections=PLACES)
    async with contextlib.AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(await node.connect()) for _ in range(PLACES - 1)]
        for client in slow:
            await client.send(request(b"/", b"Content-Length: 100000", key=b"slow", method=b"POST") + b"x")
        await full_of(node, slow)
        async with await Client.connect(node.port) as other:
            assert (await other.get(key=b"other")).status == 200

    assert await gave_way(node) == 0
