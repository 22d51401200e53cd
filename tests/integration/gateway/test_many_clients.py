"""More connections than there may be."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from gateway.building import Signals, serving
from gateway.config.settings import Settings
from gateway.listener import MAX_LINGERING
from gateway.proxy.slots import EVICTION_ATTEMPTS, ConnectionSlot, OverloadReason, SlotPool
from gateway.telemetry.counters import Counters
from gateway.workers.shared_counters import WorkerPeers
from tests.certificates import Authority
from tests.integration.gateway.client import Answer, Client, request, within
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.upstream import Peer, Upstream

StartNode = Callable[..., Awaitable[Node]]


async def sample(node: Node, name: str) -> float:
    """One of its metrics."""
    _, text = await node.admin("/metrics")
    (line,) = (line for line in text.splitlines() if line.startswith(name + " "))
    return float(line.split()[-1])


@asynccontextmanager
async def connected(node: Node, number: int) -> AsyncIterator[list[Client]]:
    """So many clients, whom the node has seen."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(await node.connect()) for _ in range(number)]
        await eventually(lambda: sample(node, "gateway_connections"), lambda open_: open_ >= number)
        yield clients


async def is_turned_away(node: Node, sent: bytes = b"") -> Answer:
    async with await node.connect() as client:
        client.writer.write(sent)
        answer = await client.answer()
        assert await client.rest() == b""
    assert answer.status == 503
    assert answer.closes
    assert answer.value("Retry-After") == b"2"
    assert json.loads(answer.body)["type"].endswith("#temporary-reduced-capacity")
    return answer


class Holding:
    """A service that answers when it may."""

    def __init__(self, upstream: Upstream) -> None:
        self.arrived = 0
        self.may_answer = asyncio.Event()
        upstream.script = self

    async def __call__(self, peer: Peer) -> None:
        while True:
            await peer.head()
            self.arrived += 1
            await self.may_answer.wait()
            await peer.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    async def has(self, number: int) -> None:
        async def arrived() -> int:
            return self.arrived

        await eventually(arrived, lambda arrived: arrived == number)


@pytest.mark.parametrize("sent", [b"", request(), request(b"/", b"X: " + b"x" * 8000) * 9])
async def test_beyond_the_nodes_bound_one_is_told_to_come_again(
    start_node: StartNode, upstream: Upstream, sent: bytes
) -> None:
    service = Holding(upstream)
    node = await start_node(max_connections=3)
    async with connected(node, 3) as clients:
        for client in clients:
            await client.send(request())
        await service.has(3)
        await is_turned_away(node, sent)
        service.may_answer.set()
        assert [(await client.answer()).status for client in clients] == [204] * 3

        # As soon as one has left, there is a place.
        await clients[0].send(request(b"/", b"Connection: close"))
        assert (await clients[0].answer()).closes
        async with await node.connect() as another:
            assert (await another.get()).status == 204

    assert await sample(node, 'gateway_connections_shed_total{full="node"}') == 1
    await eventually(lambda: sample(node, "gateway_connections"), lambda open_: open_ == 0)
    assert (await node.record()).boot.admitted == 5


async def test_who_has_waited_longest_for_nothing_makes_room(start_node: StartNode) -> None:
    node = await start_node(max_connections=3)
    async with connected(node, 3) as (silent, idle, busy):
        assert (await idle.get()).status == 200
        await busy.send(request()[:-2])
        async with await node.connect() as first, await node.connect() as second:
            assert (await first.get()).status == 200
            assert await silent.rest() == b""
            assert (await second.get()).status == 200
            assert await idle.rest() == b""
            await busy.send(b"\r\n")
            assert (await busy.answer()).status == 200

    assert await sample(node, "gateway_connections_gave_way_total") == 2
    assert await sample(node, 'gateway_connections_shed_total{full="node"}') == 0


async def test_however_many_are_served_one_that_waits_makes_room(
    start_node: StartNode, upstream: Upstream
) -> None:
    service = Holding(upstream)
    served = 2 * EVICTION_ATTEMPTS
    node = await start_node(max_connections=served + 1)
    async with connected(node, served) as clients:
        for arrived in (
            served,
            2 * served,
        ):  # at first over new connections to the service, then over kept ones
            service.may_answer.clear()
            for client in clients:
                await client.send(request())
            await service.has(arrived)
            if arrived == served:
                service.may_answer.set()
                assert {(await client.answer()).status for client in clients} == {204}
        async with await node.connect() as idle:
            await eventually(lambda: sample(node, "gateway_connections"), lambda open_: open_ > served)
            async with await node.connect() as another:
                await another.send(request())
                assert await idle.rest() == b""
                await service.has(2 * served + 1)
                service.may_answer.set()
                assert (await another.answer()).status == 204
        assert {(await client.answer()).status for client in clients} == {204}

    assert await sample(node, "gateway_connections_gave_way_total") == 1
    assert await sample(node, 'gateway_connections_shed_total{full="node"}') == 0


async def test_one_that_is_in_the_middle_of_a_head_or_a_body_does_not_make_room(
    start_node: StartNode,
) -> None:
    node = await start_node(max_connections=2)
    async with connected(node, 2) as (head, body):
        await head.send(request()[:-2])
        await body.send(request(method=b"POST", body=b"body")[:-2])
        await node_has_read(node)
        await is_turned_away(node)
        await head.send(b"\r\n")
        await body.send(b"dy")
        assert (await head.answer()).status == (await body.answer()).status == 200


async def test_one_whose_client_has_not_taken_its_answer_does_not_make_room_before_it_has() -> None:
    ours, its = socket.socketpair()
    its.setblocking(False)
    hall = SlotPool(Counters(), max_connections=1)
    place = hall.acquire("127.0.0.1")
    assert isinstance(place, ConnectionSlot)
    settings = Settings(upstream_url="http://127.0.0.1:9")  # type: ignore[call-arg] # others from the environment

    with its:
        connection = serving(settings, Signals(), Counters(), WorkerPeers()).downstream(place)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_accepted_socket(lambda: connection, ours)
        sent = 0
        while not transport.get_write_buffer_size():
            transport.write(bytes(4096))
            sent += 4096
            await asyncio.sleep(0)  # by then the kernel has what it takes

        assert hall.acquire("127.0.0.1") is OverloadReason.NODE
        while sent:
            sent -= len(await within(loop.sock_recv(its, 65536)))
        assert isinstance(hall.acquire("127.0.0.1"), ConnectionSlot)
        assert await within(loop.sock_recv(its, 1)) == b""


async def node_has_read(node: Node) -> None:
    """Wait until it has the request with a body, which was sent last."""
    await eventually(node.record, lambda record: record.in_flight == 1)


async def test_beyond_an_addresss_bound_one_is_told_so_as_well(start_node: StartNode) -> None:
    node = await start_node(address_connections=2)
    async with connected(node, 2) as (first, _):
        await is_turned_away(node, request())
        assert (await first.get()).status == 200

    assert await sample(node, 'gateway_connections_shed_total{full="address"}') == 1


async def test_an_addresss_bound_is_none_of_trusted_proxies(start_node: StartNode) -> None:
    node = await start_node(address_connections=2, trusted_proxies="127.0.0.1")
    async with connected(node, 20) as clients:
        assert [(await client.get()).status for client in clients] == [200] * 20


async def test_a_crowd_is_turned_away_and_leaves_nothing(start_node: StartNode, upstream: Upstream) -> None:
    service = Holding(upstream)
    node = await start_node(max_connections=1)
    before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else None
    async with connected(node, 1) as (client,):
        await client.send(request())
        await service.has(1)

        async def come() -> int:
            async with await node.connect() as another:
                another.writer.write(request())
                return (await another.answer()).status

        assert await asyncio.gather(*(come() for _ in range(3 * MAX_LINGERING))) == [503] * 3 * MAX_LINGERING
        service.may_answer.set()
        assert (await client.answer()).status == 204

    async def descriptors() -> int | None:
        return len(list(Path("/proc/self/fd").iterdir())) if before is not None else None

    await node.settled()
    await eventually(descriptors, lambda now: now is None or before is None or now <= before + 2)


async def test_behind_tls_one_is_closed_without_a_word(
    start_node: StartNode, upstream: Upstream, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.sign()
    service = Holding(upstream)
    node = await start_node(tls_cert=certificate, tls_key=key, max_connections=1)
    trust = authority.client()
    async with await Client.connect(node.port, trust) as client:
        await client.send(request())
        await service.has(1)
        with pytest.raises(ConnectionError):
            await within(Client.connect(node.port, trust))
        service.may_answer.set()
        assert (await client.answer()).status == 204


async def test_a_handshake_that_fails_gives_its_place_back(start_node: StartNode, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.sign()
    node = await start_node(tls_cert=certificate, tls_key=key, max_connections=1)
    for _ in range(3):
        async with await node.connect() as plain:
            await plain.send(request())
            await plain.rest()
        await eventually(lambda: sample(node, "gateway_connections"), lambda open_: open_ == 0)
    async with await Client.connect(node.port, authority.client()) as client:
        assert (await client.get()).status == 200
