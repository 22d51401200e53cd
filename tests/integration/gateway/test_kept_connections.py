"""Connections to an upstream between requests: used again only where nothing has come, and not for ever."""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from gateway.clock import monotonic
from gateway.proxy.upstream_connection import UpstreamConnection
from gateway.proxy.upstream_pool import UpstreamAddress
from tests.integration.gateway.client import PATIENCE_SECONDS, within
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Peer, Upstream
from tests.support.exchange import exchange

StartNode = Callable[..., Awaitable[Node]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"


@pytest.fixture
async def address(upstream: Upstream) -> AsyncIterator[UpstreamAddress]:
    address = UpstreamAddress(
        upstream.url, ssl.create_default_context(), max_connections=4, idle_seconds=PATIENCE_SECONDS
    )
    yield address
    address.close()


async def used(address: UpstreamAddress) -> UpstreamConnection:
    """A connection after its exchange."""
    connection = await address.connect(PATIENCE_SECONDS)
    await within(exchange(connection, b"GET / HTTP/1.1\r\nHost: service.example\r\n\r\n").content())
    address.release(connection)
    return connection


async def test_a_connection_on_which_nothing_has_come_is_used_again(address: UpstreamAddress) -> None:
    assert await used(address) is await used(address)


async def test_a_kept_connection_can_be_taken_at_once(address: UpstreamAddress) -> None:
    assert address.checkout_idle() is None
    kept = await used(address)
    assert address.checkout_idle() is kept
    assert kept.is_reused
    assert address.checkout_idle() is None


async def test_no_kept_connection_is_taken_where_all_places_are(upstream: Upstream) -> None:
    tls = ssl.create_default_context()
    address = UpstreamAddress(upstream.url, tls, max_connections=2, idle_seconds=PATIENCE_SECONDS)
    first, second = [await address.connect(PATIENCE_SECONDS) for _ in range(2)]
    address.release(first)
    third = await address.connect(PATIENCE_SECONDS, fresh=True)
    assert address.checkout_idle() is None

    address.release(second)
    assert address.checkout_idle() is second
    address.release(second)
    address.release(third)
    address.close()
    assert address.checkout_idle() is None


def says(data: bytes) -> Callable[[int], None]:
    return lambda descriptor: socket_of(descriptor, lambda peer: peer.sendall(data))


def half_closes(descriptor: int) -> None:
    socket_of(descriptor, lambda peer: peer.shutdown(socket.SHUT_WR))


def socket_of(descriptor: int, act: Callable[[socket.socket], None]) -> None:
    with socket.socket(fileno=os.dup(descriptor)) as peer:
        act(peer)


@pytest.mark.parametrize(
    "act", [says(EVIL), says(b"H"), half_closes], ids=["another answer", "a byte", "the end"]
)
async def test_what_came_on_an_idle_connection_is_no_answer_though_nobody_has_read_it(
    address: UpstreamAddress, upstream: Upstream, act: Callable[[int], None]
) -> None:
    """The event loop gets no turn between its coming and the next request."""
    peers: list[Peer] = []

    async def script(peer: Peer) -> None:
        peers.append(peer)
        await upstream.answering(OK)(peer)

    upstream.script = script
    kept = await used(address)
    act(peers[0].writer.get_extra_info("socket").fileno())
    deadline = monotonic() + PATIENCE_SECONDS
    while kept.is_clean:
        assert monotonic() < deadline

    assert await used(address) is not kept
    assert len(peers) == 2


async def test_an_idle_connection_ends_though_no_request_follows(
    start_node: StartNode, upstream: Upstream
) -> None:
    node = await start_node(upstream_idle_timeout=0.1)
    ended = asyncio.Event()

    async def script(peer: Peer) -> None:
        await upstream.take(peer)
        await peer.send(OK)
        await peer.gone()
        ended.set()

    upstream.script = script
    async with await node.connect() as client:
        assert (await client.get()).body == b"ok"
        await within(ended.wait())


async def test_of_several_idle_connections_each_ends_in_its_turn(upstream: Upstream) -> None:
    tls = ssl.create_default_context()
    address = UpstreamAddress(upstream.url, tls, max_connections=4, idle_seconds=0.3)
    first, second = [await address.connect(PATIENCE_SECONDS) for _ in range(2)]
    address.release(first)
    await asyncio.sleep(0.2)
    address.release(second)
    ended: list[UpstreamConnection] = []
    deadline = monotonic() + PATIENCE_SECONDS
    while len(ended) < 2:
        assert monotonic() < deadline
        ended += [one for one in (first, second) if one not in ended and not one.can_be_reused]
        await asyncio.sleep(0.01)
    assert ended == [first, second]

    address.close()
