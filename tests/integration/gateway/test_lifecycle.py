"""Draining: what is in flight finishes, nothing new comes in."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from redis.asyncio import Redis

from gateway.clock import monotonic
from gateway.errors import StartError
from tests.integration.gateway.client import request, within
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.published import entry
from tests.integration.gateway.upstream import Peer, Upstream

StartNode = Callable[..., Awaitable[Node]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def draining(node: Node) -> None:
    """Tell a node to stop, and wait until it says so."""
    node.stop.set()
    await eventually(lambda: node.admin("/readyz"), lambda answer: answer == (503, "draining\n"))


async def test_readiness_ends_with_the_drain_and_health_does_not(node: Node, upstream: Upstream) -> None:
    release = asyncio.Event()

    async def script(peer: Peer) -> None:
        await upstream.take(peer)
        await release.wait()
        await peer.send(OK)

    upstream.script = script
    assert await node.admin("/readyz") == (200, "ready\n")
    async with await node.connect() as client:
        await client.send(request())
        await eventually(node.record, lambda record: record.in_flight == 1)
        await draining(node)
        assert await node.admin("/healthz") == (200, "ok\n")
        with pytest.raises(ConnectionRefusedError):
            await node.connect()
        release.set()
        answer = await client.answer()
        assert await client.rest() == b""

    assert (answer.status, answer.body) == (200, b"ok")
    assert answer.closes
    await within(node.task)


async def test_after_the_delay_it_accepts_no_more(start_node: StartNode) -> None:
    node = await start_node(drain_delay=0.3)
    await draining(node)
    await within(node.task)
    with pytest.raises(ConnectionRefusedError):
        await node.connect()


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_a_body_that_is_under_way_arrives_whole_during_the_drain(
    node: Node, upstream: Upstream, chunked: bool
) -> None:
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 1000000"
    async with await node.connect() as client:
        await client.send(request(b"/", framing, method=b"POST"))
        await client.send(b"f4240\r\n" * chunked + bytes(500_000))
        await eventually(node.record, lambda record: record.in_flight == 1)
        await draining(node)
        await client.send(bytes(500_000) + b"\r\n0\r\n\r\n" * chunked)
        answer = await client.answer()

    assert answer.status == 200
    assert upstream.bodies == [bytes(1_000_000)]
    await within(node.task)


async def test_a_body_whose_framing_breaks_during_the_drain_is_refused(
    node: Node, upstream: Upstream
) -> None:
    async with await node.connect() as client:
        await client.send(request(b"/", b"Transfer-Encoding: chunked", method=b"POST") + b"3\r\nabc\r\n")
        await eventually(node.record, lambda record: record.in_flight == 1)
        await draining(node)
        await client.send(b"zz\r\n")
        assert (await client.answer()).status == 400

    await within(node.task)


async def test_an_answer_that_is_under_way_arrives_whole_during_the_drain(
    node: Node, upstream: Upstream
) -> None:
    release = asyncio.Event()

    async def script(peer: Peer) -> None:
        await upstream.take(peer)
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(300_000))
        await release.wait()
        await peer.send(bytes(700_000))

    upstream.script = script
    async with await node.connect() as client:
        await client.send(request())
        await client.head()
        await draining(node)
        release.set()
        assert b"".join([chunk async for chunk in client.chunks()]) == bytes(1_000_000)

    await within(node.task)


async def test_a_request_that_takes_too_long_is_given_up(
    start_node: StartNode, upstream: Upstream, redis_client: Redis
) -> None:
    node = await start_node(drain_timeout=0.7)
    dropped = asyncio.Event()

    async def script(peer: Peer) -> None:
        await upstream.take(peer)
        await peer.gone()
        dropped.set()

    upstream.script = script
    async with await node.connect() as client:
        await client.send(request())
        await eventually(node.record, lambda record: record.in_flight == 1)
        started = monotonic()
        await within(node.shut_down())
        taken = monotonic() - started
        assert await client.rest() == b""
    await within(dropped.wait())
    assert 0.7 <= taken < 1.3

    last = (await entry(redis_client)).last
    assert (last.leaving, last.in_flight) == (True, 0)
    assert (last.boot.failed, last.boot.requests) == (1, 1)


async def test_the_last_record_counts_everything_and_says_that_the_node_left(
    node: Node, redis_client: Redis
) -> None:
    async with await node.connect() as client:
        for _ in range(7):
            await client.get()
    await node.shut_down()

    last = (await entry(redis_client)).last
    assert (last.leaving, last.boot.admitted) == (True, 7)


async def test_an_ipv6_address_is_told_in_brackets(start_node: StartNode) -> None:
    node = await start_node(advertise_host="2001:db8::7")

    assert (await node.state()).address == f"[2001:db8::7]:{node.port}"


@pytest.mark.parametrize("setting", ["host", "admin_host"])
async def test_an_address_that_is_none_ends_the_start(start_node: StartNode, setting: str) -> None:
    with pytest.raises(BaseExceptionGroup) as raised:
        await start_node(**{setting: "no.such.host.invalid"})

    (error,) = raised.value.exceptions
    assert isinstance(error, StartError)
    assert error.exit_code == 3
    assert f"GATEWAY_{setting.upper()}=no.such.host.invalid" in str(error)


async def test_a_node_starts_without_redis_says_so_and_serves_by_policy(
    start_node: StartNode, caplog: pytest.LogCaptureFixture
) -> None:
    node = await start_node(redis_url="redis://:hidden@127.0.0.1:1/0", default_limit="2/m")
    async with await node.connect() as client:
        answers = [await client.get() for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert await node.admin("/readyz") == (200, "ready\n")
    assert "until Redis at redis://:***@127.0.0.1:1/0 is there" in caplog.text
    assert "hidden" not in caplog.text
    assert not (await node.record()).store.connected
