"""Kept connections of a node that leaves: no request on its way is lost, and each ends in order."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.proxy import client_connection, server
from tests.certificates import Authority
from tests.integration.gateway.client import Client, request, within
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.upstream import Peer, Upstream

StartNode = Callable[..., Awaitable[Node]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LONG_SECONDS = 60.0
SHORT_SECONDS = 0.01


@pytest.fixture
async def patient(start_node: StartNode, monkeypatch: pytest.MonkeyPatch) -> Node:
    """A node that leaves its clients much time."""
    monkeypatch.setattr(server, "DRAIN_POLL_SECONDS", LONG_SECONDS)
    node: Node = await start_node(drain_timeout=LONG_SECONDS)
    return node


@pytest.fixture
async def quick(start_node: StartNode, monkeypatch: pytest.MonkeyPatch) -> Node:
    """A node that leaves its clients next to none, until it has said goodbye."""
    monkeypatch.setattr(server, "DRAIN_POLL_SECONDS", SHORT_SECONDS)
    monkeypatch.setattr(client_connection, "LINGER_SECONDS", LONG_SECONDS)
    node: Node = await start_node(drain_timeout=LONG_SECONDS)
    return node


async def accepts_no_more(node: Node) -> None:
    """Tell a node to stop, and wait until it has closed its port."""

    async def is_refused() -> bool:
        try:
            client = await node.connect()
        except ConnectionError:
            return True
        client.writer.transport.abort()
        return False

    node.stop.set()
    await eventually(is_refused, bool)


async def test_a_request_on_a_kept_connection_is_answered_and_is_the_last(patient: Node) -> None:
    async with await patient.connect() as kept, await patient.connect() as unused:
        assert not (await kept.get()).closes
        await accepts_no_more(patient)
        for client in (kept, unused):
            answer = await client.get()
            assert (answer.status, answer.closes) == (200, True)
            assert await client.rest() == b""
    await within(patient.task)


async def test_a_connection_whose_answer_did_not_say_that_it_closes_has_another_chance(
    patient: Node, upstream: Upstream
) -> None:
    release = asyncio.Event()

    async def script(peer: Peer) -> None:
        await upstream.take(peer)
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
        await release.wait()
        await peer.send(b"k")
        await upstream.take(peer)
        await peer.send(OK)

    upstream.script = script
    async with await patient.connect() as client:
        await client.send(request())
        _, lines = await client.head()
        await accepts_no_more(patient)
        release.set()
        assert await within(client.reader.readexactly(2)) == b"ok"
        answer = await client.get()

    assert b"Connection: close" not in lines
    assert (answer.status, answer.closes) == (200, True)
    await within(patient.task)


async def test_a_connection_without_a_request_ends_in_order(quick: Node) -> None:
    async with await quick.connect() as kept, await quick.connect() as unused:
        await kept.get()
        quick.stop.set()
        for client in (kept, unused):
            assert await client.rest() == b""
    await within(quick.task)


async def test_a_head_that_has_begun_is_waited_for(quick: Node) -> None:
    async with await quick.connect() as client, await quick.connect() as silent:
        await client.get()
        await client.send(request()[:20])
        quick.stop.set()
        assert await silent.rest() == b""
        silent.writer.close()
        await client.send(request()[20:])
        answer = await client.answer()

    assert (answer.status, answer.closes) == (200, True)
    await within(quick.task)


async def test_a_request_behind_the_end_is_dropped_without_a_reset(quick: Node, upstream: Upstream) -> None:
    loop = asyncio.get_running_loop()
    with socket.create_connection(("127.0.0.1", quick.port)) as client:
        client.setblocking(False)
        quick.stop.set()
        assert await within(loop.sock_recv(client, 1)) == b""
        client.sendall(request())
        client.shutdown(socket.SHUT_WR)
        await within(quick.task)

        assert await within(loop.sock_recv(client, 1)) == b""
        assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    assert upstream.requests == []


async def test_by_tls_the_end_is_told_as_well(
    start_node: StartNode, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(server, "DRAIN_POLL_SECONDS", SHORT_SECONDS)
    authority = Authority(tmp_path)
    certificate, key = authority.sign()
    node: Node = await start_node(tls_cert=certificate, tls_key=key, drain_timeout=LONG_SECONDS)
    async with await Client.connect(node.port, authority.client()) as client:
        assert (await client.get()).status == 200
        node.stop.set()
        assert await client.rest() == b""
    await within(node.task)


async def test_a_second_signal_does_not_wait_for_who_is_silent(patient: Node) -> None:
    async with await patient.connect() as client:
        assert (await client.get()).status == 200
        patient.stop.set()
        patient.hurry.set()
        await within(patient.task)
        assert await client.rest() == b""


async def test_what_came_while_the_node_was_busy_is_answered(
    start_node: StartNode, upstream: Upstream
) -> None:
    """The idle connection's time is over before its request is read, and not before it came."""
    upstream.script = upstream.answering(OK)
    node = await start_node(drain_timeout=LONG_SECONDS)
    loop = asyncio.get_running_loop()
    busy, trigger = socket.socketpair()
    with busy, trigger, socket.create_connection(("127.0.0.1", node.port)) as client:
        client.setblocking(False)
        client.sendall(request())
        assert (await within(loop.sock_recv(client, 1000))).startswith(b"HTTP/1.1 200 OK")

        def reads_something_else() -> None:
            loop.remove_reader(busy)
            client.sendall(request())
            time.sleep(1.1 * server.DRAIN_POLL_SECONDS)

        loop.add_reader(busy, reads_something_else)
        await accepts_no_more(node)
        trigger.send(b"x")
        assert (await within(loop.sock_recv(client, 1000))).startswith(b"HTTP/1.1 200 OK")
    await within(node.task)
