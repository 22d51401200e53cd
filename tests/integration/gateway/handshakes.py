"""Handshakes of WebSocket in bytes, and what they open."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.integration.gateway.client import Client, request, within
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Peer, Script, Upstream

# RFC 6455 §1.3
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
OFFER = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", KEY)
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    + ACCEPT
    + b"\r\n\r\n"
)


@dataclass(frozen=True)
class Open:
    """A client and the service that it is connected to, with the head that the client got."""

    client: Client
    peer: Peer
    start_line: bytes
    lines: tuple[bytes, ...]


@asynccontextmanager
async def open_tunnel(
    node: Node | int,
    upstream: Upstream,
    *lines: bytes,
    sent: bytes = b"",
    answer: bytes = SWITCH,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Open]:
    """A tunnel through a node, or a port in front of it, closed at the end.

    `sent` goes out behind the handshake, before anybody has answered.
    """
    arrived: asyncio.Future[Peer] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def script(peer: Peer) -> None:
        upstream.script = usual
        await upstream.take(peer)
        await peer.send(answer)
        arrived.set_result(peer)
        await over.wait()

    usual: Script = upstream.script
    upstream.script = script
    try:
        async with await Client.connect(node if isinstance(node, int) else node.port, tls) as client:
            await client.send(request(b"/chat", *OFFER, *lines) + sent)
            peer = await within(arrived)
            yield Open(client, peer, *await client.head())
    finally:
        over.set()


async def tunnels(node: Node) -> int:
    """How many are open, by the node's metrics."""
    _, text = await node.admin("/metrics")
    (line,) = [line for line in text.splitlines() if line.startswith("gateway_tunnels ")]
    return int(line.split()[1])
