"""An upstream of several addresses: who gets a request, and what happens where one fails."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from loadtest.ports import free_port
from tests.integration.gateway.client import request
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.upstream import Peer, Upstream

StartNode = Callable[..., Awaitable[Node]]


@pytest.fixture
async def other() -> AsyncIterator[Upstream]:
    """The service's second address."""
    async with Upstream() as started:
        yield started


def listed(*upstreams: Upstream | str) -> str:
    return ", ".join(each if isinstance(each, str) else each.url for each in upstreams)


def nobody() -> str:
    return f"http://127.0.0.1:{free_port()}"


async def test_idle_addresses_take_turns(start_node: StartNode, upstream: Upstream, other: Upstream) -> None:
    node = await start_node(upstream_url=listed(upstream, other))
    async with await node.connect() as client:
        for _ in range(10):
            assert (await client.get()).status == 200

    assert (len(upstream.requests), len(other.requests)) == (5, 5)


async def test_the_least_busy_address_gets_the_request(
    start_node: StartNode, upstream: Upstream, other: Upstream
) -> None:
    node = await start_node(upstream_url=listed(upstream, other))
    free = asyncio.Event()

    async def slow(peer: Peer) -> None:
        await upstream.take(peer)
        await free.wait()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow")

    upstream.script = slow
    async with await node.connect() as waiting, await node.connect() as client:
        while not upstream.requests:
            await waiting.send(request())
            await eventually(lambda: answered(upstream, other), lambda count: count > 0)
        taken = len(upstream.requests)
        for _ in range(4):
            assert (await client.get()).body == b"ok"
        assert len(upstream.requests) == taken
        free.set()


async def answered(*upstreams: Upstream) -> int:
    return sum(len(upstream.requests) for upstream in upstreams)


@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_where_nobody_is_the_next_address_is_tried(
    start_node: StartNode, upstream: Upstream, method: bytes
) -> None:
    """Nothing of the request has gone out, so any may go elsewhere, with its body."""
    node = await start_node(upstream_url=listed(nobody(), upstream, nobody()))
    async with await node.connect() as client:
        for _ in range(6):
            assert (await client.get(method=method, body=b"body")).status == 200

    assert upstream.bodies == [b"body"] * 6
    record = await node.settled()
    assert (record.boot.admitted, record.upstream.answered, record.upstream.broken) == (6, 6, 0)


async def closing(peer: Peer) -> None:
    """Takes a request and closes."""
    await peer.body(await peer.head())
    peer.close()


REPEATED = [(b"GET", b"", True), (b"DELETE", b"", True), (b"POST", b"", False), (b"PUT", b"body", False)]


@pytest.mark.parametrize(("method", "body", "repeated"), REPEATED)
async def test_what_got_no_answer_goes_elsewhere_if_that_is_safe(
    start_node: StartNode, upstream: Upstream, other: Upstream, method: bytes, body: bytes, repeated: bool
) -> None:
    node = await start_node(upstream_url=listed(upstream, other))
    upstream.script = closing
    async with await node.connect() as client:
        answers = [await client.get(method=method, body=body) for _ in range(2)]

    assert [answer.status for answer in answers] == ([200, 200] if repeated else [502, 200])
    assert f"gateway_upstream_retries_total {int(repeated)}\n" in (await node.admin("/metrics"))[1]
    assert len(other.requests) == (2 if repeated else 1)


async def test_what_was_answered_in_part_goes_nowhere_else(
    start_node: StartNode, upstream: Upstream, other: Upstream
) -> None:
    async def partly(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 2")
        peer.close()

    node = await start_node(upstream_url=listed(upstream, other))
    upstream.script = partly
    async with await node.connect() as client:
        assert (await client.get()).status == 502
    assert other.requests == []


async def test_silence_is_a_504_and_goes_nowhere_else(
    start_node: StartNode, upstream: Upstream, other: Upstream
) -> None:
    async def silent(peer: Peer) -> None:
        await peer.head()
        await peer.gone()

    node = await start_node(upstream_url=listed(upstream, other), upstream_timeout=1.0)
    upstream.script = silent
    async with await node.connect() as client:
        assert (await client.get()).status == 504
        assert other.requests == []
        assert (await client.get()).status == 200


async def test_no_request_is_sent_more_often_than_there_are_addresses(
    start_node: StartNode, upstream: Upstream, other: Upstream
) -> None:
    count = 0

    async def counting(peer: Peer) -> None:
        nonlocal count
        await peer.head()
        count += 1
        peer.close()

    node = await start_node(upstream_url=listed(upstream, other))
    upstream.script = other.script = counting
    async with await node.connect() as client:
        assert (await client.get()).status == 502
    assert count == 2


async def test_where_all_are_left_out_a_request_is_tried_all_the_same(
    start_node: StartNode, upstream: Upstream, other: Upstream
) -> None:
    node = await start_node(upstream_url=listed(upstream, other))
    upstream.script = other.script = closing
    async with await node.connect() as client:
        for _ in range(4):
            assert (await client.get()).status == 502
        for each in (upstream, other):
            each.script = each.answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        for _ in range(4):
            assert (await client.get()).status == 200


async def test_an_address_that_failed_is_left_out_and_comes_back(
    start_node: StartNode, upstream: Upstream, other: Upstream
) -> None:
    node = await start_node(upstream_url=listed(upstream, other))
    upstream.script = closing
    async with await node.connect() as client:
        for _ in range(10):
            assert (await client.get()).status == 200
        assert upstream.requests == []
        upstream.script = upstream.answering(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nback")

        async def body() -> bytes:
            return (await client.get()).body

        assert await eventually(body, lambda body: body == b"back")


async def test_an_answer_of_5xx_is_an_answer(
    start_node: StartNode, upstream: Upstream, other: Upstream
) -> None:
    node = await start_node(upstream_url=listed(upstream, other))
    upstream.script = upstream.answering(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
    async with await node.connect() as client:
        statuses = [(await client.get()).status for _ in range(6)]

    assert sorted(statuses) == [200, 200, 200, 503, 503, 503]


async def test_a_node_holds_no_more_connections_than_it_may(
    start_node: StartNode, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    node = await start_node(upstream_connections=2)
    free = asyncio.Event()

    async def slow(peer: Peer) -> None:
        while True:
            await upstream.take(peer)
            await free.wait()
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow")

    upstream.script = slow
    async with await node.connect() as one, await node.connect() as two, await node.connect() as three:
        await one.send(request())
        await two.send(request())
        await eventually(lambda: answered(upstream), lambda count: count == 2)
        shed = await three.get()
        free.set()
        assert [(await client.answer()).status for client in (one, two)] == [200, 200]
        assert (await three.get()).status == 200

    assert (shed.status, shed.value("Retry-After")) == (503, b"1")
    assert "2 requests are there, and more may not be" in caplog.text
    assert len(upstream.requests) == 3
    assert (await node.settled()).boot.failed == 1
    assert "gateway_upstream_full_total 1\n" in (await node.admin("/metrics"))[1]


async def test_a_request_waits_a_little_for_a_connection(start_node: StartNode, upstream: Upstream) -> None:
    node = await start_node(upstream_connections=1)

    async def slow(peer: Peer) -> None:
        while True:
            await upstream.take(peer)
            await asyncio.sleep(0.05)
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow")

    upstream.script = slow
    async with await node.connect() as one, await node.connect() as two:
        answers = await asyncio.gather(one.get(), two.get())

    assert [answer.status for answer in answers] == [200, 200]
    assert upstream.connections == 2  # one of them to look whether anybody is there
