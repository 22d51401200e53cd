"""What both ends of a tunnel see of each other, and what is left when they have gone."""

import asyncio
import random
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import cast

import pytest

from gateway.proxy import client_connection, tunnel
from gateway.proxy.tcp import unsent_bytes
from tests.certificates import Authority
from tests.integration.gateway.client import request, within
from tests.integration.gateway.footprint import footprint
from tests.integration.gateway.handshakes import OFFER, SWITCH, Open, open_tunnel, tunnels
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.upstream import Upstream, reset_at_close

StartNode = Callable[..., Awaitable[Node]]
OpenOne = Callable[[], AbstractAsyncContextManager[Open]]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
CHUNK = 65536
BIG = 512 * CHUNK
UNDER_WAY = 400_000
"""More than a client's kernel takes that does not read, and not so much that the node stops reading."""


def ends(opened: Open, first: str) -> tuple[Streams, Streams]:
    """Both ends of a tunnel, the one called `first` before the other."""
    client = opened.client.reader, opened.client.writer
    peer = opened.peer.reader, opened.peer.writer
    return (client, peer) if first == "client" else (peer, client)


FROM = pytest.mark.parametrize("first", ["client", "upstream"])


@pytest.fixture(params=["plain", "TLS"])
async def opening(
    request: pytest.FixtureRequest, start_node: StartNode, upstream: Upstream, tmp_path: Path
) -> AsyncIterator[OpenOne]:
    """Opens tunnels through a node, by plain TCP or with TLS on both sides."""
    if request.param == "plain":
        node = await start_node()
        yield lambda: open_tunnel(node, upstream)
    else:
        authority = Authority(tmp_path)
        certificate, key = authority.sign()
        serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        serving.load_cert_chain(*authority.sign("service", host="localhost"))
        async with Upstream(serving) as secured:
            node = await start_node(
                tls_cert=certificate,
                tls_key=key,
                upstream_url=f"https://localhost:{secured.port}",
                upstream_ca=authority.write(),
            )
            yield lambda: open_tunnel(node, secured, tls=authority.client())
    await eventually(lambda: tunnels(node), lambda count: count == 0)


@FROM
async def test_bytes_go_over_as_they_are(opening: OpenOne, first: str) -> None:
    async with opening() as opened:
        (reader, writer), (far_reader, far_writer) = ends(opened, first)
        for size in (1, 1000, 3_000_000):
            noise = random.Random(size).randbytes(size)
            writer.write(noise)
            assert await within(far_reader.readexactly(size)) == noise
            far_writer.write(noise)
            assert await within(reader.readexactly(size)) == noise


@FROM
async def test_both_may_talk_at_the_same_time(opening: OpenOne, first: str) -> None:
    async with opening() as opened:
        (reader, writer), (far_reader, far_writer) = ends(opened, first)
        writer.write(bytes(4_000_000))
        far_writer.write(bytes(5_000_000))
        got = await within(asyncio.gather(reader.readexactly(5_000_000), far_reader.readexactly(4_000_000)))
        assert [len(part) for part in got] == [5_000_000, 4_000_000]


@FROM
async def test_the_last_words_arrive_before_the_end(opening: OpenOne, first: str) -> None:
    async with opening() as opened:
        (_, writer), (far_reader, _) = ends(opened, first)
        writer.write(bytes(2_000_000))
        writer.close()
        assert len(await within(far_reader.read())) == 2_000_000


async def test_what_is_under_way_when_a_server_breaks_still_arrives(node: Node, upstream: Upstream) -> None:
    async with open_tunnel(node, upstream) as opened:
        transport = cast(asyncio.Transport, opened.client.writer.transport)
        transport.pause_reading()
        opened.peer.writer.write(bytes(UNDER_WAY))
        await eventually(lambda: unsent(opened.peer.writer.transport), lambda size: size == 0)
        opened.peer.reset()
        await eventually(lambda: tunnels(node), lambda count: count == 0)
        transport.resume_reading()
        assert len(await within(opened.client.reader.readexactly(UNDER_WAY))) == UNDER_WAY


async def unsent(transport: asyncio.WriteTransport) -> int:
    """Bytes that have not reached the node's side."""
    return unsent_bytes(cast(asyncio.Transport, transport))


@FROM
async def test_who_says_that_nothing_follows_still_hears_the_other(
    node: Node, upstream: Upstream, first: str
) -> None:
    async with open_tunnel(node, upstream) as opened:
        (reader, writer), (far_reader, far_writer) = ends(opened, first)
        writer.write(b"last words")
        writer.write_eof()
        assert await within(far_reader.read()) == b"last words"
        far_writer.write(bytes(1_000_000))
        far_writer.write_eof()
        assert await within(reader.read()) == bytes(1_000_000)
        await eventually(lambda: tunnels(node), lambda count: count == 0)


@FROM
async def test_a_reset_is_a_reset_at_the_other_end(node: Node, upstream: Upstream, first: str) -> None:
    async with open_tunnel(node, upstream) as opened:
        (reader, writer), (far_reader, far_writer) = ends(opened, first)
        writer.write(b"some")
        assert await within(far_reader.readexactly(4)) == b"some"
        far_writer.write(b"seen")  # nothing is under way any more
        assert await within(reader.readexactly(4)) == b"seen"
        reset_at_close(writer.transport)
        writer.transport.abort()
        with pytest.raises(ConnectionResetError):
            await within(far_reader.read())
        await eventually(lambda: tunnels(node), lambda count: count == 0)


async def test_a_servers_last_words_before_a_reset_arrive_though_a_write_sees_it_first(
    start_node: StartNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        node = await start_node(upstream_url=f"http://127.0.0.1:{listening.getsockname()[1]}")
        looked, _ = await within(loop.sock_accept(listening))
        looked.close()
        async with await node.connect() as client:
            await client.send(request(b"/", *OFFER))
            server, _ = await within(loop.sock_accept(listening))
            await within(loop.sock_recv(server, 65536))
            await within(loop.sock_sendall(server, SWITCH))
            await client.head()
            relay = tunnel.Tunnel.relay

            def break_and_pass_on(self: tunnel.Tunnel, end: tunnel.TunnelEndpoint, data: bytes) -> None:
                if end is self.client:
                    server.send(b"last words")
                    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    server.close()
                relay(self, end, data)

            monkeypatch.setattr(tunnel.Tunnel, "relay", break_and_pass_on)
            heard = asyncio.ensure_future(client.reader.readexactly(10))  # a stream that broke gives nothing
            await asyncio.sleep(0)
            await client.send(b"x")
            assert await within(heard) == b"last words"


class Flood:
    """Sends as much as is taken, up to `BIG`."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.sent_bytes = 0
        self._writer = writer

    async def send(self) -> None:
        while self.sent_bytes < BIG:
            self._writer.write(bytes(CHUNK))
            await self._writer.drain()
            self.sent_bytes += CHUNK

    async def stuck(self) -> None:
        """Return when nothing has been taken for a while."""
        before = -1
        while before < self.sent_bytes:
            before = self.sent_bytes
            await asyncio.sleep(0.1)


@FROM
async def test_who_takes_nothing_holds_the_other_back(opening: OpenOne, first: str) -> None:
    async with opening() as opened, asyncio.TaskGroup() as tasks:
        (_, writer), (far_reader, _) = ends(opened, first)
        flood = Flood(writer)
        tasks.create_task(flood.send())
        await flood.stuck()
        assert flood.sent_bytes < BIG // 2
        assert len(await within(far_reader.readexactly(BIG))) == BIG


async def test_silence_ends_it(start_node: StartNode, upstream: Upstream) -> None:
    node = await start_node(tunnel_idle_timeout=0.2)
    async with open_tunnel(node, upstream) as opened:
        assert await within(opened.client.reader.read()) == b""
        assert await within(opened.peer.reader.read()) == b""
        await eventually(lambda: tunnels(node), lambda count: count == 0)


@FROM
async def test_who_says_that_nothing_follows_must_be_answered_in_time(
    node: Node, upstream: Upstream, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tunnel, "HALF_CLOSED_SECONDS", 0.1)
    async with open_tunnel(node, upstream) as opened:
        (reader, writer), (far_reader, _) = ends(opened, first)
        writer.write_eof()
        assert await within(far_reader.read()) == b""
        assert await within(reader.read()) == b""
        await eventually(lambda: tunnels(node), lambda count: count == 0)


async def test_who_says_much_early_and_then_no_more_hears_the_last_words(
    node: Node, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that holds much is asked whether its client has left; a tunnel's is not."""
    monkeypatch.setattr(client_connection, "DISCONNECT_POLL_SECONDS", 0.05)
    early = bytes(200_000)
    async with open_tunnel(node, upstream, sent=early) as opened:
        assert await within(opened.peer.reader.readexactly(len(early))) == early
        opened.client.writer.write_eof()
        assert await within(opened.peer.reader.read()) == b""
        await asyncio.sleep(0.2)  # several looks, if there were any
        opened.peer.writer.write(b"late words")
        opened.peer.writer.write_eof()
        assert await within(opened.client.reader.read()) == b"late words"


@FROM
async def test_who_takes_nothing_keeps_no_tunnel_though_it_says_something(
    start_node: StartNode, upstream: Upstream, first: str
) -> None:
    node = await start_node(send_timeout=0.2)
    async with open_tunnel(node, upstream) as opened:
        (_, writer), (_, far_writer) = ends(opened, first)
        writer.write(bytes(BIG))

        async def say_something() -> int:
            far_writer.write(b"x")
            return await tunnels(node)

        await eventually(say_something, lambda count: count == 0)


async def test_tunnels_go_on_in_a_drain_until_there_is_a_hurry(
    start_node: StartNode, upstream: Upstream
) -> None:
    node = await start_node(drain_timeout=600.0)
    async with open_tunnel(node, upstream) as opened:
        node.stop.set()
        await eventually(lambda: node.admin("/readyz"), lambda answer: answer[0] == 503)
        opened.client.writer.write(b"still")
        assert await within(opened.peer.reader.readexactly(5)) == b"still"
        node.hurry.set()
        assert await within(opened.client.reader.read()) == b""
        assert await within(opened.peer.reader.read()) == b""
        await within(node.task)


async def test_a_hurry_does_not_wait_for_who_takes_nothing(start_node: StartNode, upstream: Upstream) -> None:
    node = await start_node(drain_timeout=600.0)
    async with open_tunnel(node, upstream) as opened:
        opened.peer.writer.write(bytes(BIG))
        node.stop.set()
        await eventually(lambda: node.admin("/readyz"), lambda answer: answer[0] == 503)
        node.hurry.set()
        await within(node.task)
        await opened.peer.gone()


async def test_a_drain_has_an_end_for_tunnels_too(start_node: StartNode, upstream: Upstream) -> None:
    node = await start_node(drain_timeout=0.1)
    async with open_tunnel(node, upstream) as opened:
        node.stop.set()
        assert await within(opened.client.reader.read()) == b""
        assert await within(opened.peer.reader.read()) == b""
        await within(node.task)


async def test_a_drain_does_not_wait_for_tunnels_that_have_closed(
    start_node: StartNode, upstream: Upstream
) -> None:
    node = await start_node(drain_timeout=600.0)
    async with open_tunnel(node, upstream) as opened:
        node.stop.set()
        await eventually(lambda: node.admin("/readyz"), lambda answer: answer[0] == 503)
        opened.client.writer.close()
        assert await within(opened.peer.reader.read()) == b""
        opened.peer.close()
        await within(node.task)


async def test_after_many_tunnels_nothing_is_left(start_node: StartNode, upstream: Upstream) -> None:
    node = await start_node(
        default_limit="100000/s", upstream_idle_timeout=0.1, default_concurrency=1, upstream_connections=1
    )
    async with open_tunnel(node, upstream):
        pass
    await eventually(lambda: tunnels(node), lambda count: count == 0)
    before = await footprint()

    chance = random.Random(4)
    for _ in range(60):
        async with open_tunnel(node, upstream, sent=bytes(chance.choice([0, 1, 100_000]))) as opened:
            (_, writer), _ = ends(opened, chance.choice(["client", "upstream"]))
            writer.write(bytes(chance.choice([0, 10, 3_000_000])))
            match chance.randrange(4):
                case 0:
                    writer.close()
                case 1:
                    writer.write_eof()
                case 2:
                    reset_at_close(writer.transport)
                    writer.transport.abort()
        await eventually(lambda: tunnels(node), lambda count: count == 0)
    await eventually(footprint, lambda now: now.is_within(before))
    async with await node.connect() as client:
        assert (await client.get()).status == 200
