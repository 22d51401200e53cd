"""The listener of a real process: where it listens, and what it does when descriptors run out."""

import asyncio
import re
import resource
import select
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path
from typing import cast

import pytest

from gateway.config.tls import server_certificate
from gateway.errors import StartError
from gateway.listener import CLOSE_GRACE_SECONDS, Listener, listening_sockets, shared_sockets
from gateway.proxy.slots import ConnectionSlot, SlotPool
from gateway.telemetry.counters import Counters
from tests.certificates import Authority
from tests.integration.gateway.client import Client, request, within
from tests.integration.gateway.node import eventually
from tests.integration.gateway.processes import NodeProcess, node_process
from tests.integration.gateway.upstream import Upstream

MORE = 12
CLIENTS = 40


async def sample(admin: Client, name: str) -> float:
    """One of the node's metrics, over a connection that is there already."""
    text = (await admin.get_admin(b"/metrics")).body.decode()
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    assert found is not None
    return float(found[1])


def allow_descriptors(node: NodeProcess, more: int) -> None:
    """Let a process open so many more."""
    opened = len(list(Path(f"/proc/{node.process.pid}/fd").iterdir()))
    resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE, (opened + more, opened + more))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted in /proc")
async def test_without_descriptors_connections_wait_and_the_node_lives(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    settings = {"GATEWAY_UPSTREAM_URL": upstream.url, "REDIS_URL": redis_url}
    settings |= {"GATEWAY_DEFAULT_LIMIT": "1000/m", "GATEWAY_STORE_DEADLINE": "2"}
    async with (
        node_process(tmp_path, **settings) as node,
        await node.connect_admin() as admin,
        await node.connect() as first,
        AsyncExitStack() as stack,
    ):
        assert (await first.get()).status == 200
        assert (await admin.get_admin(b"/readyz")).status == 200
        allow_descriptors(node, MORE)
        clients = [await stack.enter_async_context(await node.connect()) for _ in range(CLIENTS)]
        for client in clients:
            await client.send(request(key=None))
        refused = await eventually(lambda: sample(admin, "gateway_accept_errors_total"), bool)

        # It serves whom it has, and does not ask in vain all the time.
        assert (await first.get()).status == 200
        cpu = await sample(admin, "process_cpu_seconds_total")
        await asyncio.sleep(1)
        assert await sample(admin, "process_cpu_seconds_total") - cpu < 0.5
        errors = await sample(admin, "gateway_accept_errors_total")
        assert refused <= errors < refused + 100

        # All that waited are answered as soon as others have left.
        for client in clients:
            assert (await client.answer()).status == 401
            client.writer.close()
        async with await node.connect() as last:
            assert (await last.get()).status == 200
        node.process.send_signal(signal.SIGTERM)
        assert await node.ends() == 0
        log = node.log.read_text()

    assert log.count("new connections wait, as none can be accepted: Too many open files") == 1
    assert "Traceback" not in log


async def test_a_name_is_listened_on_at_all_its_addresses() -> None:
    sockets = await listening_sockets("localhost", 0)
    try:
        found = await asyncio.get_running_loop().getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)
        assert {bound.family for bound in sockets} == {family for family, *_ in found}
        assert all(bound.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) for bound in sockets)
    finally:
        for bound in sockets:
            bound.close()


async def test_all_addresses_of_both_families_can_be_listened_on_at_once() -> None:
    """An IPv6 socket leaves IPv4 to the other."""
    if not socket.has_ipv6:
        pytest.skip("there is no IPv6 here")
    (four,) = await listening_sockets("0.0.0.0", 0)
    (six,) = await listening_sockets("::", four.getsockname()[1])
    four.close()
    six.close()


class Greeter(asyncio.Protocol):
    """Says hello to whom it is given."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        ours = cast("asyncio.Transport", transport)
        ours.write(b"hello")
        ours.close()


def greeter(place: ConnectionSlot) -> Greeter:
    return Greeter()


class Echo(asyncio.Protocol):
    """Answers what comes with the same, and ends."""

    def __init__(self, place: ConnectionSlot) -> None:
        self._place = place

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)
        self._transport.close()


def anybody() -> SlotPool:
    return SlotPool(Counters(), max_connections=1000)


@contextmanager
def waiting_at(listening: socket.socket, number: int) -> Iterator[list[socket.socket]]:
    """So many clients that the kernel has let in, and nobody has accepted."""
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(listening.getsockname())) for _ in range(number)]


async def all_that(client: socket.socket) -> bytes:
    """What a client gets until the connection ends in order."""
    client.setblocking(False)
    loop, got = asyncio.get_running_loop(), b""
    while piece := await within(loop.sock_recv(client, 100)):
        got += piece
    return got


async def test_who_waits_when_the_listener_closes_is_served() -> None:
    (listening,) = await listening_sockets("127.0.0.1", 0)
    listener = Listener([listening], greeter, Counters(), anybody())
    with waiting_at(listening, 100) as clients:
        await listener.close()

        assert listener.arriving == 0
        assert {await all_that(client) for client in clients} == {b"hello"}


@contextmanager
def no_descriptors() -> Iterator[None]:
    """This process can open nothing."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


async def test_who_waits_when_the_listener_closes_is_served_as_soon_as_there_are_descriptors() -> None:
    (listening,) = await listening_sockets("127.0.0.1", 0)
    counters = Counters()
    with waiting_at(listening, 3) as clients:
        closed = asyncio.ensure_future(Listener([listening], greeter, counters, anybody()).close())
        with no_descriptors():
            await asyncio.sleep(0)
            assert counters.accept_errors == 1
        await closed

        assert {await all_that(client) for client in clients} == {b"hello"}


async def test_who_is_accepted_at_the_last_moment_is_served_as_well() -> None:
    (listening,) = await listening_sockets("127.0.0.1", 0)
    with waiting_at(listening, 3) as clients:
        closed = asyncio.ensure_future(Listener([listening], Echo, Counters(), anybody()).close())
        with no_descriptors():
            await asyncio.sleep(0)
        time.sleep(CLOSE_GRACE_SECONDS)  # noqa: ASYNC251 - the process stands still
        await closed

        for client in clients:
            client.sendall(b"request")
        assert {await all_that(client) for client in clients} == {b"request"}


async def test_a_handshake_that_does_not_end_is_given_up_when_the_listener_closes(tmp_path: Path) -> None:
    (listening,) = await listening_sockets("127.0.0.1", 0)
    certificate = server_certificate(*Authority(tmp_path).sign())
    listener = Listener([listening], greeter, Counters(), anybody(), certificate)
    with waiting_at(listening, 1) as clients:
        await within(listener.close())

        assert listener.arriving == 0
        assert await all_that(clients[0]) == b""


def close_all(shares: list[list[socket.socket]]) -> None:
    for listening in (each for sockets in shares for each in sockets):
        listening.close()


async def test_those_who_share_a_port_have_a_socket_each_at_every_address() -> None:
    shares = await shared_sockets("localhost", 0, 3)
    try:
        addresses = [[listening.getsockname() for listening in sockets] for sockets in shares]
        assert addresses[0] == addresses[1] == addresses[2]
        assert 0 not in [port for _, port, *_ in addresses[0]]
    finally:
        close_all(shares)


async def test_nobody_else_shares_a_port() -> None:
    shares = await shared_sockets("127.0.0.1", 0, 2)
    port = shares[0][0].getsockname()[1]
    try:
        for sharers in (1, 2):
            with pytest.raises(StartError, match="cannot listen there: Address already in use"):
                await shared_sockets("127.0.0.1", port, sharers)
    finally:
        close_all(shares)
    close_all(await shared_sockets("127.0.0.1", port, 2))


async def test_connections_of_one_who_does_not_accept_are_adopted_and_then_left_to_it_again() -> None:
    (own,), (others,) = await shared_sockets("127.0.0.1", 0, 2)
    listener = Listener([own], greeter, Counters(), anybody())
    listener.open()
    with waiting_at(own, 40) as clients:
        listener.adopt([others])
        assert {await all_that(client) for client in clients} == {b"hello"}
    listener.adopt([])
    with waiting_at(own, 40):
        taken = 0
        while select.select([others], [], [], 0)[0]:
            others.accept()[0].close()
            taken += 1
        assert taken > 0
    await listener.close()
    others.close()


async def test_a_socket_that_another_has_closed_for_all_is_left_alone() -> None:
    (own,), (others,) = await shared_sockets("127.0.0.1", 0, 2)
    counters = Counters()
    listener = Listener([own], greeter, counters, anybody())
    listener.open()
    listener.adopt([others])
    others.shutdown(socket.SHUT_RDWR)
    with waiting_at(own, 4) as clients:
        assert {await all_that(client) for client in clients} == {b"hello"}
    await listener.close()
    assert counters.accept_errors == 0


async def test_the_port_is_closed_for_all_who_have_the_socket_or_for_one() -> None:
    for for_all in (True, False):
        (listening,) = await listening_sockets("127.0.0.1", 0)
        address, other = listening.getsockname(), listening.dup()
        await Listener([listening], greeter, Counters(), anybody()).close(for_all=for_all)
        with socket.socket() as client:
            assert (client.connect_ex(address) == 0) is not for_all
        other.close()
