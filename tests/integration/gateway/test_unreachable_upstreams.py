"""Kinds of upstreams that cannot be reached: the right answer in time, and service once they can.

Of an address that cannot be reached nobody knows what a request would do there; that it was refused, or that
its certificate was, is a 502, and silence a 504.
"""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
import trustme

from tests.integration.gateway.client import PATIENCE_SECONDS
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Upstream

StartNode = Callable[..., Awaitable[Node]]
SILENCE_SECONDS = 1.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Service(asyncio.Protocol):
    """Answers each head."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"\r\n\r\n"):
            self.transport.write(OK)


class Door:
    """A port. What becomes of each connection is `behaviour`; while it is `is_open` they are accepted."""

    def __init__(self, authority: trustme.CA, stranger: trustme.CA) -> None:
        self.authority = authority
        self.stranger = stranger
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port: int = self.listening.getsockname()[1]
        self.held = AsyncExitStack()
        """What is kept until the end."""
        self.behaviour: Behaviour = serves
        self._accepting = self._accept_in_background()

    def _accept_in_background(self) -> "asyncio.Task[None]":
        self.listening.setblocking(False)
        return asyncio.create_task(self._accept())

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(self.listening)
            self.held.callback(connection.close)
            await self.behaviour(self, connection)

    async def shut(self) -> None:
        """Nobody listens any more."""
        self._accepting.cancel()
        await asyncio.wait({self._accepting})
        self.listening.close()

    async def fill(self) -> None:
        """Listen, and accept nobody: the system's queue is full."""
        await self.shut()
        self.listening = socket.create_server(("127.0.0.1", self.port), backlog=0)
        for _ in range(4):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(self.listening.getsockname())
            self.held.callback(waiting.close)

    async def open(self) -> None:
        """Listen again, and serve."""
        await self.shut()
        self.listening = socket.create_server(("127.0.0.1", self.port), backlog=16)
        self.behaviour = serves
        self._accepting = self._accept_in_background()

    async def close(self) -> None:
        """Leave nothing behind."""
        await self.shut()
        await self.held.aclose()

    async def serve(self, connection: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Speak HTTP on a connection."""
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.connect_accepted_socket(Service, connection, ssl=tls)
        except OSError:  # the node does not shake hands
            return
        self.held.callback(transport.abort)

    def certificate(
        self, host: str = "127.0.0.1", *, days: int = 90, authority: trustme.CA | None = None
    ) -> ssl.SSLContext:
        """What a server shows, valid for so many days from now."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        now = datetime.now(UTC)
        before, after = now - timedelta(days=90), now + timedelta(days=days)
        issued = (authority or self.authority).issue_cert(host, not_before=before, not_after=after)
        issued.configure_cert(context)
        return context


Behaviour = Callable[[Door, socket.socket], Awaitable[None]]


async def serves(door: Door, connection: socket.socket) -> None:
    await door.serve(connection, door.certificate())


async def serves_plainly(door: Door, connection: socket.socket) -> None:
    await door.serve(connection)


async def closes(door: Door, connection: socket.socket) -> None:
    del door
    connection.close()


async def resets(door: Door, connection: socket.socket) -> None:
    del door
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


async def is_silent(door: Door, connection: socket.socket) -> None:
    del door, connection


def says(data: bytes) -> Behaviour:
    async def behaviour(door: Door, connection: socket.socket) -> None:
        del door
        await asyncio.get_running_loop().sock_sendall(connection, data)

    return behaviour


async def drips(door: Door, connection: socket.socket) -> None:
    """A record of a handshake that does not come to its end."""

    async def drip() -> None:
        for byte in b"\x16\x03\x03\x40\x00" + bytes(1000):
            await asyncio.get_running_loop().sock_sendall(connection, bytes([byte]))
            await asyncio.sleep(SILENCE_SECONDS / 20)

    task = asyncio.create_task(drip())
    door.held.callback(task.cancel)


async def is_another_host(door: Door, connection: socket.socket) -> None:
    await door.serve(connection, door.certificate("service.example"))


async def is_a_stranger(door: Door, connection: socket.socket) -> None:
    await door.serve(connection, door.certificate(authority=door.stranger))


async def has_expired(door: Door, connection: socket.socket) -> None:
    await door.serve(connection, door.certificate(days=-1))


async def wants_a_certificate(door: Door, connection: socket.socket) -> None:
    context = door.certificate()
    context.verify_mode = ssl.CERT_REQUIRED
    door.authority.configure_trust(context)
    await door.serve(connection, context)


WITH_TLS: dict[str, tuple[Behaviour, int]] = {
    "closes instead of shaking hands": (closes, 502),
    "resets instead of shaking hands": (resets, 502),
    "is silent instead of shaking hands": (is_silent, 504),
    "drips its handshake": (drips, 504),
    "answers in plain HTTP": (says(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), 502),
    "speaks first": (says(b"220 smtp.example ESMTP\r\n"), 502),
    "sends an alert": (says(b"\x15\x03\x03\x00\x02\x02\x28"), 502),
    "has a certificate for another host": (is_another_host, 502),
    "has a certificate of a stranger's": (is_a_stranger, 502),
    "has a certificate that has expired": (has_expired, 502),
    "wants a certificate of ours": (wants_a_certificate, 502),
}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def door(authority: trustme.CA) -> AsyncIterator[Door]:
    door = Door(authority, trustme.CA())
    yield door
    await door.close()


@pytest.fixture
def authority_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


async def is_told(node: Node, status: int, repair: Callable[[], Awaitable[None]]) -> None:
    """The client gets this `status`, and after the repair service on the same connection."""
    async with await node.connect() as client:
        answer = await client.get()
        assert (answer.status, answer.closes) == (status, False)
        assert b"127.0.0.1" not in answer.body
        await repair()
        assert (await client.get()).body == b"ok"
    record = await node.settled()
    assert (record.boot.admitted, record.boot.failed) == (1, 1)
    assert (record.upstream.broken, record.upstream.timed_out) == (status == 502, status == 504)


@pytest.mark.parametrize(("behaviour", "status"), WITH_TLS.values(), ids=WITH_TLS)
async def test_no_connection_by_tls_is_told_and_mended(
    start_node: StartNode, door: Door, authority_file: Path, behaviour: Behaviour, status: int
) -> None:
    node = await start_node(
        upstream_url=f"https://127.0.0.1:{door.port}",
        upstream_ca=authority_file,
        upstream_timeout=SILENCE_SECONDS if status == 504 else PATIENCE_SECONDS,
    )
    door.behaviour = behaviour

    async def repair() -> None:
        door.behaviour = serves

    await is_told(node, status, repair)


async def plain_node(start_node: StartNode, door: Door, timeout_seconds: float) -> Node:
    door.behaviour = serves_plainly
    return await start_node(upstream_url=f"http://127.0.0.1:{door.port}", upstream_timeout=timeout_seconds)


async def test_a_port_at_which_nobody_listens_is_told_and_mended(start_node: StartNode, door: Door) -> None:
    node = await plain_node(start_node, door, PATIENCE_SECONDS)
    await door.shut()

    async def repair() -> None:
        await door.open()
        door.behaviour = serves_plainly

    await is_told(node, 502, repair)


async def test_one_that_does_not_accept_is_told_and_mended(start_node: StartNode, door: Door) -> None:
    """Linux lets a connection in for as long as the queue has room, and is silent from then on."""
    node = await plain_node(start_node, door, SILENCE_SECONDS)
    await door.fill()

    async def repair() -> None:
        await door.open()
        door.behaviour = serves_plainly

    await is_told(node, 504, repair)


@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_where_one_does_not_accept_the_next_address_has_its_share_of_the_time(
    start_node: StartNode, door: Door, upstream: Upstream, method: bytes
) -> None:
    upstream.script = upstream.answering(OK)
    node = await start_node(
        upstream_url=f"http://127.0.0.1:{door.port}, {upstream.url}", upstream_timeout=2 * SILENCE_SECONDS
    )
    await door.fill()
    async with await node.connect() as client:
        assert [(await client.get(method=method)).body for _ in range(2)] == [b"ok", b"ok"]


async def test_a_name_that_nobody_has_is_answered_in_time(start_node: StartNode) -> None:
    """With a resolver that says so by a 502, else by a 504."""
    node = await start_node(upstream_url="http://nobody.invalid", upstream_timeout=SILENCE_SECONDS)
    async with await node.connect() as client:
        answers = [await client.get() for _ in range(2)]

    assert all(answer.status in (502, 504) and not answer.closes for answer in answers)
    assert (await node.settled()).boot.failed == 2
