"""Clients that leave at every moment: nothing stays behind, and the counts add up."""

import asyncio
import os
import random
import signal
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from loadtest import redis_server
from tests.integration.gateway.client import request, within
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.upstream import Peer, Upstream, reset_at_close

StartNode = Callable[..., Awaitable[Node]]


class Watched:
    """A script that tells when a request is there and when its connection is gone."""

    def __init__(self, upstream: Upstream, answer: bytes = b"") -> None:
        self._upstream = upstream
        self._answer = answer
        self.arrived = asyncio.Event()
        self.gone = asyncio.Event()

    async def __call__(self, peer: Peer) -> None:
        self._upstream.requests.append(await peer.head())
        self.arrived.set()
        await peer.send(self._answer)
        await peer.gone()
        self.gone.set()


async def test_an_answer_that_is_the_last_comes_whole_though_more_was_asked_for(
    node: Node, upstream: Upstream
) -> None:
    """A close with bytes unread resets the connection, and takes along what is still on its way."""
    size = 3_000_000
    upstream.script = upstream.answering(
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size)
    )
    async with await node.connect() as client:
        client.writer.write(request(b"/1", b"Connection: close") + request(b"/2") * 5000)
        transport = cast(asyncio.Transport, client.writer.transport)
        transport.pause_reading()
        await eventually(node.record, lambda record: record.upstream.answered == 1)
        transport.resume_reading()
        answer = await client.answer()
        assert await client.rest() == b""

    assert (answer.status, len(answer.body)) == (200, size)
    assert len(upstream.requests) == 1


async def test_a_client_that_leaves_with_more_than_is_held_behind_its_request_takes_it_along(
    node: Node, upstream: Upstream
) -> None:
    """Nothing more is read then, so its reset is not either."""
    watched = upstream.script = Watched(upstream)
    async with await node.connect() as client:
        client.writer.write(request() * 5000)
        await within(watched.arrived.wait())
        reset_at_close(client.writer.transport)
    await within(watched.gone.wait())

    assert (await node.settled()).boot.requests == 1


@pytest.mark.parametrize(
    "sent",
    [
        request(),
        request(b"/", b"Content-Length: 10", method=b"POST") + b"some",
        request(b"/", b"Transfer-Encoding: chunked", method=b"POST") + b"4\r\nsome\r\n",
    ],
    ids=["waiting", "in the middle of its body", "in the middle of its chunks"],
)
async def test_a_client_that_leaves_before_the_answer_takes_its_request_with_it(
    node: Node, upstream: Upstream, sent: bytes
) -> None:
    watched = upstream.script = Watched(upstream)
    async with await node.connect() as client:
        await client.send(sent)
        await within(watched.arrived.wait())
        assert (await node.record()).in_flight == 1
    await within(watched.gone.wait())

    record = await node.settled()
    assert (record.boot.admitted, record.boot.failed, record.boot.requests) == (1, 0, 1)
    assert record.latency != ()


@pytest.mark.parametrize("framing", [b"Content-Length: 100000000", b"X: y"], ids=["length", "until close"])
async def test_a_client_that_leaves_in_the_middle_of_the_answer_stops_it(
    node: Node, upstream: Upstream, framing: bytes
) -> None:
    stopped = upstream.answers_without_end(framing)
    async with await node.connect() as client:
        await client.send(request())
        await client.head()
        await within(client.reader.readexactly(1 << 20))
    await within(stopped.wait())

    record = await node.settled()
    assert (record.boot.admitted, record.boot.failed, record.boot.requests) == (1, 0, 1)


async def test_clients_that_reset_in_the_middle_of_an_answer_are_counted_once_each(
    node: Node, upstream: Upstream
) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        chunks = (b"400\r\n" + bytes(1024) + b"\r\n") * 400
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")

    upstream.script = script
    chance = random.Random(1)

    async def leave_in_the_middle() -> None:
        async with await node.connect() as client:
            linger = struct.pack("ii", 1, 0)  # a reset instead of an orderly end
            client.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            await client.send(request())
            await within(client.reader.read(chance.choice([1, 1000, 50_000, 200_000])))

    for _ in range(20):
        await asyncio.gather(*(leave_in_the_middle() for _ in range(20)))
    record = await node.settled()
    assert (record.boot.requests, record.boot.admitted, record.boot.failed) == (400, 400, 0)


async def test_a_client_that_leaves_while_the_answer_pauses_frees_the_upstream(
    node: Node, upstream: Upstream
) -> None:
    watched = upstream.script = Watched(upstream, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nsome")
    async with await node.connect() as client:
        await client.send(request())
        await client.head()
        await within(client.reader.readexactly(4))
    await within(watched.gone.wait())

    assert (await node.settled()).boot.admitted == 1


async def test_clients_that_leave_with_requests_in_the_pipeline_leave_nothing(
    node: Node, upstream: Upstream
) -> None:
    watched = upstream.script = Watched(upstream)
    async with await node.connect() as client:
        await client.send(request() * 10)
        await within(watched.arrived.wait())
    await within(watched.gone.wait())

    assert (await node.settled()).boot.requests == 1
    assert len(upstream.requests) == 1


async def test_a_client_that_was_refused_may_leave_in_the_middle_of_its_body(
    start_node: StartNode, upstream: Upstream
) -> None:
    node = await start_node(default_limit="1/h")
    async with await node.connect() as client:
        await client.get()
        await client.send(request(b"/", b"Content-Length: 100000", method=b"POST") + b"some")
        assert (await client.answer()).status == 429

    totals = (await node.settled()).boot
    assert (totals.admitted, totals.refused, totals.failed) == (1, 1, 0)


async def test_many_that_come_and_go_leave_consistent_counts(node: Node, upstream: Upstream) -> None:
    async def visit(number: int) -> None:
        async with await node.connect() as client:
            for _ in range(number % 3):
                await client.get()
            await client.send(request(method=b"POST", body=b"x" * 5000)[: 4000 * (number % 2) + 60])

    await asyncio.gather(*(visit(number) for number in range(60)))

    record = await eventually(node.record, lambda record: record.in_flight == 0)
    totals = record.boot
    assert totals.requests == totals.admitted + totals.refused + totals.failed + totals.unidentified
    assert totals.failed == 0
    assert totals.admitted >= 60


async def test_a_client_that_leaves_before_its_decision_is_no_request_and_takes_no_place(
    start_node: StartNode,
) -> None:
    with redis_server.running() as server:
        node = await start_node(redis_url=server.url, default_limit="1/h")
        await eventually(node.record, lambda record: record.store.connected)
        async with await node.connect() as client:
            os.kill(server.pid, signal.SIGSTOP)
            try:
                await client.send(request())
                await eventually(node.record, lambda record: record.in_flight == 1)
                client.writer.transport.abort()
                assert (await node.settled()).boot.requests == 0
            finally:
                os.kill(server.pid, signal.SIGCONT)
        async with await node.connect() as client:
            await eventually(client.get, lambda answer: answer.status == 200)
        await node.shut_down()
