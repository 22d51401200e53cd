"""So many requests of a client are in flight at a node, and a place is free again whatever became of one."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from gateway.proxy.transaction import Transaction
from loadtest import redis_server
from tests.integration.gateway.client import Answer, Client, request, within
from tests.integration.gateway.limiter.node import hanging
from tests.integration.gateway.node import Node, eventually, running_node
from tests.integration.gateway.upstream import Held, Peer, Upstream

StartNode = Callable[..., Awaitable[Node]]


async def get(node: Node, key: bytes = b"key-1") -> Answer:
    async with await node.connect() as client:
        return await client.get(key=key)


@asynccontextmanager
async def in_flight(node: Node, upstream: Upstream, number: int) -> AsyncIterator[list[Client]]:
    """So many requests that the upstream has and does not answer."""

    async def arrived() -> int:
        return len(upstream.requests)

    before = len(upstream.requests)
    async with AsyncExitStack() as connections:
        clients = [await connections.enter_async_context(await node.connect()) for _ in range(number)]
        for client in clients:
            await client.send(request())
        await eventually(arrived, lambda found: found == before + number)
        yield clients


async def has_all_its_places(node: Node, upstream: Upstream, number: int) -> None:
    """Whether a client that may have so many in flight still may; the upstream holds them."""
    await node.settled()
    upstream.script = Held(upstream)
    async with in_flight(node, upstream, number):
        assert (await get(node)).status == 429


async def test_one_more_than_may_be_in_flight_is_refused_and_waits_for_a_second(
    start_node: StartNode, upstream: Upstream
) -> None:
    held = upstream.script = Held(upstream)
    node = await start_node(default_concurrency=2)
    async with in_flight(node, upstream, 2) as clients:
        refused = await get(node)

        assert refused.status == 429
        assert refused.value("Retry-After") == b"1"
        document = json.loads(refused.body)
        assert document["type"].endswith("#quota-exceeded")
        assert document["violated-policies"] == ["concurrency"]
        assert len(upstream.requests) == 2

        held.go.set()
        answers = [await client.answer() for client in clients]
    assert [answer.status for answer in answers] == [200, 200]
    left = [(answer.value("RateLimit") or b"").rpartition(b", ")[2] for answer in answers]
    assert sorted(left) == [b'"concurrency";r=0', b'"concurrency";r=1'], "whoever came first"
    record = await node.settled()
    assert (record.boot.admitted, record.boot.refused, record.store.decisions) == (2, 1, 2)
    assert (await get(node)).status == 200


async def test_another_client_and_another_node_have_places_of_their_own(
    start_node: StartNode, upstream: Upstream
) -> None:
    held = upstream.script = Held(upstream)
    node, other = [await start_node(node_id=f"node-{n}", default_concurrency=1) for n in (1, 2)]
    async with in_flight(node, upstream, 1):
        answers = [asyncio.create_task(get(node, b"key-2")), asyncio.create_task(get(other))]
        await asyncio.sleep(0)
        held.go.set()
        assert [(await within(answer)).status for answer in answers] == [200, 200]


async def test_a_client_that_leaves_gives_its_place_back(start_node: StartNode, upstream: Upstream) -> None:
    upstream.script = Held(upstream)
    node = await start_node(default_concurrency=2)
    async with in_flight(node, upstream, 2):
        pass  # and they are gone

    await has_all_its_places(node, upstream, 2)


async def test_clients_that_leave_while_they_are_decided_about_give_their_places_back(
    start_node: StartNode, upstream: Upstream
) -> None:
    with redis_server.running() as server:
        node = await start_node(redis_url=server.url, default_concurrency=2, store_deadline=2.0)
        with hanging(server.pid):
            for _ in range(3):
                async with await node.connect() as client:
                    await client.send(request())
                    await eventually(node.record, lambda record: record.in_flight == 1)
                await eventually(node.record, lambda record: record.in_flight == 0)
        await has_all_its_places(node, upstream, 2)


BROKEN = {
    "says nonsense": b"nonsense\r\n\r\n",
    "breaks off": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok",
    "answers with an error": b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
async def test_an_upstream_that_fails_gives_the_place_back(
    start_node: StartNode, upstream: Upstream, answer: bytes
) -> None:
    node = await start_node(default_concurrency=2)

    async def script(peer: Peer) -> None:
        await upstream.take(peer)
        await peer.send(answer)
        peer.close()

    upstream.script = script
    for _ in range(3):
        async with await node.connect() as client:
            await client.send(request())
            await client.head()
    await has_all_its_places(node, upstream, 2)


async def test_an_upstream_that_is_silent_gives_the_place_back(
    start_node: StartNode, upstream: Upstream
) -> None:
    upstream.script = Held(upstream)
    node = await start_node(default_concurrency=1, upstream_timeout=0.2)
    answers = [await get(node) for _ in range(3)]

    assert [answer.status for answer in answers] == [504] * 3


async def test_what_is_refused_gives_its_place_back(start_node: StartNode, upstream: Upstream) -> None:
    node = await start_node(default_concurrency=2, default_limit="4/h")
    assert [(await get(node)).status for _ in range(5)] == [200] * 4 + [429]

    await node.shut_down()
    node = await start_node(
        default_concurrency=2, on_store_failure="closed", redis_url="redis://127.0.0.1:1/0"
    )
    assert [(await get(node)).status for _ in range(5)] == [503] * 5


async def test_concurrency_in_shadow_refuses_nobody_and_tells(
    start_node: StartNode, upstream: Upstream
) -> None:
    held = upstream.script = Held(upstream)
    node = await start_node(default_concurrency=1, shadow=True)
    async with in_flight(node, upstream, 3) as clients:
        held.go.set()
        assert [(await client.answer()).status for client in clients] == [200] * 3

    assert (await node.settled()).boot.shadow_refused == 2


@pytest.mark.source
async def test_a_fault_of_ours_gives_the_place_back(
    upstream: Upstream, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by `start_node`, which would not have an error logged."""
    async with running_node(
        upstream_url=upstream.url, redis_url=redis_url, default_concurrency=1, node_id="node-1"
    ) as node:
        with monkeypatch.context() as broken:
            broken.setattr(Transaction, "_try_next_address", None)
            assert [(await get(node)).status for _ in range(3)] == [500] * 3
        assert (await get(node)).status == 200
